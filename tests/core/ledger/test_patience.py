"""Who waits for money, for how long, and who is told at once that there is none."""

from core.ledger.messages import AccountView
from core.ledger.patience import MOST_MS, ask_again_in_ms


def an_account(*, limit=100, spent=0, held=100) -> AccountView:
    return AccountView(
        kind="session", id="s", window="session", limit_nanousd=limit, spent_nanousd=spent, held_nanousd=held
    )


def asked(account=None, *, least=10, hold_id="rsv_1", tries=1, waited_ms=0, patience_ms=30_000):
    return ask_again_in_ms(
        account or an_account(),
        least_nanousd=least,
        hold_id=hold_id,
        tries=tries,
        waited_ms=waited_ms,
        patience_ms=patience_ms,
    )


def test_money_that_is_only_held_is_worth_waiting_for():
    assert asked() is not None


def test_money_that_is_spent_does_not_come_back():
    assert asked(an_account(spent=91, held=9)) is None


def test_nothing_comes_back_where_nothing_is_held():
    assert asked(an_account(held=0), least=101) is None


def test_patience_ends_and_the_last_question_is_asked_at_its_end():
    assert asked(waited_ms=30_000) is None
    assert asked(tries=9, waited_ms=29_900) == 100


def test_a_tenant_may_have_none():
    assert asked(patience_ms=0) is None


def test_pauses_grow_and_stay_within_their_bound():
    pauses = [asked(tries=tries) for tries in (1, 3, 5, 40)]

    assert pauses[0] < 500
    assert all(pause < 1.5 * MOST_MS for pause in pauses)


def test_calls_that_came_together_do_not_ask_together():
    assert len({asked(hold_id=f"rsv_{number}", tries=4) for number in range(50)}) > 40
