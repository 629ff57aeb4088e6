"""When a provider may be asked again: every notation, what is none, and whose word counts."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.routing.durations import http_date_ms, rfc_3339_ms, span_ms
from core.routing.when_again import RETRY_AFTER_MS_MAX, retry_after_ms

NOW_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z, a Monday


def asked(provider="openai", *, status=429, headers=None, body=b"") -> int | None:
    return retry_after_ms(provider, status=status, headers=headers or {}, body=body, now_ms=NOW_MS)


RETRY_AFTER = [
    ("0", 0),
    ("1", 1_000),
    ("007", 7_000),
    (" 30 ", 30_000),
    ("1.5", 1_500),
    ("0.0001", 1),
    ("45.8379", 45_838),
    ("568157", RETRY_AFTER_MS_MAX),
    ("99999999999999999999999999", RETRY_AFTER_MS_MAX),
    ("9" * 65, None),
    ("-5", None),
    ("+5", None),
    ("1e3", None),
    ("1,5", None),
    ("120, 60", None),
    ("5s", None),
    (".5", None),
    ("5.", None),
    ("٣", None),
    ("0x10", None),
    ("NaN", None),
    ("inf", None),
    ("", None),
    ("soon", None),
    ("Mon, 21 Sep 2026 14:13:50 GMT", 30_000),
    ("mon, 21 sep 2026 14:13:50 gmt", 30_000),
    ("Monday, 21-Sep-26 14:13:50 GMT", 30_000),
    ("Mon Sep 21 14:13:50 2026", 30_000),
    ("Sun Nov  1 00:00:00 2026", RETRY_AFTER_MS_MAX),
    ("Mon, 21 Sep 2026 14:13:60 GMT", 39_000),
    ("Mon, 21 Sep 2026 14:13:20 GMT", None),
    ("Mon, 21 Sep 2026 14:13:00 GMT", None),
    ("Sunday, 06-Nov-94 08:49:37 GMT", None),
    ("Sun, 06 Nov 1994 08:49:37 GMT", None),
    ("Wed, 30 Feb 2027 00:00:00 GMT", None),
    ("Mon, 21 Sep 2026 25:13:50 GMT", None),
    ("Mon, 21 Sep 2026 14:13:50 CET", None),
    ("Mon, 21 Sep 2026 14:13:50 +0200", None),
    ("Mon, 1 Sep 2026 14:13:50 GMT", None),
    ("Mo, 21 Sep 2026 14:13:50 GMT", None),
    ("2026-09-21T14:13:50Z", None),
    ("Mon, 21 Sep 0000 14:13:50 GMT", None),
]


@pytest.mark.parametrize(("text", "expected_ms"), RETRY_AFTER, ids=[repr(text[:40]) for text, _ in RETRY_AFTER])
def test_retry_after_is_read_strictly(text: str, expected_ms: int | None) -> None:
    assert asked(headers={"Retry-After": text}) == expected_ms


SPANS = [
    ("6ms", 6),
    ("1s", 1_000),
    ("0s", 0),
    ("2m59s", 179_000),
    ("2m59.56s", 179_560),
    ("1h2m3s", 3_723_000),
    ("1d2h", 93_600_000),
    ("373.801628ms", 374),
    ("45.837900001s", 45_838),
    ("1m6ms", 60_006),
    ("950us", 1),
    ("12µs", 1),
    ("5ns", 1),
    ("6", None),
    ("ms", None),
    ("s1", None),
    ("-1s", None),
    ("1s2m", None),
    ("1 s", None),
    ("1.s", None),
    ("1.5m", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected_ms"), SPANS)
def test_spans_are_read_strictly(text: str, expected_ms: int | None) -> None:
    assert span_ms(text) == expected_ms


MOMENTS = [
    ("1970-01-01T00:00:00Z", 0),
    ("2026-09-21T14:13:40Z", NOW_MS + 20_000),
    ("2026-09-21T14:13:40.5Z", NOW_MS + 20_500),
    ("2026-09-21T16:13:40+02:00", NOW_MS + 20_000),
    ("2026-09-21T12:13:40-02:00", NOW_MS + 20_000),
    ("2026-09-21T14:13:40", None),
    ("2026-13-21T14:13:40Z", None),
    ("2026-09-21T14:13:40+24:00", None),
    ("2026-09-21", None),
]


@pytest.mark.parametrize(("text", "expected_ms"), MOMENTS)
def test_moments_are_read_strictly(text: str, expected_ms: int | None) -> None:
    assert rfc_3339_ms(text) == expected_ms


def test_milliseconds_come_before_seconds() -> None:
    assert asked(headers={"retry-after-ms": "250", "retry-after": "1"}) == 250
    assert asked(headers={"retry-after-ms": "soon", "retry-after": "1"}) == 1_000


def test_nothing_said_is_nothing_and_not_at_once() -> None:
    assert asked() is None


RESETS = [
    ("openai", {"x-ratelimit-reset-requests": "6ms", "x-ratelimit-remaining-requests": "0"}, 6),
    ("groq", {"x-ratelimit-reset-tokens": "2m59s", "x-ratelimit-remaining-tokens": "0"}, 179_000),
    ("xai", {"x-ratelimit-reset-tokens": "2m59s"}, 179_000),
    (
        "openai",
        {
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-tokens": "6m0s",
            "x-ratelimit-remaining-tokens": "100",
        },
        1_000,
    ),
    (
        "openai",
        {
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-tokens": "6s",
            "x-ratelimit-remaining-tokens": "0",
        },
        6_000,
    ),
    ("openai", {"x-ratelimit-reset-tokens": "1s", "x-ratelimit-remaining-tokens": "17"}, None),
    ("openai", {"x-ratelimit-reset-tokens": "1s", "retry-after": "9"}, 9_000),
    ("openai", {"x-ratelimit-reset-tokens": "1790000600"}, None),
    ("anthropic", {"anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:40Z"}, 20_000),
    ("anthropic", {"anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:10Z"}, None),
    ("anthropic", {"anthropic-ratelimit-unified-reset": "1790000600"}, 600_000),
    (
        "anthropic",
        {
            "anthropic-ratelimit-unified-5h-status": "rejected",
            "anthropic-ratelimit-unified-5h-reset": "1790000600",
            "anthropic-ratelimit-unified-7d-status": "allowed",
            "anthropic-ratelimit-unified-7d-reset": "1790009000",
            "anthropic-ratelimit-tokens-remaining": "0",
            "anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:40Z",
        },
        600_000,
    ),
    (
        "anthropic",
        {
            "anthropic-ratelimit-unified-5h-status": "rejected",
            "anthropic-ratelimit-unified-5h-reset": "1790000600",
            "anthropic-ratelimit-unified-7d-status": "rejected",
            "anthropic-ratelimit-unified-7d-reset": "1790604800",
        },
        RETRY_AFTER_MS_MAX,
    ),
    ("anthropic", {"anthropic-ratelimit-tokens-reset": "6ms"}, None),
    ("gemini", {"x-ratelimit-reset-tokens": "6ms"}, None),
]


@pytest.mark.parametrize(("provider", "headers", "expected_ms"), RESETS)
def test_of_the_windows_the_last_that_turned_the_call_away_counts(provider, headers, expected_ms) -> None:
    assert asked(provider, headers=headers) == expected_ms


@pytest.mark.parametrize(("provider", "headers", "_"), RESETS[:3])
def test_when_a_window_is_full_again_says_nothing_of_an_outage(provider, headers, _) -> None:
    assert asked(provider, status=503, headers=headers) is None


def google(*details) -> bytes:
    return msgspec.json.encode({"error": {"code": 429, "details": details}})


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837900001s"}
QUOTA_INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": {"quotaResetDelay": "373.801628ms"}}


def test_google_s_delays_are_read_in_both_shapes() -> None:
    assert asked("gemini", body=google(RETRY_INFO)) == 45_838
    assert asked("gemini", body=b"[" + google(RETRY_INFO) + b"]") == 45_838
    assert asked("gemini", body=google(QUOTA_INFO)) == 374
    assert asked("gemini", body=google(QUOTA_INFO, RETRY_INFO)) == 45_838
    assert asked("gemini", body=google({"retryDelay": "soon"}, QUOTA_INFO)) == 374
    assert asked("gemini", body=google({"retryDelay": 5})) is None
    assert asked("openai", body=google(RETRY_INFO)) is None


def test_a_message_says_it_where_there_are_no_headers() -> None:
    body = b'{"error":{"message":"Rate limit reached. Please try again in 1m2.5s. Visit"}}'

    assert asked("groq", body=body) == 62_500
    assert asked("groq", body=body, headers={"retry-after": "1"}) == 1_000
    assert asked("groq", body=b'{"error":{"message":"Please try again in a while"}}') is None


@given(st.text(max_size=80), st.integers(-(10**15), 10**15))
def test_any_text_is_a_span_within_bounds_or_nothing(text: str, now_ms: int) -> None:
    headers = {"retry-after": text, "retry-after-ms": text, "x-ratelimit-reset-tokens": text}

    found = retry_after_ms("openai", status=429, headers=headers, body=b"", now_ms=now_ms)

    assert found is None or 0 <= found <= RETRY_AFTER_MS_MAX


@given(st.integers(0, 4 * 10**12 // 1000))
def test_a_date_is_read_as_it_is_written(at_s: int) -> None:
    at = time.gmtime(at_s)
    at_ms = at_s * 1_000

    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"):
        assert http_date_ms(time.strftime(form, at), at_ms) == at_ms


@pytest.mark.parametrize("unit", ["1", "1m", "1.", "9d", "Mon, ", "1s ", " "])
def test_a_long_header_costs_next_to_nothing(unit: str) -> None:
    text = unit * 200_000
    headers = {"retry-after": text, "retry-after-ms": text, "x-ratelimit-reset-tokens": text}
    begun = time.perf_counter()

    for provider in ("openai", "anthropic", "gemini"):
        asked(provider, headers=headers)

    assert time.perf_counter() - begun < 0.5
