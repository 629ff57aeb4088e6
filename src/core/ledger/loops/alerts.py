"""What a tenant is told of a session that looks like a loop, of a rule that fired, and of a rule or a failover chain
that cannot be used.

An alert says what happened, who spends how much, how fast, until when the limit holds, and what to do. Its key names
the occasion and the day (UTC), so that it is the same alert however often it is delivered. Sizes, amounts and names
only: no text of a prompt ever comes here. Whether it is told at all is `alert_flow`'s to decide.
"""

import hashlib
from typing import Literal

import msgspec

from core.ledger.loops.remedies import failover_steps, rules_steps, session_steps
from core.ledger.loops.ruling import Action, Severity
from core.ledger.windows import calendar_date
from core.money.amount import dollars
from core.telemetry import Alert

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

RECENT_CALLS = 5
"""Prompt sizes that are told."""

MINUTES_MAX = 365 * 24 * 60
"""A limit that holds for a year at this pace is not about to be reached."""

_COUNT_MAX = 2**53
_CLAIM_PART_CHARACTERS_MAX = 64
_NAME_CHARACTERS_MAX = 120
_FAULT_MAX = 500

BrokenPart = Literal["rule", "chain"]

_BROKEN_TITLES: dict[BrokenPart, tuple[str, str]] = {
    "rule": ("Rule", "The rules"),
    "chain": ("Failover chain", "The failover chains"),
}
"""One, and all."""

_DONE: dict[Action, str] = {
    "allow": "let the call pass",
    "block": "blocked the call",
    "throttle": "made the caller wait",
    "downgrade": "sent the call to a cheaper model",
    "pause_session": "paused the session",
    "alert": "only tells",
    "tag": "tagged the call",
    "redact": "redacted the call",
}


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """Who was at it, and what it has cost: of a session, or of a call without one."""

    session_id: str | None = None
    team: str | None = None
    agent: str | None = None
    model: str | None = None
    input_tokens: tuple[int, ...] = ()
    """Sizes of the session's last prompts, the latest last."""
    spent_nanousd: int | None = None
    """By the session so far; None where nobody knows."""
    last_hour_nanousd: int | None = None
    """Of that, in the last sixty minutes."""
    began_at_ms: int | None = None
    """When the session did."""
    limit_nanousd: int | None = None
    """The session's."""


def anomaly_claim(session_id: str) -> str:
    """Once per session, whatever is noticed of it."""
    return f"anomaly:{_part(session_id)}"


def rule_claim(rule_id: str, session_id: str | None) -> str:
    """Once per rule and session; calls without a session are one."""
    return f"rule:{_part(rule_id)}:{_part(session_id or '-')}"


def broken_claim(part: BrokenPart, part_id: str, version: int) -> str:
    """Once per rule or chain as it was written."""
    return f"{part}_broken:{_part(part_id)}:{version}"


def anomaly_alert(tenant: str, seen: Circumstances, *, now_ms: int) -> Alert:
    """A session's prompts grow from call to call as those of a loop do."""
    sizes = _sizes(seen)
    grows = f"grows with every call: its last prompts were {sizes} tokens" if sizes else "grows with every call"
    return _under(
        seen,
        Alert(
            alert_key=alert_key(anomaly_claim(seen.session_id or ""), now_ms),
            occurred_at_ms=now_ms,
            tenant=tenant,
            kind="anomaly",
            summary=f"Session {_name(seen.session_id)} {grows}.{_money(seen, now_ms)}",
            steps=session_steps(seen.session_id, limit_nanousd=seen.limit_nanousd),
        ),
    )


def rule_alert(
    tenant: str,
    seen: Circumstances,
    *,
    rule_id: str,
    rule_name: str,
    action: Action,
    severity: Severity = "warning",
    now_ms: int,
) -> Alert:
    """A rule fired. `action` is what became of the call by it: `alert` for one that only tells."""
    whose = f" in session {_name(seen.session_id)}" if seen.session_id else ""
    title = f"{_name(rule_id)} ({_name(rule_name)})" if rule_name and rule_name != rule_id else _name(rule_id)
    steps = session_steps(seen.session_id, is_paused=action == "pause_session", limit_nanousd=seen.limit_nanousd)
    return _under(
        seen,
        Alert(
            alert_key=alert_key(rule_claim(rule_id, seen.session_id), now_ms),
            occurred_at_ms=now_ms,
            tenant=tenant,
            kind="rule",
            severity=severity,
            summary=f"Rule {title} has fired{whose}: it {_DONE[action]}.{_money(seen, now_ms)}",
            facts={"rule": title, "what it did": _DONE[action]},
            steps={**steps, **rules_steps()},
            rule=rule_id,
            action=action,
        ),
    )


def broken_alert(
    tenant: str, part: BrokenPart, *, part_id: str, is_whole: bool, version: int, fault: str, now_ms: int
) -> Alert:
    """A part of a document is skipped, because it can be read no more. `fault` says why, in words of ours. Where it is
    the whole, nothing of the document holds."""
    title, whole = _BROKEN_TITLES[part]
    skipped = f"{title} {_name(part_id)} cannot be used and is skipped, the others hold"
    return Alert(
        alert_key=alert_key(broken_claim(part, part_id, version), now_ms),
        occurred_at_ms=now_ms,
        tenant=tenant,
        kind="rule_broken" if part == "rule" else "chain_broken",
        severity="critical",
        summary=f"{f'{whole} cannot be used, none holds' if is_whole else skipped}: {fault[:_FAULT_MAX]}",
        facts={part: part_id, f"version of the {whole[4:]}": str(version)},
        steps=rules_steps() if part == "rule" else failover_steps(),
        rule=part_id if part == "rule" else None,
    )


def alert_key(claim: str, now_ms: int) -> str:
    """An occasion on the day on which it is told. Two tellings of one claim are a day apart, so on two dates."""
    return f"{claim}:{calendar_date(now_ms):%Y-%m-%d}"


def pace_nanousd(seen: Circumstances, now_ms: int) -> int | None:
    """Dollars an hour: what the last hour cost or, of a session younger than that, its cost by its age, a minute at
    least. None where either is not known."""
    cost = seen.spent_nanousd if seen.last_hour_nanousd is None else seen.last_hour_nanousd
    if cost is None:
        return None
    if seen.began_at_ms is None:
        return _count(seen.last_hour_nanousd)
    age_ms = max(MINUTE_MS, now_ms - seen.began_at_ms)
    if seen.last_hour_nanousd is not None:
        age_ms = min(HOUR_MS, age_ms)
    return min(cost * HOUR_MS // age_ms, _COUNT_MAX)


def minutes_to_limit(seen: Circumstances, now_ms: int) -> int | None:
    """Whole minutes until the limit at this pace; None where there is none, or where it is a year or more away."""
    pace = pace_nanousd(seen, now_ms)
    if seen.limit_nanousd is None or seen.spent_nanousd is None:
        return None
    left = max(0, seen.limit_nanousd - seen.spent_nanousd)
    if left == 0:
        return 0
    minutes = left * 60 // pace if pace else MINUTES_MAX
    return minutes if minutes < MINUTES_MAX else None


def _under(seen: Circumstances, alert: Alert) -> Alert:
    """The alert with everything that is known beside its sentence, for people and for machines."""
    now_ms = alert.occurred_at_ms
    pace, minutes = pace_nanousd(seen, now_ms), minutes_to_limit(seen, now_ms)
    known = {
        "session": seen.session_id,
        "team": seen.team,
        "agent": seen.agent,
        "model": seen.model,
        "last prompts": f"{_sizes(seen)} tokens" if seen.input_tokens else None,
        "spent so far": None if seen.spent_nanousd is None else dollars(seen.spent_nanousd),
        "at this pace": None if pace is None else f"{dollars(pace)} an hour",
        "limit": None if seen.limit_nanousd is None else dollars(seen.limit_nanousd),
        "until the limit": None if minutes is None else _duration(minutes),
    }
    return msgspec.structs.replace(
        alert,
        facts={**{name: text for name, text in known.items() if text}, **alert.facts},
        session_id=seen.session_id,
        team=seen.team,
        agent=seen.agent,
        model=seen.model,
        recent_input_tokens=seen.input_tokens[-RECENT_CALLS:],
        spent_nanousd=_count(seen.spent_nanousd),
        spend_per_hour_nanousd=pace,
        limit_nanousd=_count(seen.limit_nanousd),
        minutes_to_limit=minutes,
    )


def _money(seen: Circumstances, now_ms: int) -> str:
    """The sentence about money, where there is any to speak of."""
    if seen.spent_nanousd is None:
        return ""
    pace, minutes = pace_nanousd(seen, now_ms), minutes_to_limit(seen, now_ms)
    spent = dollars(seen.spent_nanousd)
    words = f" {spent[0].upper()}{spent[1:]} so far"
    if pace is not None:
        words += f", {dollars(pace)} an hour at this pace"
    if minutes is not None:
        words += f", {_duration(minutes)} to its limit of {dollars(seen.limit_nanousd or 0)}"
    return words + "."


def _sizes(seen: Circumstances) -> str:
    return ", ".join(f"{size:,}" for size in seen.input_tokens[-RECENT_CALLS:])


def _duration(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _count(amount: int | None) -> int | None:
    return None if amount is None else min(amount, _COUNT_MAX)


def _name(text: str | None) -> str:
    """Short enough that a sentence remains one; the fact beside it has more of it."""
    name = text or "-"
    return name if len(name) <= _NAME_CHARACTERS_MAX else f"{name[: _NAME_CHARACTERS_MAX - 1]}…"


def _part(text: str) -> str:
    """A name as a part of a key; a long one by its beginning and a digest, since a key that is too long is cut."""
    if len(text) <= _CLAIM_PART_CHARACTERS_MAX:
        return text
    return f"{text[:31]}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"
