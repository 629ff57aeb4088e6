"""What a ledger keeps of its sessions and tells of them: the same after any wake, once each, and never too much."""

import json
from typing import Any

import msgspec
import pytest

from core.bounds import OUTBOX_MESSAGES_MAX
from core.ledger.loops.messages import SessionFactsRequest, SessionStanding
from core.ledger.loops.ruling import Candidate, Rate, SessionNeed
from core.ledger.loops.turns import Turn
from core.ledger.messages import (
    Granted,
    ModelChanged,
    PausedDenied,
    RateLimits,
    RuleDenied,
)
from durable_objects.service import LedgerService
from tests.support.ledger_requests import DAY_MS, HOUR_MS, NOW_MS, a_record, a_settlement, an_admission, of_session
from tests.support.sqlite_ledger import SqliteDatabase, a_service

TELL = Candidate("look", "Look", "alert")
BLOCK = Candidate("stop", "Stop", "block")
PAUSE = Candidate("halt", "Halt", "pause_session")


def facts(ledger: LedgerService, at_ms: int = NOW_MS, **turn: Any) -> SessionStanding:
    return ledger.session_facts(SessionFactsRequest(session_id="s", turn=Turn(**turn)), at_ms)


def call(ledger: LedgerService, number: int, tokens: int, at_ms: int, **turn: Any) -> None:
    admission = an_admission(f"rsv_{number}", turn=Turn(prompt_tokens=tokens, **turn), session_limit_nanousd=None)
    assert isinstance(ledger.admit(admission, at_ms), Granted)
    ledger.settle(a_settlement(10, f"rsv_{number}", prompt_tokens=tokens, completion_tokens=5), at_ms + 100)


def told(ledger: LedgerService) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in ledger.outbox.next(1_000)]


def kinds(ledger: LedgerService) -> list[str]:
    return [each.get("kind", each["type"]) for each in told(ledger)]


@pytest.mark.parametrize("checkpoints", [(), (2,), (1, 3), (5,)])
def test_a_history_is_the_same_after_a_wake_wherever_the_checkpoints_fell(
    database: SqliteDatabase, checkpoints: tuple[int, ...]
) -> None:
    ledger = a_service(database)
    for number in range(5):
        call(ledger, number, 100 * (number + 1), NOW_MS + 1_000 * number, prompt="p", step=f"step-{number % 2}")
        if number + 1 in checkpoints:
            ledger.sweep(NOW_MS + 1_000 * number + 60_100)
    ledger.admit(an_admission("rsv_open", session_limit_nanousd=None), NOW_MS + 5_000)
    before = facts(ledger, NOW_MS + 6_000, prompt_tokens=600, prompt="p", step="step-1")

    woken = a_service(database)

    assert facts(woken, NOW_MS + 6_000, prompt_tokens=600, prompt="p", step="step-1") == before
    assert before.facts.iteration == 7
    assert before.facts.repeated_prompt == 6
    assert before.prompt_sizes == (200, 300, 400, 500, 600)


def test_a_session_that_begins_anew_has_no_past(ledger: LedgerService, database: SqliteDatabase) -> None:
    for number in range(3):
        call(ledger, number, 100, NOW_MS, prompt="p")
    later_ms = NOW_MS + 2 * DAY_MS

    for each in (ledger, a_service(database)):
        assert facts(each, later_ms, prompt="p").facts.repeated_prompt == 1
        assert facts(each, later_ms).facts.iteration == 1
    call(ledger, 9, 100, later_ms, prompt="p")
    assert facts(ledger, later_ms + 1_000, prompt="p").facts.repeated_prompt == 2
    assert facts(a_service(database), later_ms + 1_000, prompt="p").facts.repeated_prompt == 2


def test_a_late_settlement_corrects_the_history_and_counts_no_second_call(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    ledger.admit(an_admission("rsv_1", turn=Turn(prompt_tokens=100), session_limit_nanousd=None), NOW_MS)
    ledger.sweep(NOW_MS + 120_000)  # it expires
    ledger.settle(a_settlement(40, prompt_tokens=90, completion_tokens=1), NOW_MS + 121_000)

    for each in (ledger, a_service(database)):
        found = facts(each, NOW_MS + 122_000).facts
        assert (found.iteration, found.spend_per_hour_nanousd, found.session_spend_nanousd) == (2, 40, 40)


def test_what_the_rules_came_to_is_the_same_for_a_question_asked_again(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    candidates = (
        Candidate("first", "First", "tag"),
        Candidate("dear", "Dear", "block", needs=(SessionNeed("growth_ratio", 2.0),)),
    )
    admission = an_admission(candidates=candidates)

    first = ledger.admit(admission, NOW_MS)

    assert isinstance(first, Granted)
    assert (first.ruling.done.fired, first.ruling.unknown) == (("first",), ("dear",))
    for each in (ledger, a_service(database)):
        again = each.admit(admission, NOW_MS + 1)
        assert isinstance(again, Granted)
        assert again.ruling == first.ruling


def test_what_a_rule_stops_holds_nothing_and_writes_no_row(ledger: LedgerService, database: SqliteDatabase) -> None:
    ledger.admit(an_admission("rsv_0", 50), NOW_MS)

    def stop() -> None:
        assert isinstance(ledger.admit(an_admission("rsv_1", candidates=(BLOCK,)), NOW_MS), RuleDenied)

    assert database.rows_written_by(stop) == 0
    assert facts(ledger).facts.iteration == 2


def test_a_loop_that_is_blocked_and_keeps_asking_does_not_outlive_its_session(database: SqliteDatabase) -> None:
    ledger = a_service(database)
    ledger.admit(an_admission("rsv_0", 50), NOW_MS)
    ledger.settle(a_settlement(50, "rsv_0"), NOW_MS)
    for hour in range(60):
        stopped = an_admission(f"rsv_{hour + 1}", candidates=(BLOCK,))
        assert isinstance(a_service(database).admit(stopped, NOW_MS + hour * HOUR_MS), RuleDenied)

    assert facts(a_service(database), NOW_MS + 60 * HOUR_MS).facts.session_spend_nanousd == 50


def test_another_model_counts_against_no_rate(ledger: LedgerService) -> None:
    one_a_minute = RateLimits(tenant_requests_per_minute=1)
    cheaper = Candidate("cheaper", "Cheaper", "downgrade")

    first = ledger.admit(an_admission("rsv_1", rate_limits=one_a_minute, candidates=(cheaper,)), NOW_MS)
    second = ledger.admit(an_admission("rsv_2", rate_limits=one_a_minute), NOW_MS)

    assert (type(first), type(second)) == (ModelChanged, Granted)


def test_a_throttle_survives_wakes_and_checkpoints(ledger: LedgerService, database: SqliteDatabase) -> None:
    slow = Candidate("slow", "Slow", "throttle", rate=Rate("rule:slow:tenant", 1))
    assert isinstance(ledger.admit(an_admission("rsv_1", 10, candidates=(slow,)), NOW_MS), Granted)

    woken = a_service(database)
    denied = woken.admit(an_admission("rsv_2", 10, candidates=(slow,)), NOW_MS + 1)
    woken.sweep(NOW_MS + 59_000)
    again = a_service(database).admit(an_admission("rsv_3", 10, candidates=(slow,)), NOW_MS + 59_500)

    assert isinstance(denied, RuleDenied)
    assert denied.ruling.done.retry_after_ms == 59_999
    assert isinstance(again, RuleDenied)


def test_a_pause_by_a_rule_is_a_row_an_event_and_an_alert_and_lasts(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    assert isinstance(ledger.admit(an_admission("rsv_1", candidates=(PAUSE,)), NOW_MS), RuleDenied)

    denied = a_service(database).admit(an_admission("rsv_2"), NOW_MS + 1)

    assert isinstance(denied, PausedDenied)
    assert denied.account.paused_by == "halt"
    assert kinds(ledger) == ["rule", "budget_event"]
    resumed = ledger.configure(of_session(is_paused=False), NOW_MS + 2).account
    assert (resumed.is_paused, resumed.paused_by) == (False, None)


# Alerts ---------------------------------------------------------------------------------------------------


def test_an_occasion_is_told_once_whatever_wakes_or_repeats(database: SqliteDatabase) -> None:
    for number in range(6):
        ledger = a_service(database)
        ledger.admit(an_admission(f"rsv_{number}", 10, candidates=(TELL,)), NOW_MS + number)

    assert kinds(a_service(database)) == ["rule"]
    a_service(database).admit(an_admission("rsv_9", 10, candidates=(TELL,)), NOW_MS + DAY_MS + 1)
    assert kinds(a_service(database)) == ["rule", "rule"]


def test_of_many_alerts_ten_are_told_and_the_rest_together_when_the_hour_is_over(database: SqliteDatabase) -> None:
    ledger = a_service(database)
    for number in range(1_000):
        tell = an_admission(f"rsv_{number}", 0, session_id=f"s{number}", candidates=(TELL,))
        ledger.admit(tell, NOW_MS)
    assert kinds(ledger) == ["rule"] * 10

    woken = a_service(database)
    due_ms = woken.next_work_at_ms()
    for _ in range(3):  # the first ones end holds that are overdue
        woken.sweep((NOW_MS // HOUR_MS + 1) * HOUR_MS)

    assert due_ms is not None
    assert kinds(woken) == ["rule"] * 10 + ["digest"]
    assert "990" in told(woken)[-1]["summary"]
    woken.sweep((NOW_MS // HOUR_MS + 2) * HOUR_MS)
    assert len(told(woken)) == 11


def test_reports_alone_are_told_of_as_a_runaway(ledger: LedgerService) -> None:
    for number, tokens in enumerate((1_000, 1_500, 2_250, 3_375)):
        report = a_record(10, f"evt_{number}", session_id="s", prompt_tokens=tokens, completion_tokens=1)
        ledger.record(report, NOW_MS + 1_000 * number)
        assert kinds(ledger) == (["anomaly"] if number == 3 else [])


def test_what_the_outbox_cannot_take_is_told_later(ledger: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durable_objects.outgoing.outbox.OUTBOX_MESSAGES_MAX", 0)
    ledger.admit(an_admission("rsv_1", 10, candidates=(TELL,)), NOW_MS)
    monkeypatch.setattr("durable_objects.outgoing.outbox.OUTBOX_MESSAGES_MAX", OUTBOX_MESSAGES_MAX)

    ledger.admit(an_admission("rsv_2", 10, candidates=(TELL,)), NOW_MS)

    assert kinds(ledger) == ["rule"]


def test_a_row_of_alerts_that_cannot_be_read_stops_nobody(ledger: LedgerService, database: SqliteDatabase) -> None:
    ledger.admit(an_admission("rsv_1", 10, candidates=(TELL,)), NOW_MS)
    database.execute("UPDATE kept SET body = '{' WHERE name = 'alert_flow'")

    woken = a_service(database)

    assert isinstance(woken.admit(an_admission("rsv_2", 10, candidates=(TELL,)), NOW_MS), Granted)
    assert woken.take_notices()


def test_a_row_of_a_version_without_histories_is_read(ledger: LedgerService, database: SqliteDatabase) -> None:
    call(ledger, 1, 100, NOW_MS)
    ledger.sweep(NOW_MS + 61_000)
    (table,) = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'sessions%'")][:1]
    for row_id, body in database.execute(f"SELECT id, body FROM {table}"):
        stored = msgspec.json.decode(body)[:2]
        database.execute(f"UPDATE {table} SET body = ? WHERE id = ?", msgspec.json.encode(stored).decode(), row_id)

    woken = a_service(database)

    assert facts(woken, NOW_MS + 62_000).facts.session_spend_nanousd == 10
    assert woken.take_notices() == []
