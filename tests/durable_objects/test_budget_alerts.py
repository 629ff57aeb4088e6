"""A tenant hears of each budget once when its threshold is passed and once when it is exhausted."""

import json

import pytest

from core.ledger.messages import BudgetDenied, ConfigureRequest
from core.telemetry import Alert, BudgetEvent, from_wire
from tests.durable_objects.test_keys import make
from tests.support.ledger_requests import (
    DAY_MS,
    NOW_MS,
    TTL_MS,
    a_record,
    a_settlement,
    an_admission,
    of_session,
    of_team,
)
from tests.support.sqlite_ledger import a_service

THRESHOLD = "budget_threshold:team:search:month:2026-11"
EXHAUSTED = "budget_exhausted:team:search:month:2026-11"


def told(ledger):
    """The keys of the alerts in the outbox."""
    messages = [from_wire(text) for _, text in ledger.outbox.next(1_000)]
    return [message.alert_key for message in messages if isinstance(message, Alert)]


def spend(ledger, amount, event_id, now_ms=NOW_MS):
    ledger.record(a_record(amount, event_id, team="search"), now_ms)


def test_the_threshold_is_told_once_when_it_is_passed(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)

    spend(ledger, 79, "evt_1")
    assert told(ledger) == []
    spend(ledger, 1, "evt_2")
    spend(ledger, 10, "evt_3")

    assert told(ledger) == [THRESHOLD]


def test_an_alert_says_what_a_person_needs_and_is_recorded_as_an_event(ledger):
    ledger.configure(of_team(limit_nanousd=5_000_000_000), NOW_MS)
    spend(ledger, 4_100_000_000, "evt_1")

    alert, event = (from_wire(text) for _, text in ledger.outbox.next(10))

    assert isinstance(alert, Alert) and isinstance(event, BudgetEvent)
    assert alert.summary == "The budget of team search has passed 80 %: $4.1 of $5."
    assert (alert.kind, alert.tenant, alert.facts["share"]) == ("budget_threshold", "acme", "82 %")
    assert (alert.severity, alert.team, alert.limit_nanousd) == ("warning", "search", 5_000_000_000)
    assert """/v1/teams/search/budget" -H""" in alert.steps["double its limit"]
    assert alert.steps["double its limit"].endswith("""-d '{"limit_usd":"10"}'""")
    assert (event.change, event.scope_id, event.spent_nanousd) == ("threshold_reached", "search", 4_100_000_000)


@pytest.mark.parametrize("is_hard", [True, False])
def test_an_exhausted_budget_is_told_once_hard_or_not(ledger, is_hard):
    ledger.configure(of_team(limit_nanousd=100, is_hard=is_hard), NOW_MS)

    spend(ledger, 100, "evt_1")
    spend(ledger, 100, "evt_2")
    ledger.admit(an_admission(team="search", session_id=None), NOW_MS)

    assert told(ledger) == [THRESHOLD, EXHAUSTED]


def test_a_budget_past_its_threshold_that_refuses_a_call_is_told_as_exhausted(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    spend(ledger, 95, "evt_1")

    for number in range(3):
        call = an_admission(f"rsv_{number}", team="search", session_id=None)
        assert isinstance(ledger.admit(call, NOW_MS), BudgetDenied)

    assert told(ledger) == [THRESHOLD, EXHAUSTED]


def test_a_budget_that_only_holds_keep_others_out_of_is_not_told_as_exhausted(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    spend(ledger, 85, "evt_1")
    ledger.admit(an_admission("rsv_1", want_nanousd=12, least_nanousd=12, team="search", session_id=None), NOW_MS)

    call = an_admission("rsv_2", want_nanousd=12, least_nanousd=12, team="search", session_id=None)
    assert isinstance(ledger.admit(call, NOW_MS), BudgetDenied)
    assert told(ledger) == [THRESHOLD]


def test_a_refusal_of_a_call_that_is_too_dear_for_a_fresh_budget_alerts_nobody(ledger):
    ledger.configure(of_team(limit_nanousd=5), NOW_MS)

    assert isinstance(ledger.admit(an_admission(team="search", session_id=None), NOW_MS), BudgetDenied)
    assert told(ledger) == []


def test_each_window_is_told_anew(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    spend(ledger, 90, "evt_1")
    spend(ledger, 90, "evt_2", NOW_MS + 10 * DAY_MS)

    assert told(ledger) == [THRESHOLD, "budget_threshold:team:search:month:2026-12"]


def test_a_raised_limit_is_told_of_again_and_a_repeated_one_is_not(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    spend(ledger, 90, "evt_1")
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    ledger.configure(of_team(limit_nanousd=200), NOW_MS)
    assert told(ledger) == [THRESHOLD]

    spend(ledger, 80, "evt_2")

    assert told(ledger) == [THRESHOLD, THRESHOLD + ":2"]


def test_a_limit_lowered_below_what_is_spent_is_told_at_once(ledger):
    ledger.configure(of_team(limit_nanousd=1_000), NOW_MS)
    spend(ledger, 90, "evt_1")

    ledger.configure(of_team(limit_nanousd=50), NOW_MS)

    assert told(ledger) == [THRESHOLD, EXHAUSTED]


def test_an_expiry_and_a_settlement_are_told_of_too(ledger):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    ledger.admit(an_admission(want=80, team="search"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    assert told(ledger) == [THRESHOLD]

    ledger.settle(a_settlement(120), NOW_MS + TTL_MS)
    assert told(ledger) == [THRESHOLD, EXHAUSTED]


def test_an_alert_is_neither_lost_nor_repeated_by_a_wake(ledger, database):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    spend(ledger, 90, "evt_1")

    woken = a_service(database)
    spend(woken, 1, "evt_2")
    woken.sweep(NOW_MS + TTL_MS)

    assert told(a_service(database)) == [THRESHOLD]


def test_every_window_of_the_tenant_has_alerts_of_its_own(ledger):
    for window in ("day", "month", "total"):
        ledger.configure(
            ConfigureRequest(kind="tenant", id="acme", window=window, limit_nanousd=100, alert_percent=50), NOW_MS
        )
    spend(ledger, 60, "evt_1")

    assert told(ledger) == [
        "budget_threshold:tenant:acme:day:2026-11-24",
        "budget_threshold:tenant:acme:month:2026-11",
        "budget_threshold:tenant:acme:total",
    ]


def test_a_session_is_told_of_only_where_an_administrator_asked(ledger):
    ledger.record(a_record(1, session_id="s"), NOW_MS)
    ledger.admit(an_admission(want=250), NOW_MS)
    ledger.settle(a_settlement(240), NOW_MS)
    assert told(ledger) == []

    ledger.configure(of_session(alert_percent=90), NOW_MS)

    assert told(ledger) == ["budget_threshold:session:s:session:2026-11-24T000000Z"]


def test_names_of_any_length_and_kind_make_keys_of_their_own(ledger):
    names = ["ü" * 256, "ü" * 255 + "x", "a:b", 'quote"\x00']
    for number, name in enumerate(names):
        ledger.configure(ConfigureRequest(kind="team", id=name, window="month", limit_nanousd=1), NOW_MS)
        ledger.record(a_record(1, f"evt_{number}", team=name), NOW_MS)

    messages = [json.loads(text) for _, text in ledger.outbox.next(100)]
    keys = {each["alert_key"] for each in messages if each["type"] == "alert"}
    assert len(keys) == 2 * len(names)
    assert all(len(key) <= 256 for key in keys)


def test_an_alert_about_a_key_leads_to_the_key_and_changes_no_other_budget(ledger):
    make(ledger, "key_1", budget=100)
    ledger.record(a_record(100, key_id="key_1", token_number=1, charged_key_id="key_1"), NOW_MS)

    messages = [from_wire(text) for _, text in ledger.outbox.next(10)]
    alerts = [message for message in messages if isinstance(message, Alert)]

    assert [each.facts["scope"] for each in alerts] == ["key", "key"]
    for alert in alerts:
        (step,) = alert.steps.values()
        assert step.startswith('curl "$AGENTWATCH_URL/v1/keys/key_1"')


def test_a_budget_of_nothing_is_no_news(ledger):
    make(ledger, "key_1", budget=0)

    assert told(ledger) == []
