"""What happened in a tenant beside its calls: budgets that changed, logins, requests to the administration; the newest
first.
"""

from datetime import datetime
from typing import Annotated, cast

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.records.asking import ask_of_tenant
from api.records.cursors import After, Limit, Text, read_cursor, written_cursor
from api.records.spans import Moment, milliseconds_of, moment_of
from core.money.amount import format_usd
from core.refusals import InvalidRequest, RecordsUnavailable
from exchange import Answer, json_answer

KINDS = ("budget", "auth", "access")

_KIND = "(" + "|".join(KINDS) + ")"


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True):
    kind: Annotated[str, msgspec.Meta(pattern=rf"^{_KIND}(,{_KIND}){{0,2}}$(?!\n)")] = ",".join(KINDS)
    """By commas."""
    from_: Moment | None = msgspec.field(name="from", default=None)
    until: Moment | None = None
    limit: Limit = 100
    after: After = ""
    """What the page before has as `next`."""


class BudgetChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="budget"):
    """A budget was changed, or went past its alert threshold. Moments are UTC milliseconds."""

    event_id: str
    occurred_at: int
    change: str
    scope_kind: str
    scope_id: str
    scope_window: str
    limit_usd: str | None
    spent_usd: str | None
    held_usd: str | None
    key_id: str | None
    actor: str | None


class CameIn(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="auth"):
    """A login that was refused, or an administrator's."""

    event_id: str
    occurred_at: int
    outcome: str
    method: str
    path: str
    key_id: str | None
    role: str | None
    actor: str | None
    client_address: str | None


class Administered(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="access"):
    """A request to the administration, whatever became of it."""

    request_id: str
    occurred_at: int
    method: str
    path: str
    status: int
    error_code: str | None
    key_id: str | None
    role: str | None
    actor: str | None
    latency_ms: float | None


Event = BudgetChanged | CameIn | Administered


class EventPage(msgspec.Struct, frozen=True):
    data: list[Event]
    next: str | None


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of any of the tables: what all of them have, and what only some do."""

    kind: str
    occurred_at: datetime
    event_id: str = ""
    request_id: str = ""
    change: str = ""
    scope_kind: str = ""
    scope_id: str = ""
    scope_window: str = ""
    limit_nanousd: int | None = None
    spent_nanousd: int | None = None
    held_nanousd: int | None = None
    outcome: str = ""
    method: str = ""
    path: str = ""
    client_address: str | None = None
    status: int = 0
    error_code: str | None = None
    latency_ms: float | None = None
    key_id: str | None = None
    role: str | None = None
    actor: str | None = None

    @property
    def id(self) -> str:
        return self.event_id or self.request_id


class _Position(msgspec.Struct, frozen=True, array_like=True):
    """Before which event the next page begins."""

    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    kind: Text
    id: Text


async def list_events(request: ApiRequest[EventsQuery, Nothing]) -> Answer:
    asked = request.query
    filters = msgspec.structs.replace(asked, limit=100, after="")
    position = read_cursor(asked.after, _Position, "events", filters)
    starts_at, ends_at = _moments_of(asked)
    arguments = {
        "p_kinds": asked.kind.split(","),
        "p_from": starts_at,
        "p_until": ends_at,
        "p_after_occurred_at": position and position.occurred_at,
        "p_after_kind": position and position.kind,
        "p_after_id": position and position.id,
        "p_rows_max": asked.limit + 1,
    }
    rows = await ask_of_tenant(request.exchange, request.caller, "events_page", arguments, list[_Row])
    page, last = rows[: asked.limit], rows[asked.limit - 1 : asked.limit]
    next_cursor = None
    if len(rows) > asked.limit:
        next_cursor = written_cursor(_Position(last[0].occurred_at, last[0].kind, last[0].id), "events", filters)
    return json_answer(EventPage([_event(each) for each in page], next_cursor))


def _moments_of(asked: EventsQuery) -> tuple[datetime | None, datetime | None]:
    starts_at = None if asked.from_ is None else moment_of(asked.from_, "from")
    ends_at = None if asked.until is None else moment_of(asked.until, "until")
    if starts_at is not None and ends_at is not None and starts_at >= ends_at:
        raise InvalidRequest("from must be before until", param="from")
    return starts_at, ends_at


def _event(row: _Row) -> Event:
    """The row as the type of its kind has it."""
    cells = msgspec.structs.asdict(row)
    amounts = {
        f"{name}_usd": None if cells[f"{name}_nanousd"] is None else format_usd(cells[f"{name}_nanousd"])
        for name in ("limit", "spent", "held")
    }
    told = {**cells, **amounts, "occurred_at": milliseconds_of(row.occurred_at)}
    return cast(Event, msgspec.convert(told, Event))


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/events", list_events, "Budgets that changed, logins, and who administered what; the newest first",
        EventPage, audience="admin", query=EventsQuery, is_administration=True,
        refuses=(RecordsUnavailable,),
    ),
)  # fmt: skip
