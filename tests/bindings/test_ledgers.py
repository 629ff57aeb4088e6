"""Charges go along with the next question to the same Ledger. One that is taken wakes no Python; whatever else comes of
it, Python hears, once."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.ledger.keeping.outbox import KeepRequest
from core.ledger.messages import Recorded, Settled
from core.ledger.questions import to_wire
from local.paths import NODE

HARNESS = Path(__file__).with_name("ledgers_harness.mjs")
CHARGE, OTHER_CHARGE, QUESTION = {"charge": "charge 1"}, {"charge": "charge 2"}, {"ask": "admit"}


def played(*steps: dict[str, Any]) -> dict[str, Any]:
    """What Ledgers were told, what Python heard, and which of its functions were destroyed unheard."""
    done = subprocess.run([NODE, HARNESS], input=json.dumps(steps).encode(), capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_a_charge_goes_along_before_the_next_question() -> None:
    done = played(CHARGE, OTHER_CHARGE, QUESTION)

    assert done["told"] == [["acme", "charge 1\ncharge 2\nadmit"]]
    assert done["heard"] == {"admit": "granted admit"}
    assert done["destroyed"] == ["charge 1", "charge 2"]


def test_a_charge_that_no_question_follows_goes_by_itself_with_the_others_that_wait() -> None:
    done = played(CHARGE, OTHER_CHARGE)

    assert done["told"] == [["acme", "charge 1\ncharge 2"]]
    assert (done["heard"], done["destroyed"]) == ({}, ["charge 1", "charge 2"])


def test_an_urgent_charge_goes_at_once_and_takes_along_what_waits() -> None:
    done = played(CHARGE, {**OTHER_CHARGE, "isUrgent": True}, QUESTION)

    assert done["told"] == [["acme", "charge 1\ncharge 2"], ["acme", "admit"]]
    assert done["destroyed"] == ["charge 1", "charge 2"]


def test_a_charge_goes_along_once() -> None:
    done = played(CHARGE, QUESTION, {"waitMs": 40}, QUESTION)

    assert done["told"] == [["acme", "charge 1\nadmit"], ["acme", "admit"]]


def test_a_charge_goes_to_its_own_ledger() -> None:
    done = played(CHARGE, {**QUESTION, "of": "other"})

    assert done["told"] == [["other", "admit"], ["acme", "charge 1"]]


@pytest.mark.parametrize("said", ['{"type":"conflict"}', '{"type":"fault"}', "{}"])
def test_any_other_answer_is_heard(said: str) -> None:
    assert played({"says": said}, CHARGE)["heard"] == {"charge 1": said}


def test_an_answer_of_too_few_lines_is_nobody_s() -> None:
    done = played({"says": "settled"}, CHARGE, QUESTION)

    assert (done["heard"], done["destroyed"]) == ({"charge 1": "failed", "admit": "failed"}, [])


def test_no_more_than_fifty_go_along_together() -> None:
    done = played(*({"charge": f"charge {number}"} for number in range(70)), QUESTION)

    assert [text.count("charge") for _, text in done["told"]] == [50, 20]
    assert len(done["destroyed"]) == 70


def test_each_hears_its_own_line() -> None:
    done = played({"says": "conflict\nsettled\ngranted"}, CHARGE, OTHER_CHARGE, QUESTION)

    assert done["heard"] == {"charge 1": "conflict", "admit": "granted"}
    assert done["destroyed"] == ["charge 2"]


@pytest.mark.parametrize(("says", "heard"), [("fail", "failed"), ("no stub", "failed"), ("hang", "hung")])
def test_a_ledger_that_is_away_is_heard_of_by_all_that_go_there(says: str, heard: str) -> None:
    done = played({"says": says}, CHARGE, QUESTION)

    assert done["heard"] == {"charge 1": heard, "admit": heard}


@pytest.mark.parametrize(("says", "heard"), [("fail", "failed"), ("no stub", "failed"), ("hang", "hung")])
@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_charge_by_itself_hears_that_the_ledger_is_away(says: str, heard: str, is_urgent: bool) -> None:
    assert played({"says": says}, {**CHARGE, "isUrgent": is_urgent})["heard"] == {"charge 1": heard}


def test_a_charge_whose_company_is_lost_does_not_wait_for_it() -> None:
    done = played({"says": "hang"}, CHARGE, {**QUESTION, "ms": 1_000})

    assert list(done["heard"].items()) == [("charge 1", "hung"), ("admit", "hung")]


def test_an_answer_begins_with_what_it_is() -> None:
    settled = to_wire(Settled(charged_nanousd=1, overrun_nanousd=0))
    recorded = to_wire(Recorded())

    assert settled.startswith('{"type":"settled"')
    assert recorded.startswith('{"type":"recorded"')


def test_a_message_is_one_line() -> None:
    assert "\n" not in to_wire(KeepRequest(text="two\nlines"))
