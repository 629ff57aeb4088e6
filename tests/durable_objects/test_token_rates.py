"""Rates of tokens in a ledger: every token that a call has used is counted once, and none that nobody has read."""

from core.ledger.keys.messages import KeyFound, KeyRequest
from core.ledger.loops.turns import Turn
from core.ledger.messages import BudgetDenied, Counted, CountRequest, Granted, RateDenied, RateLimits, Recorded
from durable_objects.service import LedgerService
from tests.durable_objects.test_keys import KEY, admit, make
from tests.support.ledger_requests import NOW_MS, a_record, a_settlement

RATES = RateLimits(key_id=KEY)


def is_held_back(ledger: LedgerService) -> bool:
    return isinstance(admit(ledger, "next", rate_limits=RATES, turn=Turn(prompt_tokens=1)), RateDenied)


def test_what_a_further_attempt_uses_is_counted_though_it_is_no_other_call(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000)
    turn = Turn(prompt_tokens=100)
    assert isinstance(admit(ledger, "a", rate_limits=RATES, turn=turn), Granted)
    assert isinstance(admit(ledger, "b", turn=turn, replaces=a_settlement(0, "a", is_replaced=True)), Granted)

    ledger.settle(a_settlement(5, "b", prompt_tokens=100, completion_tokens=5_000), NOW_MS)

    assert is_held_back(ledger)


def test_a_further_attempt_counts_its_tokens_once(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000)
    turn = Turn(prompt_tokens=600)
    assert isinstance(admit(ledger, "a", rate_limits=RATES, turn=turn), Granted)
    assert isinstance(admit(ledger, "b", turn=turn, replaces=a_settlement(0, "a", is_replaced=True)), Granted)

    ledger.settle(a_settlement(5, "b", prompt_tokens=600, completion_tokens=0), NOW_MS)

    assert not is_held_back(ledger)


def test_a_call_that_is_refused_for_its_budget_reads_no_tokens(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000, budget=100)
    turn = Turn(prompt_tokens=900)
    for hold_id in ("a", "b", "c"):
        refused = admit(ledger, hold_id, 1_000, least_nanousd=1_000, rate_limits=RATES, turn=turn)
        assert isinstance(refused, BudgetDenied)

    assert isinstance(admit(ledger, "d", 10, rate_limits=RATES, turn=turn), Granted)


def test_a_report_is_charged_however_many_tokens_were_used_and_counts_them(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000)
    shown = {"key_id": KEY, "token_number": 1, "charged_key_id": KEY, "rate_limits": RATES}

    for event_id in ("a", "b"):
        record = a_record(30, event_id, **{**shown, "prompt_tokens": 5_000})
        assert isinstance(ledger.record(record, NOW_MS), Recorded)

    found = ledger.answer(KeyRequest(key_id=KEY), NOW_MS)
    assert isinstance(found, KeyFound) and found.key.account.spent_nanousd == 60
    assert is_held_back(ledger)


def test_what_costs_nothing_waits_for_no_tokens(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000)
    admit(ledger, "a", rate_limits=RATES, turn=Turn(prompt_tokens=5_000))
    assert is_held_back(ledger)

    question = CountRequest(rate_limits=RATES, key_id=KEY, token_number=1, key_version=1)
    assert isinstance(ledger.count(question, NOW_MS), Counted)
