"""While the Ledger is away, what passes has a ceiling."""

from core.ledger.outage import HOUR_MS, OutageAllowance


def test_calls_that_overlap_cannot_pass_the_ceiling_together() -> None:
    outage = OutageAllowance()

    taken = [outage.take("acme", 40, ceiling_nanousd=100, now_ms=0) for _ in range(5)]

    assert taken == [True, True, False, False, False]


def test_what_a_call_did_not_use_can_be_taken_again() -> None:
    outage = OutageAllowance()
    outage.take("acme", 100, ceiling_nanousd=100, now_ms=0)

    outage.give_back("acme", 60, taken_at_ms=0)

    assert outage.take("acme", 60, ceiling_nanousd=100, now_ms=1)
    assert not outage.take("acme", 1, ceiling_nanousd=100, now_ms=1)


def test_a_new_hour_has_a_new_allowance() -> None:
    outage = OutageAllowance()
    outage.take("acme", 100, ceiling_nanousd=100, now_ms=0)

    assert outage.take("acme", 100, ceiling_nanousd=100, now_ms=HOUR_MS)


def test_one_tenants_outage_leaves_the_others_allowance_alone() -> None:
    outage = OutageAllowance()
    outage.take("acme", 100, ceiling_nanousd=100, now_ms=0)

    assert outage.take("other", 100, ceiling_nanousd=100, now_ms=0)
