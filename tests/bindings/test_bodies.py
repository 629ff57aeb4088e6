"""Answers are read whole as far as there is room; longer ones pass on, with what was read of them, and their end is kept."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

from local.paths import NODE

HARNESS = Path(__file__).with_name("bodies_harness.mjs")
ROOMY = 1 << 40


def a_body(
    *chunks: tuple[int, int], bytes_max: int = 100, isolate: int = ROOMY, breaks: bool = False
) -> dict[str, Any]:
    """Chunks of one byte each, so many times."""
    return {"chunks": chunks, "bytesMax": bytes_max, "isolateBytesMax": isolate, "breaks": breaks, "keptBytes": 30}


def run(*rounds: list[dict[str, Any]], late: tuple[str, ...] = ()) -> dict[str, Any]:
    given = json.dumps({"rounds": rounds, "late": late}).encode()
    done = subprocess.run([NODE, HARNESS], input=given, capture_output=True, check=True)
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def played(*plays: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of bodies that are read at once."""
    (each,) = run(list(plays))["played"]
    return list(each)


def test_a_short_answer_is_read_whole() -> None:
    none, one, several = played(a_body(), a_body((65, 100)), a_body((65, 50), (66, 50)))

    assert base64.b64decode(none["whole"]) == b""
    assert base64.b64decode(one["whole"]) == b"A" * 100
    assert base64.b64decode(several["whole"]) == b"A" * 50 + b"B" * 50


def test_of_a_long_answer_no_more_is_read_than_there_is_room_for_and_all_of_it_passes() -> None:
    (long,) = played(a_body(*((65, 60),) * 500, (66, 20)))

    assert (long["read"], long["passed"], long["ending"]) == (2, 60 * 500 + 20, "complete")


def test_only_the_end_of_a_long_answer_is_heard_and_only_when_it_is_over() -> None:
    (long,) = played(a_body(*((65, 60),) * 500, (66, 20)))

    assert base64.b64decode(long["heard"]) == b"A" * 60 + b"B" * 20
    assert long["wakes"] == 1


def test_the_answers_that_are_read_at_once_share_one_room() -> None:
    alone = played(a_body((65, 40), (65, 40), isolate=100))
    together = played(*(a_body((65, 40), (65, 40), isolate=100) for _ in range(3)))

    assert "whole" in alone[0]
    assert sum("passed" in each for each in together) >= 1
    assert all(each["passed"] == 80 for each in together if "passed" in each)


def test_room_is_there_again_when_an_answer_has_been_read_or_has_broken() -> None:
    read, broken, long = (a_body((65, 90), isolate=100, **how) for how in ({}, {"breaks": True}, {"bytes_max": 10}))

    rounds = run([read], [broken], [long], [read])["played"]

    assert rounds[0] == rounds[3] and "whole" in rounds[3][0]
    assert (rounds[1][0]["whole"], rounds[2][0]["passed"]) == ("broken", 90)


def test_a_long_answer_that_breaks_off_breaks_off_for_the_client() -> None:
    (broken,) = played(a_body((65, 200), breaks=True))

    assert (broken["passed"], broken["ending"], broken["isBrokenOff"]) == (200, "broken", True)


def test_a_part_that_does_not_answer_is_given_up_on_and_others_are_as_they_were() -> None:
    assert run(late=("in time", "never", "fails"))["late"] == ["word", "TimeoutError", "TypeError"]
