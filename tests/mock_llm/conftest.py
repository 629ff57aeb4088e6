"""The mock as a process of its own, one for all tests."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.mock_llm.running_mock import Mock

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mock_llm", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = re.search(r"http://\S+", process.stdout.readline())
    assert ready is not None, "the mock did not say where it is"
    yield ready.group()
    process.terminate()
    process.wait(timeout=5)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def mock(mock_url: str, http: httpx.Client) -> Mock:
    return Mock(mock_url, uuid4().hex, http)
