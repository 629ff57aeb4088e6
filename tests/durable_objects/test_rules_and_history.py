"""What a tenant's rules leave behind in its ledger, and what a session's past survives."""

import json

import pytest

from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.loops.ruling import Candidate, Rate, SessionNeed
from core.ledger.loops.turns import PLAIN_TURN, SessionFacts
from core.ledger.messages import Granted, PausedDenied, RuleDenied
from durable_objects import memory
from durable_objects.service import LedgerService
from tests.support.ledger_requests import DAY_MS, HOUR_MS, NOW_MS, TTL_MS, a_record, an_admission, of_session
from tests.support.sqlite_ledger import a_service

FROM_THE_SECOND_CALL = (SessionNeed("iteration", 2),)


def facts(ledger: LedgerService, now_ms: int = NOW_MS) -> SessionFacts:
    return ledger.session_facts(SessionFactsRequest(session_id="s", turn=PLAIN_TURN), now_ms).facts


def test_a_session_keeps_its_past_when_the_same_call_crowds_others_out_of_memory(ledger, database, monkeypatch):
    monkeypatch.setattr(memory.AccountBook.__init__, "__kwdefaults__", {"accounts_max": 6})
    ledger.record(a_record(5, "evt_team", team="search"), NOW_MS)
    for number in range(3):
        ledger.record(a_record(5, f"evt_{number}", session_id="s"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    awake = a_service(database)
    assert facts(awake).iteration == 4
    for number in range(9):
        awake.record(a_record(5, f"evt_other_{number}", session_id=f"other-{number}"), NOW_MS)
    awake._state.checkpoint(NOW_MS)

    awake.record(a_record(5, "evt_last", session_id="s", team="search"), NOW_MS)

    assert facts(awake).iteration == 5
    awake._state.checkpoint(NOW_MS)
    assert facts(a_service(database)).iteration == 5


def test_whoever_keeps_asking_does_not_outlive_the_rule_that_stops_it(ledger, database):
    stop = Candidate("stop", "stop", "block", needs=FROM_THE_SECOND_CALL)
    ledger.record(a_record(5, session_id="s"), NOW_MS)

    for hour in range(1, 50):
        now_ms = NOW_MS + hour * HOUR_MS
        assert isinstance(ledger.admit(an_admission(f"rsv_{hour}", candidates=(stop,)), now_ms), RuleDenied)
        ledger.sweep(now_ms + 1)

    assert database.rows_written_by(lambda: ledger.admit(an_admission("rsv_now", candidates=(stop,)), now_ms + 2)) == 0


@pytest.mark.parametrize(
    "rule",
    [
        Candidate("stop", "stop", "block"),
        Candidate("slow", "slow", "throttle", rate=Rate("rule:slow:tenant", 1)),
    ],
    ids=["block", "throttle"],
)
def test_a_call_that_is_stopped_in_a_new_session_writes_no_row(ledger, database, rule):
    ledger.admit(an_admission("rsv_first", session_id=None, candidates=(rule,)), NOW_MS)

    written = database.rows_written_by(lambda: ledger.admit(an_admission(candidates=(rule,)), NOW_MS))

    assert written == 0


def test_a_session_that_was_paused_late_in_its_day_stays_paused(ledger):
    halt = Candidate("halt", "halt", "pause_session", needs=FROM_THE_SECOND_CALL)
    ledger.record(a_record(5, session_id="s"), NOW_MS)
    ledger.admit(an_admission("rsv_1", candidates=(halt,)), NOW_MS + DAY_MS - 10)

    assert isinstance(ledger.admit(an_admission("rsv_2"), NOW_MS + DAY_MS + 10), PausedDenied)


def test_an_admission_that_asks_again_without_its_throttles_is_the_same(ledger):
    slow = Candidate("slow", "slow", "throttle", rate=Rate("rule:slow:tenant", 5))
    assert isinstance(ledger.admit(an_admission(candidates=(slow,)), NOW_MS), Granted)

    assert isinstance(ledger.admit(an_admission(), NOW_MS), Granted)


def test_a_call_that_costs_nothing_passes_a_pause_and_no_rule(ledger):
    ledger.configure(of_session(is_paused=True), NOW_MS)

    answer = ledger.admit(an_admission(want=0, candidates=(Candidate("stop", "stop", "block"),)), NOW_MS)

    assert isinstance(answer, RuleDenied)


def test_each_pause_by_a_rule_is_a_budget_event_and_one_alert_a_day(ledger):
    halt = Candidate("halt", "halt", "pause_session", needs=FROM_THE_SECOND_CALL)
    ledger.record(a_record(5, session_id="s"), NOW_MS)

    for moment in (1, 2):
        ledger.admit(an_admission(f"rsv_{moment}", candidates=(halt,)), NOW_MS + moment)
        ledger.configure(of_session(is_paused=False), NOW_MS + moment)

    told = [json.loads(text) for _, text in ledger.outbox.next(10)]
    assert sorted(each["type"] for each in told) == ["alert", "budget_event", "budget_event"]
    assert len({each["event_id"] for each in told if each["type"] == "budget_event"}) == 2
