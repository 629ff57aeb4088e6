"""When a provider says that it may be asked again, by whatever it says that with.

`retry-after-ms` and `Retry-After` come first, and are believed on every failure. Google writes a span into its error's
details. The `…-reset` headers stand on every answer and tell when a window is full again, so they count on a 429 only,
and of several windows the last of those that turned the request away: one that had room is no reason to wait.

The rule easy to break: a moment is compared with our own clock, and one that is past says nothing; the provider's clock
may be behind. So do a negative number and an absent header: neither is zero.
"""

import re
from collections.abc import Callable, Mapping

from core.ledger.health.notes import STATED_MS_MAX
from core.routing.durations import (
    TEXT_CHARACTERS_MAX,
    epoch_seconds_ms,
    http_date_ms,
    milliseconds_ms,
    rfc_3339_ms,
    seconds_ms,
    span_ms,
)
from core.routing.provider_words import ProviderWords, words_of

RETRY_AFTER_MS_MAX = STATED_MS_MAX
"""Longer ones are cut to this: nobody believes them that long."""

_ANTHROPIC_RESET = re.compile(r"anthropic-ratelimit-([a-z0-9_-]{1,60})-reset")
_TRY_AGAIN_IN = re.compile(r"try again in ([0-9][0-9a-z.]{0,30}[a-z])")

_OPENAI_WINDOWS = ("requests", "tokens")

_HEADERS_MAX = 200


def retry_after_ms(provider: str, *, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> int | None:
    """For how long the provider does not want to be asked; None where it says nothing that can be understood."""
    return said_again_ms(provider, status=status, headers=headers, words=words_of(body), now_ms=now_ms)


def said_again_ms(
    provider: str, *, status: int, headers: Mapping[str, str], words: ProviderWords, now_ms: int
) -> int | None:
    """The same, of a body that has been read."""
    named = {name.lower(): value for name, value in list(headers.items())[:_HEADERS_MAX]}
    told_ms = _first(
        lambda: milliseconds_ms(named.get("retry-after-ms", "")),
        lambda: retry_after_header_ms(named.get("retry-after", ""), now_ms),
        lambda: _google_ms(words) if provider == "gemini" else None,
        lambda: _reset_ms(provider, named, words, now_ms) if status == 429 else None,
    )
    return None if told_ms is None else min(told_ms, RETRY_AFTER_MS_MAX)


def retry_after_header_ms(text: str, now_ms: int) -> int | None:
    """Seconds, with or without parts of one, or a date that lies ahead."""
    span = seconds_ms(text)
    if span is not None:
        return span
    return _ahead_ms(http_date_ms(text, now_ms), now_ms)


def _first(*ways: Callable[[], int | None]) -> int | None:
    for way in ways:
        found = way()
        if found is not None:
            return found
    return None


def _ahead_ms(at_ms: int | None, now_ms: int) -> int | None:
    return at_ms - now_ms if at_ms is not None and at_ms > now_ms else None


def _google_ms(words: ProviderWords) -> int | None:
    delays = [span_ms(detail.word("retryDelay")) for detail in words.details]
    resets = [span_ms(detail.inner("metadata").word("quotaResetDelay")) for detail in words.details]
    return _longest(delays) if any(delay is not None for delay in delays) else _longest(resets)


def _reset_ms(provider: str, headers: Mapping[str, str], words: ProviderWords, now_ms: int) -> int | None:
    if provider == "anthropic":
        return _anthropic_ms(headers, now_ms)
    if provider in ("openai", "groq", "xai"):
        return _first(lambda: _openai_ms(headers), lambda: _try_again_ms(words))
    return None


def _openai_ms(headers: Mapping[str, str]) -> int | None:
    return _longest(
        [
            span_ms(headers.get(f"x-ratelimit-reset-{window}", ""))
            for window in _OPENAI_WINDOWS
            if _is_used_up(headers.get(f"x-ratelimit-remaining-{window}"))
        ]
    )


def _try_again_ms(words: ProviderWords) -> int | None:
    """Errors inside a stream have no headers; their message says it."""
    found = _TRY_AGAIN_IN.search(words.message)
    return None if found is None else span_ms(found[1])


def _anthropic_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    waits = []
    for name, value in headers.items():
        found = _ANTHROPIC_RESET.fullmatch(name)
        if found is None:
            continue
        window = f"anthropic-ratelimit-{found[1]}"
        status, remaining = headers.get(f"{window}-status"), headers.get(f"{window}-remaining")
        is_rejected = status.strip().lower() == "rejected" if status is not None else _is_used_up(remaining)
        if is_rejected:
            waits.append(_ahead_ms(_first_moment_ms(value), now_ms))
    return _longest(waits)


def _first_moment_ms(text: str) -> int | None:
    at_ms = rfc_3339_ms(text)
    return epoch_seconds_ms(text) if at_ms is None else at_ms


def _is_used_up(remaining: str | None) -> bool:
    """Of a window that does not say what remains it has to be assumed."""
    if remaining is None:
        return True
    text = remaining.strip()
    return 0 < len(text) <= TEXT_CHARACTERS_MAX and not text.strip("0")


def _longest(spans_ms: list[int | None]) -> int | None:
    return max([span for span in spans_ms if span is not None], default=None)
