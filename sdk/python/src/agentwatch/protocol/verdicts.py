"""What an answer means for whoever asked: for the sender of reports what becomes of the batch, for a question before a
call whether AgentWatch is away, was told something wrong, or said something.

The rule easy to break: a wrong token or address is no outage. It is said once, loudly, and waits for no recovery; an
outage is waited out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .numbers import mapping_of, number_of
from .question import Heard, Unheard

RETRY_AFTER_SECONDS_MAX = 60.0
DELAY_SECONDS_FIRST = 0.5
DELAY_SECONDS_MAX = 60.0
STOPPED_SECONDS = 60.0
"""How long reports wait where the token or the address is wrong: long enough to disturb nobody, short enough for a
token that was only not known everywhere yet."""


class Fate(Enum):
    """Of a batch of reports."""

    DONE = "done"
    DROP = "drop"
    """This one report is no good, and never will be."""
    HALVE = "halve"
    """Something in it is no good, or all of it is too much: in two halves again."""
    LATER = "later"
    STOP = "stop"
    """No report gets through as things are."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    fate: Fate
    again: tuple[int, ...] = ()
    """Of a batch that was taken: which of its reports are to be sent again."""
    dropped: int = 0
    retry_after_seconds: float | None = None


def batch_verdict(heard: Heard, count: int) -> Verdict:
    """What becomes of a batch of `count` reports."""
    if isinstance(heard, Unheard):
        return Verdict(fate=Fate.LATER)
    status = heard.status
    if 200 <= status < 300:
        return _taken(heard.document(), count)
    if status in (408, 425, 429) or status >= 500:
        return Verdict(fate=Fate.LATER, retry_after_seconds=retry_after_seconds(heard.headers))
    if status in (400, 409, 413, 415, 422):
        return Verdict(fate=Fate.DROP if count == 1 else Fate.HALVE, dropped=1 if count == 1 else 0)
    return Verdict(fate=Fate.STOP)


def _taken(document: object, count: int) -> Verdict:
    refused = (mapping_of(document) or {}).get("refused")
    entries = [mapping_of(each) or {} for each in refused] if isinstance(refused, list) else []
    again: set[int] = set()
    dropped: set[int] = set()
    for entry in entries:
        index = entry.get("index")
        if isinstance(index, int) and 0 <= index < count:
            (again if entry.get("retryable") is True else dropped).add(index)
    return Verdict(fate=Fate.DONE, again=tuple(sorted(again)), dropped=len(dropped - again))


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """When to ask again, in milliseconds where that is said. A date is none: clocks differ."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = number_of(headers.get(name))
        if value is not None and value >= 0:
            return min(RETRY_AFTER_SECONDS_MAX, value * unit)
    return None


def delay_seconds(failures: int, *, chance: float, least: float | None = None) -> float:
    """How long to wait after so many failures in a row. `chance` of [0, 1) spreads those who failed together."""
    delay = min(DELAY_SECONDS_MAX, DELAY_SECONDS_FIRST * 2.0 ** min(failures - 1, 10)) * (0.5 + chance / 2)
    return max(delay, (least or 0.0) * (1 + chance / 10))


class Standing(Enum):
    """Of AgentWatch, by what a question before a call was answered."""

    SOUND = "sound"
    AWAY = "away"
    BUSY = "busy"
    """It refuses this question for now; others may pass."""
    MISUSED = "misused"
    """The token, the address or the question is wrong."""


def standing_by(heard: Heard) -> Standing:
    if isinstance(heard, Unheard) or heard.status >= 500 or heard.status == 408:
        return Standing.AWAY
    if heard.status == 429:
        return Standing.BUSY
    return Standing.SOUND if heard.status in (200, 402) else Standing.MISUSED


def reason_of(heard: Heard) -> str:
    """Why nobody could say, for people. Of an answer its own code is told and none of its text."""
    if isinstance(heard, Unheard):
        return heard.reason
    error = mapping_of((mapping_of(heard.document()) or {}).get("error")) or {}
    code = error.get("code")
    said = f" ({code})" if isinstance(code, str) and code.isascii() and code.isprintable() and len(code) <= 64 else ""
    hint = {401: ": is agentwatch_api_key right?", 404: ": is agentwatch_base_url right?"}.get(heard.status, "")
    return f"AgentWatch answered {heard.status}{said}{hint}"
