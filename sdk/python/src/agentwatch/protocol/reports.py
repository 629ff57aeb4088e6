"""A report: one logical call as `POST /v1/ingest` takes it, and many of them as one body.

Counts and names only. A part of the tokens is said where there is any; a count can never be negative, nor a name empty
or longer than the server takes, since a report that is refused is a call that nobody pays attention to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from ..calls import CallEnd, CallFacts, Usage

NAME_CHARACTERS_MAX = 256
COUNT_MAX = 10**9

_NOTHING = Usage(prompt_tokens=0, completion_tokens=0)
_PARTS = tuple(each.name for each in fields(Usage) if each.name not in ("prompt_tokens", "completion_tokens"))


@dataclass(frozen=True, kw_only=True)
class CallOwner:
    """Whose call it was, which one of the session's, and when."""

    event_id: str
    session_id: str
    project: str | None
    team: str | None
    agent: str | None
    iteration: int
    started_at_ms: int
    latency_ms: float


def report_of(facts: CallFacts, end: CallEnd, owner: CallOwner) -> dict[str, object]:
    usage = _NOTHING if end.usage is None else end.usage
    report: dict[str, object] = {
        "model": name_of(end.model) or name_of(facts.model) or "unknown",
        "provider": name_of(facts.provider),
        "dialect": facts.dialect,
        "prompt_tokens": _count(usage.prompt_tokens),
        "completion_tokens": _count(usage.completion_tokens),
        "latency_ms": round(max(0.0, owner.latency_ms), 3),
        **{part: count for part in _PARTS if (count := _count(getattr(usage, part)))},
        "session_id": owner.session_id,
        "iteration_index": owner.iteration,
        "identified_risks": list(dict.fromkeys((*facts.risks, *end.risks))),
        "project": owner.project,
        "agent": owner.agent,
        "team": owner.team,
        "event_id": owner.event_id,
        # Without counts nothing is known to be complete: it would be taken for a call that cost nothing.
        "outcome": "failed" if end.usage is None and end.outcome == "complete" else end.outcome,
        "status": end.status,
        "attempts": max(1, end.attempts),
        "is_estimated": end.is_estimated or None,
        "is_streaming": facts.is_streaming,
        "ttfb_ms": None if end.ttfb_ms is None else round(max(0.0, end.ttfb_ms), 3),
        "error_code": name_of(end.error_code),
        "started_at_ms": owner.started_at_ms,
    }
    return {name: value for name, value in report.items() if value is not None}


def batch_of(reports: Sequence[bytes]) -> bytes:
    """Encoded reports as one body. One alone is a report as it is, which every server takes."""
    return reports[0] if len(reports) == 1 else b'{"reports":[' + b",".join(reports) + b"]}"


def name_of(text: str | None) -> str | None:
    """As the server takes it; None where there is none."""
    return text[:NAME_CHARACTERS_MAX] if text else None


def _count(value: int) -> int:
    return min(COUNT_MAX, max(0, int(value)))
