"""How much a tenant is told: an occasion once a day, ten alerts an hour, the rest together when the hour is over.

Theory of operation. An occasion has a name, its claim; whoever comes with a name that was told within 24 hours changes
nothing, and gets the very same value back, so that nothing is written. Of the others the first ten of an hour of the
clock are told, and those that are critical; the rest is counted, with the dearest sessions, and told as one digest as
soon as that hour has ended. The rule easy to break: what is held back is claimed, too, else it would be counted with
every call.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from core.ledger.loops.ruling import Severity
from core.ledger.windows import calendar_date
from core.money.amount import dollars
from core.telemetry import Alert

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

TOLD_PER_HOUR_MAX = 10
"""More than that nobody reads one by one."""

CLAIMS_MAX = 1_000
"""Occasions that are remembered, at some forty bytes each in one row. Of more than a thousand a day the oldest may be
told again, though not within ten an hour; and the receiver of alerts knows those of one day by their keys."""

DEAREST_MAX = 5

_COUNT_MAX = 2**53


class Dearest(msgspec.Struct, frozen=True, array_like=True):
    """A session among those held back, and what it had spent then."""

    session_id: str
    spent_nanousd: int


class HeldBack(msgspec.Struct, frozen=True):
    """What was not told, until the digest is."""

    count: int
    first_at_ms: int
    last_at_ms: int
    dearest: tuple[Dearest, ...] = ()
    """Dearest first; no session twice."""


class AlertFlow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one tenant's Ledger remembers of what it told."""

    claims: Mapping[str, int] = {}
    """When each occasion was first told or held back, by the digest of its claim; the oldest first."""
    hour: int = 0
    """The present hour of the clock, counted from 1970."""
    told: int = 0
    """Alerts told in it."""
    held: HeldBack | None = None


def claimed(
    flow: AlertFlow,
    alert: Alert,
    *,
    claim: str,
    severity: Severity,
    session_id: str | None,
    spent_nanousd: int | None,
    now_ms: int,
) -> tuple[AlertFlow, Alert | None]:
    """The alert, if it is to be told now. The flow is the same object where nothing is to be written."""
    digest = _digest(claim)
    at_ms = flow.claims.get(digest)
    if at_ms is not None and now_ms - at_ms < DAY_MS:
        return flow, None
    hour = max(flow.hour, now_ms // HOUR_MS)
    told = flow.told if hour == flow.hour else 0
    is_told = severity == "critical" or told < TOLD_PER_HOUR_MAX
    after = AlertFlow(
        claims=_with(flow.claims, digest, now_ms),
        hour=hour,
        told=told + is_told,
        held=flow.held if is_told else _held(flow.held, session_id, spent_nanousd or 0, now_ms),
    )
    return after, msgspec.structs.replace(alert, severity=severity) if is_told else None


def digest_due_at_ms(flow: AlertFlow) -> int | None:
    """When what was held back is to be told: as soon as the hour in which that began has ended. None: nothing was."""
    return None if flow.held is None else (flow.held.first_at_ms // HOUR_MS + 1) * HOUR_MS


def due_digest(flow: AlertFlow, tenant: str, now_ms: int) -> tuple[AlertFlow, Alert | None]:
    """What was held back as one alert, if it is time. The flow is the same object if it is not."""
    held, due_at_ms = flow.held, digest_due_at_ms(flow)
    if held is None or due_at_ms is None or now_ms < due_at_ms:
        return flow, None
    return msgspec.structs.replace(flow, held=None), _alert(held, tenant, now_ms)


def _with(claims: Mapping[str, int], digest: str, now_ms: int) -> dict[str, int]:
    """The claims with one more, which is the youngest; without those of more than a day ago, and a thousand at most."""
    alive = {name: at_ms for name, at_ms in claims.items() if now_ms - at_ms < DAY_MS and name != digest}
    for name in list(alive)[: max(0, len(alive) + 1 - CLAIMS_MAX)]:
        del alive[name]
    return {**alive, digest: now_ms}


def _held(held: HeldBack | None, session_id: str | None, spent_nanousd: int, now_ms: int) -> HeldBack:
    before = held or HeldBack(count=0, first_at_ms=now_ms, last_at_ms=now_ms)
    return HeldBack(
        count=min(before.count + 1, _COUNT_MAX),
        first_at_ms=before.first_at_ms,
        last_at_ms=max(before.last_at_ms, now_ms),
        dearest=before.dearest if session_id is None else _dearest(before.dearest, session_id, spent_nanousd),
    )


def _dearest(before: tuple[Dearest, ...], session_id: str, spent_nanousd: int) -> tuple[Dearest, ...]:
    """Exact although it keeps five: who fell out had spent less than each of them, and none of them gets cheaper."""
    spent = {each.session_id: each.spent_nanousd for each in before}
    spent[session_id] = max(spent.get(session_id, 0), spent_nanousd)
    ranked = sorted(spent.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Dearest(*each) for each in ranked[:DEAREST_MAX])


def _alert(held: HeldBack, tenant: str, now_ms: int) -> Alert:
    sessions = {
        f"session {place}": f"{each.session_id[:128]}: {dollars(each.spent_nanousd)}"
        for place, each in enumerate(held.dearest, start=1)
    }
    first, last = _moment(held.first_at_ms), _moment(held.last_at_ms)
    more = "alert more was" if held.count == 1 else "alerts more were"
    return Alert(
        alert_key=f"digest:{calendar_date(held.first_at_ms).isoformat(timespec='milliseconds')}",
        occurred_at_ms=now_ms,
        tenant=tenant,
        kind="digest",
        summary=f"{held.count:,} {more} not told one by one, from {first} to {last}.",
        facts={"alerts": f"{held.count:,}", "first": first, "last": last, **sessions},
    )


def _moment(at_ms: int) -> str:
    return f"{calendar_date(at_ms):%Y-%m-%d %H:%M:%S} UTC"


def _digest(claim: str) -> str:
    return hashlib.sha256(claim.encode("utf-8", "replace")).hexdigest()[:20]
