"""What the overspend experiment calls overspent, unheld and falsely refused."""

from bench.overspend.calls import plan_calls
from bench.overspend.verdict import CallTruth, false_refusals, outcome_sums, over_cap_nanousd


def a_call(outcome="complete", *, at=0.0, full=100, billed=100, charged=None, overrun=0) -> CallTruth:
    return CallTruth("run-0", outcome, False, at, full, billed, billed if charged is None else charged, overrun)


def refused(full: int, at: float) -> CallTruth:
    return a_call("refused", at=at, full=full, billed=0)


def test_only_what_is_billed_beyond_the_cap_is_over_it() -> None:
    assert over_cap_nanousd([a_call(), a_call()], 150) == 50
    assert over_cap_nanousd([a_call(), a_call()], 250) == 0


def test_what_is_left_is_given_to_refused_calls_in_the_order_of_their_refusal() -> None:
    found = false_refusals([a_call(), refused(60, at=2), refused(50, at=1), refused(40, at=3)], 200)

    assert (found.left_nanousd, found.refused, found.share_of_calls) == (100, 2, 0.5)


def test_a_refusal_that_the_money_left_does_not_cover_was_right() -> None:
    assert false_refusals([a_call(), refused(60, at=1)], 150).refused == 0


def test_a_cut_was_wrong_when_the_rest_of_the_answer_would_have_fit() -> None:
    assert false_refusals([a_call("cut", full=100, billed=80)], 100).cut == 1
    assert false_refusals([a_call("cut", full=100, billed=80)], 90).cut == 0


def test_a_charge_above_one_bill_does_not_make_up_for_one_below_another() -> None:
    sums = outcome_sums([a_call("cut", billed=120, charged=100, overrun=20), a_call("cut", billed=80, charged=100)])

    assert (sums["cut"].uncharged_nanousd, sums["cut"].overrun_nanousd, sums["cut"].differing_calls) == (20, 20, 2)


def test_the_same_calls_are_planned_every_time_with_one_client_in_ten_leaving() -> None:
    first, second = (plan_calls(200, "run", pace_ms=5) for _ in range(2))

    assert first == second
    assert sum(call.leaves_after_chunks is not None for call in first) == 20
    assert all(call.is_streaming for call in first if call.leaves_after_chunks is not None)
