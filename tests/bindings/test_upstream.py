"""One try at a provider: its answer with its body where that is to be read whole, or why there is none."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.paths import NODE

HARNESS = Path(__file__).with_name("upstream_harness.mjs")


def sent(**provider: Any) -> dict[str, Any]:
    """What came of one try at a provider that behaves so."""
    done = subprocess.run([NODE, HARNESS], input=json.dumps([provider]).encode(), capture_output=True, check=True)
    (each,) = json.loads(done.stdout)
    return dict(each)


def test_a_provider_is_asked_as_it_was_said_and_no_redirect_is_followed() -> None:
    answer = sent(chunks=["hello"])

    assert answer["asked"] == {
        "url": "https://provider.test/",
        "method": "POST",
        "headers": {"x-asked": "yes"},
        "body": "a body",
        "redirect": "manual",
    }
    assert json.loads(answer["headers"])["x-served"] == "yes"


def test_an_answer_that_is_to_be_read_whole_brings_its_body_along() -> None:
    answer = sent(chunks=["hel", 5, "lo"], bytesMax=100)

    assert (answer["status"], answer["whole"]) == (200, "hello")


def test_no_other_body_is_touched() -> None:
    assert sent(chunks=["hel", 5, "lo"])["untouched"] == "hello"
    assert sent(status=429, chunks=["too many"], bytesMax=100)["untouched"] == "too many"


def test_a_body_that_is_too_long_passes_on_with_what_was_read_of_it() -> None:
    answer = sent(chunks=["0123456789"] * 12, bytesMax=100)

    assert (answer["isTooLong"], answer["passed"]) == (True, "0123456789" * 12)


@pytest.mark.parametrize(
    ("provider", "failure"),
    [
        ({"isRefused": True}, "connection_lost"),
        ({"waitsMs": 500, "firstByteMs": 20}, "first_byte_timeout"),
        ({"waitsMs": 500, "leavesMs": 20}, "client_gone"),
    ],
)
def test_why_there_is_no_answer_is_told(provider: dict[str, Any], failure: str) -> None:
    answer = sent(**provider)

    assert (answer.get("status"), answer["failure"]) == (None, failure)


@pytest.mark.parametrize(
    ("provider", "failure"),
    [
        ({"chunks": ["hel"], "breaks": True}, "connection_lost"),
        ({"chunks": ["hel", 500, "lo"], "leavesMs": 20}, "client_gone"),
    ],
)
def test_a_body_that_breaks_off_is_told_of(provider: dict[str, Any], failure: str) -> None:
    answer = sent(**provider, bytesMax=100)

    assert (answer["status"], answer["failure"]) == (200, failure)


def test_the_time_for_the_first_byte_ends_at_the_headers() -> None:
    answer = sent(chunks=["hel", 400, "lo"], firstByteMs=200, bytesMax=100)

    assert answer["whole"] == "hello"
    assert answer["isAnsweredBeforeItsEnd"]
