"""What a call may hold, told from its accounts alone: no row, no memory."""

import msgspec
import pytest

from core.bounds import OPEN_HOLDS_PER_TENANT_MAX
from core.ledger.account import open_account, with_terms
from core.ledger.admission import (
    REFUSED_USE_STEP_MS,
    Admitted,
    Refused,
    decide_admission,
    decide_extension,
    digest,
    fit,
    may_continue,
    unheld,
    unless_crowded,
)
from core.ledger.hold import Terms
from core.ledger.messages import (
    AdmitRequest,
    AmountsAt,
    BudgetDenied,
    EarlierAnswers,
    ExtendDenied,
    Extended,
    PausedDenied,
    RateDenied,
    RateLimits,
)
from core.ledger.rate_limit import Passed
from tests.support.ledger_requests import a_record, an_admission, an_extension

PASSED = Passed(None, {"tenant": 7})
SHORT = EarlierAnswers(ids=("resp_1",), steps=(AmountsAt(1_000, 20, 12, 11),))


def a_session(limit_nanousd):
    return with_terms(open_account("session", "s", "session", 0), Terms(stated_limit_nanousd=limit_nanousd))


def a_team(**changes):
    return msgspec.structs.replace(open_account("team", "search", "month", 0), **changes)


def decided(request, *accounts, earlier_tokens=None, now_ms=0) -> Admitted | Refused:
    return decide_admission(request, accounts, PASSED, earlier_tokens, now_ms)


def a_request(want, *, ample=None):
    return AdmitRequest(
        hold_id="rsv_1", want_nanousd=want, least_nanousd=1, floor_nanousd=0, ttl_ms=1, ample_nanousd=ample
    )


OPEN_ENDED = [
    ("a named ceiling is held in full", 90, None, 90),
    ("an ample answer is granted whatever its share", 90, 40, 40),
    ("a modest share is granted beyond an ample answer", 90, 5, 12),
    ("no more than the worst case", 3, 40, 3),
]


@pytest.mark.parametrize(
    ("want", "ample", "granted"), [case[1:] for case in OPEN_ENDED], ids=[c[0] for c in OPEN_ENDED]
)
def test_a_call_that_names_no_ceiling_does_not_take_the_whole_budget(want, ample, granted):
    account = a_session(100)

    grant = fit([account], a_request(want, ample=ample))

    assert (grant.amount_nanousd, grant.is_full) == (granted, granted == want)


def test_without_a_limit_a_call_that_names_no_ceiling_is_held_in_full():
    account = open_account("session", "s", "session", 0)

    assert fit([account], a_request(90, ample=5)).amount_nanousd == 90


# Admissions -----------------------------------------------------------------------------------------------


def test_the_same_amount_is_held_on_every_account():
    admitted = decided(an_admission(want=60), a_session(250), a_team())

    assert isinstance(admitted, Admitted)
    assert [account.held_nanousd for account in admitted.accounts] == [60, 60]
    assert [scope.key.kind for scope in admitted.hold.scopes] == ["session", "team"]
    assert (admitted.hold.granted_nanousd, admitted.hold.arrivals_us) == (60, {"tenant": 7})


REFUSALS = [
    ("the account that lacks the least refuses", a_team(decided_limit_nanousd=9), BudgetDenied),
    ("a pause refuses though there is money", a_team(is_paused=True), PausedDenied),
]


@pytest.mark.parametrize(("account", "answer"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_an_account_that_says_no_says_it_for_all(account, answer):
    refused = decided(an_admission(session_limit_nanousd=None), a_session(250), account)

    assert isinstance(refused, Refused)
    assert isinstance(refused.answer, answer)
    assert (refused.answer.account.kind, refused.arrivals_us, refused.left) == ("team", {"tenant": 7}, [])


def test_a_call_that_costs_nothing_is_held_for_though_all_is_paused_and_spent():
    spent = a_team(is_paused=True, decided_limit_nanousd=5, spent_nanousd=9)

    assert isinstance(decided(an_admission(want=0), spent), Admitted)


LEFT = [
    ("nothing, soon after the last use", REFUSED_USE_STEP_MS - 1, None, []),
    ("a sign of life, an hour after it", REFUSED_USE_STEP_MS, None, [250]),
    ("a limit that it brought along", 0, 80, [80]),
    ("both at once", REFUSED_USE_STEP_MS, 80, [80]),
]


@pytest.mark.parametrize(("now_ms", "stated", "limits"), [case[1:] for case in LEFT], ids=[case[0] for case in LEFT])
def test_a_refused_call_leaves(now_ms, stated, limits):
    request = an_admission(want=300, least_nanousd=300, session_limit_nanousd=stated)

    refused = decided(request, a_session(250), now_ms=now_ms)

    assert isinstance(refused, Refused)
    assert [account.limit_nanousd for account in refused.left] == limits
    assert all(account.held_nanousd == 0 for account in refused.left)


@pytest.mark.parametrize(("tokens", "held"), [(None, 100), (1_000, 20), (1_001, 100)])
def test_earlier_answers_of_known_length_are_held_for_by_it(tokens, held):
    admitted = decided(an_admission(earlier=SHORT), a_session(250), earlier_tokens=tokens)

    assert isinstance(admitted, Admitted)
    assert (admitted.hold.want_nanousd, admitted.hold.earlier_tokens) == (held, tokens)


CONTINUED = [(None, None, True), (False, None, True), (True, None, False), (True, 0, True)]


@pytest.mark.parametrize(("must_be_known", "tokens", "may"), CONTINUED)
def test_only_an_answer_that_must_be_known_and_is_not_may_not_be_continued(must_be_known, tokens, may):
    earlier = None if must_be_known is None else EarlierAnswers(ids=("resp_1",), must_be_known=must_be_known)

    assert may_continue(an_admission(earlier=earlier), tokens) is may


def test_a_crowded_tenant_s_call_is_too_fast_and_one_that_is_too_fast_anyway_is_told_why():
    crowded = unless_crowded(PASSED, OPEN_HOLDS_PER_TENANT_MAX)

    assert unless_crowded(PASSED, OPEN_HOLDS_PER_TENANT_MAX - 1) is PASSED
    assert isinstance(crowded, RateDenied) and crowded.open_holds_max == OPEN_HOLDS_PER_TENANT_MAX
    too_fast = RateDenied(rate=crowded.rate, retry_after_ms=5)
    assert unless_crowded(too_fast, OPEN_HOLDS_PER_TENANT_MAX) is too_fast


# Extensions, records, repeats -----------------------------------------------------------------------------


@pytest.mark.parametrize(("want", "answer", "held"), [(90, Extended, 90), (101, ExtendDenied, 60)])
def test_an_extension_is_held_on_every_account_or_changes_no_amount(want, answer, held):
    admitted = decided(an_admission(want=60), a_session(100), a_team())
    assert isinstance(admitted, Admitted)

    extension = decide_extension(an_extension(want), admitted.hold, admitted.accounts, 5)

    assert isinstance(extension.answer, answer)
    assert [account.held_nanousd for account in extension.accounts] == [held, held]
    assert (extension.hold.granted_nanousd, extension.hold.used_at_ms) == (held, 5)


def test_a_report_holds_nothing():
    hold, accounts = unheld(a_record(70, session_id="s"), [a_session(100)], PASSED, 5)

    assert (hold.granted_nanousd, [account.held_nanousd for account in accounts]) == (0, [0])


def test_a_repeat_is_known_by_all_that_it_asks_but_its_rates_and_its_key():
    first = an_admission()

    assert digest(first) == digest(an_admission(key_id="key_2", rate_limits=RateLimits(tenant_requests_per_minute=1)))
    assert digest(first) != digest(an_admission(floor_nanousd=6))
