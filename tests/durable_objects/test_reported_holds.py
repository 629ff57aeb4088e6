"""A report of a call that was held for: it takes the hold's place for its own caller, whatever has changed meanwhile."""

import pytest

from core.ledger.messages import Conflict, Granted, Recorded
from tests.support.ledger_requests import NOW_MS, TTL_MS, a_record, an_admission, session
from tests.support.sqlite_ledger import a_service

OWNER, STRANGER = "team:search", "key:key_2"


def held(ledger, **changes):
    return ledger.admit(an_admission("evt_1", caller=OWNER, **changes), NOW_MS)


def reported(ledger, caller=OWNER, cost=60, now_ms=NOW_MS, **changes):
    return ledger.record(a_record(cost, "evt_1", session_id="s", caller=caller, **changes), now_ms)


def test_its_caller_s_report_ends_a_hold(ledger):
    held(ledger)

    assert isinstance(reported(ledger), Recorded)
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (60, 0)


@pytest.mark.parametrize("is_woken", [False, True])
def test_nobody_else_s_report_ends_a_hold_however_well_its_id_was_guessed(ledger, database, is_woken):
    held(ledger)
    ledger = a_service(database) if is_woken else ledger

    assert isinstance(reported(ledger, STRANGER, cost=0), Conflict)
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (0, 100)


def test_nobody_else_corrects_the_charge_of_a_hold_that_has_expired(ledger):
    held(ledger)
    ledger.sweep(NOW_MS + TTL_MS + 1)

    assert isinstance(reported(ledger, STRANGER, cost=0, now_ms=NOW_MS + TTL_MS + 2), Conflict)
    assert session(ledger, NOW_MS + TTL_MS + 2).spent_nanousd == 100


def test_a_guest_in_a_session_ends_its_own_hold_there(ledger):
    ledger.admit(an_admission("rsv_0", caller=OWNER), NOW_MS)
    ledger.admit(an_admission("evt_1", 20, caller=STRANGER), NOW_MS)

    assert isinstance(reported(ledger, STRANGER, cost=15), Recorded)


@pytest.mark.parametrize("change", [{"documents_number": 7}, {"session_default_limit_nanousd": 900}], ids=str)
def test_a_question_asked_again_after_its_tenant_s_documents_changed_gets_the_same_hold(ledger, change):
    first = held(ledger)

    again = held(ledger, **change)

    assert isinstance(again, Granted)
    assert again.expires_at_ms == first.expires_at_ms
    assert session(ledger).held_nanousd == 100


def test_a_report_sent_again_after_the_default_limit_changed_is_the_same_report(ledger):
    reported(ledger, session_default_limit_nanousd=500)

    again = reported(ledger, session_default_limit_nanousd=900)

    assert isinstance(again, Recorded)
    assert again.is_replay
