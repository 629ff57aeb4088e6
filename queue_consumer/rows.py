"""Which table a message belongs to, and its row there. Pure; the tables are those of
`migrations/`.

Every row of a table has the same keys, as PostgREST's bulk insert wants, and a null where there
is nothing. The conflict target is the message's own identity: a redelivery meets the row that it
already is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import msgspec

from core.money.usage import Usage
from core.telemetry import AccessRecord, AuthEvent, BudgetEvent, CallRecord

CONFLICT_TARGETS = {
    "llm_request_logs": "request_id,attempt,started_at",
    "auth_events": "event_id",
    "api_access_log": "request_id",
    "budget_events": "event_id",
    "dead_letters": "letter_id",
}
"""The columns that identify a row, by table."""

RowMessage = CallRecord | AuthEvent | AccessRecord | BudgetEvent
"""The messages that become rows; an alert is told, not stored."""

Cell = str | int | float | bool | tuple[str, ...] | None

_USAGE_COLUMNS = tuple(field.name for field in fields(Usage))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    table: str
    cells: dict[str, Cell]


def row_of(message: RowMessage) -> Row:
    """The row that a message becomes."""
    match message:
        case CallRecord():
            return Row("llm_request_logs", _call_cells(message))
        case AuthEvent():
            return Row("auth_events", _occurrence_cells(message))
        case AccessRecord():
            return Row("api_access_log", _occurrence_cells(message))
        case BudgetEvent():
            cells = _occurrence_cells(message)
            # `window` is a reserved word of SQL.
            cells["scope_window"] = cells.pop("window")
            return Row("budget_events", cells)


def row_json(row: Row) -> msgspec.Raw:
    """A row as it stands in the body of an insert."""
    return msgspec.Raw(msgspec.json.encode(row.cells))


def rows_json(rows: Iterable[msgspec.Raw]) -> str:
    """The body of one bulk insert."""
    return msgspec.json.encode(tuple(rows)).decode()


def _call_cells(call: CallRecord) -> dict[str, Cell]:
    cells = msgspec.structs.asdict(call)
    del cells["usage"], cells["started_at_ms"]
    return {
        **cells,
        **{name: getattr(call.usage, name) for name in _USAGE_COLUMNS},
        "prompt_tokens": call.usage.prompt_tokens,
        "completion_tokens": call.usage.completion_tokens,
        "started_at": _timestamp(call.started_at_ms),
    }


def _occurrence_cells(message: AuthEvent | AccessRecord | BudgetEvent) -> dict[str, Cell]:
    cells = msgspec.structs.asdict(message)
    del cells["occurred_at_ms"]
    return {**cells, "occurred_at": _timestamp(message.occurred_at_ms)}


def _timestamp(at_ms: int) -> str:
    """UTC in ISO 8601 to the millisecond, by whole numbers: one moment is always one key."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
