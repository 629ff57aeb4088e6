"""An alert as a machine reads it: the JSON that a tenant's webhook is sent. Pure.

`{type, timestamp, data}`, as Standard Webhooks has it. Names stay exactly as they are, so that they can be compared;
whoever shows them has to escape them. Money is in decimal dollars, as everywhere in the API. The same alert is the same
bytes at every delivery.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core.money.amount import format_usd
from core.telemetry import Alert

BODY_BYTES_MAX = 20_000
"""What Standard Webhooks recommends at most."""

_TEXT_CHARACTERS_KEPT = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def alert_event(alert: Alert) -> str:
    """The body, always below 20 KB: what is there for people goes first where names of many bytes would exceed that."""
    bodies = (_body(alert, data) for data in _ever_shorter(_data(alert)))
    return next(body for body in bodies if len(body) < BODY_BYTES_MAX).decode()


def _ever_shorter(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield data
    data = {**data, "is_shortened": True, "facts": {}}
    yield data
    data = {**data, "steps": {}}
    yield data
    # The key stays whole: it is by it that a receiver knows an alert again.
    yield {name: value if name == "alert_key" else _short(value) for name, value in data.items()}


def _body(alert: Alert, data: dict[str, Any]) -> bytes:
    moment = (_EPOCH + timedelta(milliseconds=alert.occurred_at_ms)).isoformat(timespec="milliseconds")
    event = {"type": f"alert.{alert.kind}", "timestamp": moment.replace("+00:00", "Z"), "data": data}
    return msgspec.json.encode(event)


def _data(alert: Alert) -> dict[str, Any]:
    return {
        "alert_key": alert.alert_key,
        "tenant": alert.tenant,
        "severity": alert.severity,
        "summary": alert.summary,
        "session_id": alert.session_id,
        "team": alert.team,
        "agent": alert.agent,
        "model": alert.model,
        "rule": alert.rule,
        "action": alert.action,
        "recent_input_tokens": alert.recent_input_tokens,
        "spent_usd": _usd(alert.spent_nanousd),
        "spend_per_hour_usd": _usd(alert.spend_per_hour_nanousd),
        "limit_usd": _usd(alert.limit_nanousd),
        "minutes_to_limit": alert.minutes_to_limit,
        "facts": alert.facts,
        "steps": alert.steps,
    }


def _usd(amount_nanousd: int | None) -> str | None:
    return None if amount_nanousd is None else format_usd(amount_nanousd)


def _short(value: Any) -> Any:
    return value[:_TEXT_CHARACTERS_KEPT] if isinstance(value, str) else value
