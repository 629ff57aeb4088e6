"""The beginning of a stream is heard before any of it passes: then all of it passes, once and in order, or none."""

import json
import subprocess
from pathlib import Path
from typing import Any

from local.paths import NODE

HARNESS = Path(__file__).with_name("begun_harness.mjs")
PRELUDE, WORD, END = "data: role\n\n", "data: word\n\n", "data: [DONE]\n\n"


def played(*rounds: dict[str, Any]) -> list[dict[str, Any]]:
    done = subprocess.run([NODE, HARNESS], input=json.dumps(rounds).encode(), capture_output=True, check=True)
    answered: list[dict[str, Any]] = json.loads(done.stdout)
    return answered


def test_what_was_heard_first_passes_before_the_rest_and_is_heard_again_by_whoever_meters_it() -> None:
    (seen,) = played({"steps": [PRELUDE, WORD, 5, WORD, END], "enough": "word"})

    assert (seen["begun"], seen["heard"]) == ("enough", PRELUDE + WORD)
    assert seen["passed"] == seen["told"] == PRELUDE + WORD + WORD + END
    assert seen["ending"] == "complete"


def test_a_stream_that_was_over_at_once_passes_as_a_whole() -> None:
    whole, nothing = played({"steps": [PRELUDE, END]}, {"steps": []})

    assert (whole["begun"], whole["passed"], whole["ending"]) == ("over", PRELUDE + END, "complete")
    assert (nothing["begun"], nothing["passed"], nothing["ending"]) == ("over", "", "complete")


def test_a_read_that_nobody_has_waited_for_to_its_end_loses_no_byte() -> None:
    late = {"steps": [PRELUDE, 80, WORD, END], "enough": "word", "holdBackMs": 20}

    (seen,) = played(late)

    assert (seen["begun"], seen["heard"]) == ("late", PRELUDE)
    assert seen["passed"] == seen["told"] == PRELUDE + WORD + END


def test_silence_and_a_reset_are_told_apart_and_a_discarded_stream_is_let_go() -> None:
    silent, reset, failed = played(
        {"steps": [None], "silenceMs": 20, "discards": True},
        {"steps": [PRELUDE, "!"], "enough": "word", "discards": True},
        {"steps": [PRELUDE, WORD, None], "enough": "word", "discards": True},
    )

    assert (silent["begun"], silent["isCancelled"]) == ("silent", True)
    assert (reset["begun"], reset["isCancelled"]) == ("reset", False)
    assert (failed["begun"], failed["isCancelled"]) == ("enough", True)


def test_a_stream_that_breaks_or_is_left_after_its_beginning_ends_as_any_other() -> None:
    broken, left, late = played(
        {"steps": [PRELUDE, WORD, "!"], "enough": "word"},
        {"steps": [PRELUDE, WORD, 30, WORD, None], "enough": "word", "leaves": True},
        {"steps": [PRELUDE, 60, "!"], "enough": "word", "holdBackMs": 20},
    )

    assert (broken["passed"], broken["ending"]) == (PRELUDE + WORD + "<broken off>", "broken")
    assert (left["ending"], left["isCancelled"]) == ("client_disconnected", True)
    assert (late["begun"], late["passed"], late["ending"]) == ("late", PRELUDE + "<broken off>", "broken")
