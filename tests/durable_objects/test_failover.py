"""Failover in a ledger: the money of a failed attempt goes to the next one, and whom a tenant's calls leave alone."""

import pytest

from core.ledger.health.messages import HealthRequest
from core.ledger.health.notes import CoolDown, HealthNote, failed, served
from core.ledger.health.targets import Target
from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.loops.turns import Turn
from core.ledger.messages import BudgetDenied, CoolingDown, Granted, Settled
from durable_objects.service import LedgerService
from tests.support.ledger_requests import NOW_MS, TTL_MS, a_settlement, an_admission, session
from tests.support.sqlite_ledger import a_service

TARGET = Target("openai", "account", "gpt-4o")
OTHER = Target("openai", "account", "gpt-4o-mini")


def limited(ms: int = 20_000, target: Target = TARGET) -> HealthNote:
    return failed(target, "rate", CoolDown("model", ms, True), NOW_MS)


def ask(ledger: LedgerService, hold_id: str, *, now_ms: int = NOW_MS, target: Target = TARGET, **changes):
    return ledger.admit(an_admission(hold_id, want=10, target=target, **changes), now_ms)


def fail(ledger: LedgerService, hold_id: str = "rsv_failed", note: HealthNote | None = None) -> None:
    assert isinstance(ask(ledger, hold_id), Granted)
    ledger.settle(a_settlement(0, hold_id, health=note or limited()), NOW_MS)


# Money ----------------------------------------------------------------------------------------------------


def test_the_money_of_a_failed_attempt_is_there_for_the_next_one(ledger: LedgerService) -> None:
    assert isinstance(ledger.admit(an_admission("rsv_1", want=250), NOW_MS), Granted)

    answer = ledger.admit(an_admission("rsv_2", want=240, replaces=a_settlement(10, "rsv_1")), NOW_MS)

    assert isinstance(answer, Granted)
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (10, 240)


def test_it_is_settled_though_the_next_one_is_denied(ledger: LedgerService) -> None:
    ledger.admit(an_admission("rsv_1", want=250), NOW_MS)
    request = an_admission("rsv_2", want=245, least_nanousd=245, replaces=a_settlement(10, "rsv_1"))

    assert isinstance(ledger.admit(request, NOW_MS), BudgetDenied)
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (10, 0)


def test_asking_again_and_settling_again_charge_nothing_twice(ledger: LedgerService) -> None:
    ledger.admit(an_admission("rsv_1", want=250), NOW_MS)
    request = an_admission("rsv_2", want=100, replaces=a_settlement(10, "rsv_1", is_replaced=True))
    first = ledger.admit(request, NOW_MS)

    again = ledger.admit(request, NOW_MS)
    late = ledger.settle(a_settlement(10, "rsv_1", is_replaced=True), NOW_MS)

    assert isinstance(first, Granted) and isinstance(again, Granted)
    assert isinstance(late, Settled) and late.is_replay
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (10, 100)


def test_an_attempt_costs_two_rows_like_any_call(ledger: LedgerService, database) -> None:
    ledger.admit(an_admission("rsv_1", want=250), NOW_MS)

    request = an_admission("rsv_2", want=100, replaces=a_settlement(10, "rsv_1"))

    assert database.rows_written_by(lambda: ledger.admit(request, NOW_MS)) == 2


@pytest.mark.parametrize("wakes", [False, True])
def test_a_session_s_history_has_one_call_for_all_its_attempts(ledger, database, wakes: bool) -> None:
    turn = Turn(prompt="same", prompt_tokens=100)
    ledger.admit(an_admission("rsv_1", turn=turn), NOW_MS)
    ending = a_settlement(10, "rsv_1", prompt_tokens=100, is_replaced=True)
    ledger.admit(an_admission("rsv_2", turn=turn, replaces=ending), NOW_MS)
    ledger.settle(a_settlement(5, "rsv_2", prompt_tokens=100), NOW_MS)
    ledger = a_service(database) if wakes else ledger

    facts = ledger.session_facts(SessionFactsRequest(session_id="s", turn=turn), NOW_MS).facts

    assert (facts.iteration, facts.repeated_prompt, facts.requests_per_minute) == (2, 2, 2)
    assert facts.spend_per_hour_nanousd == 15


# Whom to leave alone --------------------------------------------------------------------------------------


def test_a_target_is_left_alone_until_its_moment(ledger: LedgerService) -> None:
    fail(ledger)

    answer = ask(ledger, "rsv_2")

    assert isinstance(answer, CoolingDown)
    assert answer.until_ms == NOW_MS + 20_000
    assert isinstance(ask(ledger, "rsv_3", target=OTHER), Granted)


def test_who_is_turned_away_is_not_counted(ledger: LedgerService, database) -> None:
    fail(ledger)
    before = session(ledger)

    assert database.rows_written_by(lambda: ask(ledger, "rsv_2")) == 0
    assert session(ledger) == before


def test_of_a_hundred_calls_at_that_moment_one_tries(ledger: LedgerService) -> None:
    fail(ledger)
    later_ms = NOW_MS + 20_000

    answers = [ask(ledger, f"rsv_{number}", now_ms=later_ms) for number in range(100)]

    assert [type(each) for each in answers].count(Granted) == 1


@pytest.mark.parametrize("wakes", [False, True])
def test_a_try_that_went_well_lets_everybody_in(ledger, database, wakes: bool) -> None:
    fail(ledger)
    later_ms = NOW_MS + 20_000
    ask(ledger, "rsv_try", now_ms=later_ms)
    ledger.settle(a_settlement(5, "rsv_try", health=served(TARGET, later_ms)), later_ms)
    ledger = a_service(database) if wakes else ledger

    answers = [ask(ledger, f"rsv_{number}", now_ms=later_ms) for number in range(5)]

    assert {type(each) for each in answers} == {Granted}


def test_a_try_whose_caller_has_left_makes_room_for_the_next(ledger: LedgerService) -> None:
    fail(ledger)
    later_ms = NOW_MS + 20_000
    ask(ledger, "rsv_try", now_ms=later_ms)
    ledger.settle(a_settlement(5, "rsv_try"), later_ms)

    answers = [ask(ledger, f"rsv_{number}", now_ms=later_ms) for number in range(5)]

    assert [type(each) for each in answers].count(Granted) == 1


def test_a_try_that_nobody_heard_of_again_makes_room_too(ledger: LedgerService) -> None:
    fail(ledger)
    later_ms = NOW_MS + 20_000
    ask(ledger, "rsv_try", now_ms=later_ms)
    ledger.sweep(later_ms + TTL_MS + 1)

    assert isinstance(ask(ledger, "rsv_next", now_ms=later_ms + TTL_MS + 1), Granted)


def test_a_clock_that_goes_backwards_leaves_nobody_alone_for_longer(ledger: LedgerService) -> None:
    fail(ledger)
    hour_ms = 3_600_000

    assert isinstance(ask(ledger, "rsv_before", now_ms=NOW_MS - 24 * hour_ms), CoolingDown | Granted)
    answers = [ask(ledger, f"rsv_{hour}", now_ms=NOW_MS - 24 * hour_ms + hour * hour_ms) for hour in range(1, 8)]

    assert Granted in {type(each) for each in answers}


def test_what_is_left_alone_survives_a_wake(ledger: LedgerService, database) -> None:
    fail(ledger)

    assert isinstance(ask(a_service(database), "rsv_2"), CoolingDown)


def test_a_call_that_insists_is_let_through(ledger: LedgerService) -> None:
    fail(ledger)

    assert isinstance(ask(ledger, "rsv_2", insists=True), Granted)


def test_a_grant_tells_what_is_left_alone_to_calls_of_chains_alone(ledger: LedgerService) -> None:
    fail(ledger)

    told = ask(ledger, "rsv_2", target=OTHER)
    plain = ledger.admit(an_admission("rsv_3", want=10), NOW_MS)

    assert isinstance(told, Granted) and isinstance(plain, Granted)
    assert [each.model for each in told.cooling or ()] == ["gpt-4o"]
    assert plain.cooling is None


def test_an_administrator_clears_it(ledger: LedgerService) -> None:
    fail(ledger)
    assert len(ledger.answer(HealthRequest(), NOW_MS).cooling) == 1  # type: ignore[attr-defined]

    ledger.answer(HealthRequest(clears=True, provider="openai"), NOW_MS)

    assert isinstance(ask(ledger, "rsv_2"), Granted)


def test_targets_that_are_well_cost_no_row(ledger: LedgerService, database) -> None:
    ask(ledger, "rsv_1")
    note = served(TARGET, NOW_MS)

    assert database.rows_written_by(lambda: ledger.settle(a_settlement(5, "rsv_1", health=note), NOW_MS)) == 1
