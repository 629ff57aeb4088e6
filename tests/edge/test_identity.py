"""How long a token's record and a tenant's policy are believed, and who waits when they are read again."""

import json

import pytest

from identity import FRESH_MS, RENEWED_AFTER_MS, Caller, IdentityCache, Stranger, identify
from settings import parse_settings
from tests.support.memory_ports import TOKEN, World

SETTINGS = parse_settings({})


class Counting(World):
    """A world that counts the reads of KV which a request waits for, and those behind it."""

    def __init__(self):
        super().__init__({})
        self.cache = IdentityCache()
        self.reads = 0

    def _kv(self, key):
        self.reads += 1
        return super()._kv(key)

    def ask(self, token=TOKEN):
        """Whoever identifies, how often KV was read first, and how often in all."""
        before = self.reads
        seen = []

        async def asked():
            caller = await identify(
                {"authorization": f"Bearer {token}"}, ports=self.ports(), settings=SETTINGS, cache=self.cache
            )
            seen.append(self.reads - before)
            return Answered(caller)

        caller = self.run(asked()).caller
        return caller, seen[0], self.reads - before

    def set_record(self, **changes):
        (key,) = (key for key in self.kv if key.startswith("key:"))
        self.kv[key] = json.dumps({**json.loads(self.kv[key]), **changes})


class Answered:
    body = b""

    def __init__(self, caller):
        self.caller = caller


@pytest.fixture
def world():
    return Counting()


def test_a_known_token_costs_no_look_at_kv(world):
    world.ask()

    assert world.ask()[1:] == (0, 0)


def test_a_token_in_use_is_read_again_behind_the_answer(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS)

    assert world.ask()[1:] == (0, 2)


def test_only_one_call_renews(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS)
    world.is_kv_away = True
    world.ask()

    assert world.ask()[1:] == (0, 0)


def test_a_token_that_is_never_idle_never_waits_for_kv(world):
    world.ask()

    waits = []
    for _ in range(10):
        world.pass_time(RENEWED_AFTER_MS)
        waits.append(world.ask()[1])

    assert waits == [0] * 10


def test_a_disabled_token_is_let_in_for_no_longer_than_a_record_is_fresh(world):
    world.ask()
    world.set_record(disabled=True)
    world.pass_time(FRESH_MS)

    caller, _, _ = world.ask()

    assert caller == Stranger("disabled", caller.record)


def test_a_token_in_use_is_found_disabled_at_the_call_after_its_renewal(world):
    world.ask()
    world.set_record(disabled=True)
    world.pass_time(RENEWED_AFTER_MS)
    world.ask()

    assert isinstance(world.ask()[0], Stranger)


def test_an_unknown_token_is_renewed_like_a_known_one(world):
    stranger = "aw_live_" + "cd" * 24
    world.ask(stranger)
    world.pass_time(RENEWED_AFTER_MS)

    assert world.ask(stranger)[1:] == (0, 1)


def test_a_renewal_that_fails_is_nobody_s_error(world):
    stranger = "aw_live_" + "cd" * 24
    world.ask(stranger)
    world.pass_time(RENEWED_AFTER_MS)
    world.is_kv_away = True

    assert isinstance(world.ask(stranger)[0], Stranger)


def test_a_stale_record_carries_on_while_kv_is_away(world):
    world.ask()
    world.pass_time(FRESH_MS)
    world.is_kv_away = True

    assert isinstance(world.ask()[0], Caller)
