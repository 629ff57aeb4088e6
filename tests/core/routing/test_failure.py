"""Whose fault an answer is: the shared cases, what follows from each class, and nothing but a class from nonsense."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.health.notes import STATED_MS_MAX
from core.providers import PROVIDERS
from core.routing import failure_rules
from core.routing.failure import (
    CLASSES,
    Failure,
    classify,
    error_in_place,
    is_asked_for,
    of_answer,
    of_silence,
    triggers_of,
)
from core.routing.provider_words import words_of
from core.tenant.failover import triggers
from core.tenant.failover.triggers import DEFAULT_TRIGGERS
from tests.core.routing.failure_cases import CASES, NOW_MS, Case, failure_of

TRIGGERS = frozenset(triggers.TRIGGERS)

CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
OUTAGES = {"openai": 503, "anthropic": 529, "gemini": 503, "groq": 498, "xai": 500}


def a_failure(provider="openai", status=500, body=b"", headers=None, is_own_key=False) -> Failure:
    return classify(provider, status=status, headers=headers or {}, body=body, is_own_key=is_own_key, now_ms=NOW_MS)


@CASE
def test_an_answer_is_of_its_class(case: Case) -> None:
    failure = failure_of(case)

    assert (failure.kind, failure.moves_on, failure.is_ours) == (case.kind, case.moves_on, case.is_ours)


@CASE
def test_what_cools_down_cools_as_far_and_as_long_as_it_should(case: Case) -> None:
    cools = failure_of(case).cools

    if case.cools is None:
        assert cools is None
        return
    assert cools is not None
    assert cools.scope == case.cools["scope"]
    if case.cools["cool_ms"] is None:
        assert cools.cool_ms is None
        return
    least, most = case.cools["cool_ms"]
    assert cools.cool_ms is not None
    assert least <= cools.cool_ms <= most


def test_every_class_and_every_provider_has_its_cases() -> None:
    rows = {case.row for case in CASES}
    kinds = {case.kind for case in CASES}

    assert len(CASES) >= 90
    assert len({case.name for case in CASES}) == len(CASES)
    assert kinds == set(CLASSES) - {"network", "timeout", "uncertain", "empty_answer"}  # those have no body
    for row in ("provider: outage", "rate: per minute", "empty account", "verdict on the prompt", "our egress", "key"):
        assert {case.provider for case in CASES if case.row == row} == set(PROVIDERS), row
    for row in ("model at this provider", "too large for the window", "unknown or unsupported field"):
        assert {case.provider for case in CASES if case.row == row} == set(PROVIDERS), row
    assert len(rows) >= 14


def test_every_rule_of_the_table_decides_some_case() -> None:
    deciding = set()
    for case in CASES:
        words = words_of(case.body)
        status = failure_rules.status_of_words(words) if case.status is None else case.status
        deciding |= {next(test.row for test in failure_rules._TESTS if test.fits(case.provider, status, words))}

    undecided = [rule for rule in failure_rules.RULES if rule not in deciding]
    assert undecided == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_outage_is_told_by_its_status_whatever_the_page_says(provider: str) -> None:
    page = b"<html><body>insufficient_quota API key not valid</body></html>"

    assert a_failure(provider, OUTAGES[provider], page).kind == "provider"


# What follows ---------------------------------------------------------------------------------------------


def test_the_caller_s_own_key_is_the_caller_s_trouble_whatever_the_list() -> None:
    failure = a_failure(status=401, is_own_key=True)

    assert (failure.cools, failure.tells_operator) == (None, False)
    assert not is_asked_for(failure, TRIGGERS)


def test_a_key_of_ours_moves_on_and_is_told_to_the_operator() -> None:
    failure = a_failure(status=401)

    assert failure.moves_on and failure.tells_operator and failure.skips_account


def test_an_empty_account_leaves_out_every_hop_on_it_and_looks_like_no_refusal_of_ours() -> None:
    failure = a_failure(status=402)

    assert failure.skips_account and failure.tells_operator
    assert failure.shown_status == 502


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (a_failure(status=429), 429),
        (a_failure(status=529), 529),
        (a_failure(status=307), 502),
        (a_failure(status=700), 502),
        (of_silence("network"), 502),
        (of_silence("timeout"), 504),
        (of_silence("uncertain"), 504),
        (of_answer("empty_answer"), 502),
    ],
)
def test_a_failure_is_shown_by_a_status_of_failures(failure: Failure, shown: int) -> None:
    assert failure.shown_status == shown


@pytest.mark.parametrize(
    ("silence", "scope"), [("network", "provider"), ("uncertain", "provider"), ("timeout", "model")]
)
def test_silence_counts_and_moves_on(silence, scope) -> None:
    failure = of_silence(silence)

    assert failure.moves_on
    assert failure.cools is not None
    assert (failure.cools.scope, failure.cools.cool_ms) == (scope, None)


def test_a_caller_that_went_away_counts_nowhere() -> None:
    failure = of_silence("caller")

    assert (failure.moves_on, failure.cools) == (False, None)
    assert not is_asked_for(failure, TRIGGERS)


def test_only_its_window_s_size_keeps_a_hop_from_a_long_request() -> None:
    assert a_failure(status=413).needs_larger_window
    assert not a_failure("groq", 413, b'{"error":{"message":"Limit 6000 tokens per minute (TPM)"}}').needs_larger_window


def test_foreign_history_is_repaired_and_not_moved_on_with() -> None:
    failure = a_failure(status=400, body=b'{"error":{"code":"invalid_encrypted_content","message":"no"}}')

    assert failure.wants_repair
    assert not is_asked_for(failure, TRIGGERS)


# A tenant's own list --------------------------------------------------------------------------------------

VERDICT = of_answer("verdict")
EMPTY = of_answer("empty_answer")
NO_MODEL = a_failure(status=404)
BAD = a_failure(status=400)


@pytest.mark.parametrize(
    ("failure", "words", "is_asked"),
    [
        (VERDICT, TRIGGERS - {"refusal"}, False),
        (VERDICT, {"refusal"}, True),
        (EMPTY, TRIGGERS - {"empty"}, False),
        (EMPTY, {"empty"}, True),
        (NO_MODEL, DEFAULT_TRIGGERS, False),
        (NO_MODEL, {"404"}, True),
        (BAD, TRIGGERS, False),
        (a_failure(status=429), {"5xx"}, False),
        (a_failure(status=529), {"5xx"}, True),
        (a_failure("groq", 498), {"5xx"}, True),
        (a_failure("gemini", 400, b'{"error":{"message":"User location is not supported"}}'), {"403"}, True),
        (a_failure("anthropic", 400, b'{"error":{"message":"Your credit balance is too low"}}'), {"empty_account"}, True),
        (a_failure("openai", 429, b'{"error":{"code":"insufficient_quota","message":"no"}}'), {"429"}, True),
        (a_failure("anthropic", 400, b'{"error":{"message":"Your credit balance is too low"}}'), {"5xx"}, False),
        (a_failure("xai", 403, b'{"code":"permission-denied","error":"Content violates usage guidelines."}'), {"403"}, False),
        (of_silence("timeout"), {"network"}, False),
        (of_silence("uncertain"), {"network"}, True),
        (of_silence("uncertain"), {"timeout"}, False),
        (a_failure(status=500), frozenset(), False),
    ],
)  # fmt: skip
def test_a_tenant_s_list_of_triggers_decides(failure: Failure, words: set[str], is_asked: bool) -> None:
    assert is_asked_for(failure, frozenset(words)) is is_asked


@CASE
def test_without_a_list_the_default_one_decides(case: Case) -> None:
    failure = failure_of(case)

    assert failure.moves_on == is_asked_for(failure, DEFAULT_TRIGGERS)


# In place of an answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"choices":[{"message":{"content":"\\"error\\""}}],"error":null}',
        b'{"type":"message_start","message":{"content":[]}}',
        b'{"type":"content_block_delta","delta":{"text":"the \\"error\\" is"}}',
        b'{"type":"response.completed","response":{"status":"completed","error":null}}',
        b'{"object":"response","status":"completed","error":null,"output":[]}',
        b'{"candidates":[{"content":{"parts":[{"text":"error"}]}}]}',
        b'{"error":""}',
    ],
)
def test_what_is_no_error_is_none(body: bytes) -> None:
    for provider in PROVIDERS:
        assert error_in_place(provider, body, headers={}, is_own_key=False, now_ms=NOW_MS) is None


def test_an_error_in_place_has_the_status_that_it_stands_for() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'

    failure = error_in_place("anthropic", body, headers={}, is_own_key=False, now_ms=NOW_MS)

    assert failure is not None
    assert (failure.status, failure.code) == (529, "overloaded_error")


# Nonsense -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "status", "details", "response", "violations", "reason"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODY = st.binary(max_size=200) | JSON.map(msgspec.json.encode)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "Retry-After-Ms", "x-ratelimit-reset-tokens", "anthropic-ratelimit-a-reset"]),
    st.text(max_size=30),
)


@given(st.sampled_from([*PROVIDERS, "other"]), st.integers(-1, 1_000), HEADERS, BODY, st.booleans())
def test_whatever_is_answered_is_of_some_class(provider, status, headers, body, is_own_key) -> None:
    failure = classify(provider, status=status, headers=headers, body=body, is_own_key=is_own_key, now_ms=NOW_MS)

    assert failure.kind in CLASSES
    assert triggers_of(failure) <= TRIGGERS
    assert failure.cools is None or 0 < (failure.cools.cool_ms or 1) <= STATED_MS_MAX
    assert msgspec.json.decode(msgspec.json.encode(failure), type=Failure) == failure


@given(st.sampled_from([*PROVIDERS, "other"]), HEADERS, BODY)
def test_whatever_stands_in_place_of_an_answer_is_read(provider, headers, body) -> None:
    failure = error_in_place(provider, body, headers=headers, is_own_key=False, now_ms=NOW_MS)

    assert failure is None or failure.status is not None


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":' * 5_000 + b"1" + b"}" * 5_000,
        b"[" * 50_000,
        b'{"error":{"message":"' + b"a" * 5_000_000 + b'"}}',
        b'{"error":{"code":' + b"9" * 50_000 + b"}}",
        b'{"error":{"message":"\\ud83d","code":"\\udc00"}}',
        b"\xff\xfe" * 100,
    ],
    ids=["deep", "brackets", "long", "a number of thousands of digits", "halves of pairs", "no UTF-8"],
)
def test_hostile_bodies_are_of_the_class_of_their_status(body: bytes) -> None:
    assert a_failure(status=429, body=body).kind == "rate"
    assert error_in_place("openai", body, headers={}, is_own_key=False, now_ms=NOW_MS) is None or b"error" in body
