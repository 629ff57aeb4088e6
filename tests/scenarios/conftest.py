"""A tenant with administrators whose provider answers a small call, seen from two isolates; what a file needs otherwise, it
makes by itself under the same names."""

import json

import pytest

from isolate import Isolate
from tests.support.api_client import ADMIN, ANSWER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators()
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


@pytest.fixture
def isolates() -> tuple[Isolate, Isolate]:
    return an_isolate(), an_isolate()


@pytest.fixture
def admin(world: World, isolates: tuple[Isolate, Isolate]) -> Client:
    return Client(world, isolates[0], ADMIN)
