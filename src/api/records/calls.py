"""Calls in the order in which they were stored, for whoever follows them: behind a cursor comes every later call once,
however late and in whatever order calls come in. There is always a next cursor, also where there is no next call yet.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.records.asking import ask_of_tenant
from api.records.cursors import After, Limit, Text, read_cursor, written_cursor
from api.records.spans import milliseconds_of, moment_at
from api.records.teams import sees_nothing, team_seen
from core.money.amount import format_usd
from core.refusals import RecordsUnavailable
from core.telemetry import Outcome
from exchange import Answer, json_answer


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    session_id: Text | None = None
    team: Text | None = None
    model: Text | None = None
    outcome: Outcome | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 100
    after: After = ""
    """What the page before has as `next`; the last calls without it."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a provider, or a call that was refused or reported. Moments are UTC milliseconds."""

    request_id: str
    attempt: int
    started_at: int
    stored_at: int
    provider: str | None
    model: str | None
    outcome: str
    status: int | None
    cost_usd: str
    prompt_tokens: int
    completion_tokens: int
    session_id: str | None
    team: str | None
    key_id: str | None
    project: str | None
    agent: str | None
    latency_ms: float | None
    is_streaming: bool
    is_cut: bool
    error_code: str | None
    rules: list[str]
    tags: list[str]
    price_version: str


class CallPage(msgspec.Struct, frozen=True):
    data: list[Call]
    next: str


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    request_id: str
    attempt: int
    started_at: datetime
    stored_at: datetime
    provider: str | None
    model: str | None
    outcome: str
    status: int | None
    cost_nanousd: int
    prompt_tokens: int
    completion_tokens: int
    session_id: str | None
    team: str | None
    key_id: str | None
    project: str | None
    agent: str | None
    latency_ms: float | None
    is_streaming: bool
    is_cut: bool
    error_code: str | None
    rules: list[str]
    tags: list[str]
    price_version: str


class _Rows(msgspec.Struct, frozen=True):
    stored_until: datetime
    calls: list[_Row]


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Position(msgspec.Struct, frozen=True, array_like=True):
    """The call behind which the next page begins; a moment alone where no call stands there."""

    stored_at: _Moment
    request_id: Text = ""
    attempt: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    started_at: _Moment | None = None


async def list_calls(request: ApiRequest[CallsQuery, Nothing]) -> Answer:
    """The last calls, or those behind a cursor, the oldest first."""
    asked = request.query
    filters = msgspec.structs.replace(asked, limit=100, after="")
    position = read_cursor(asked.after, _Position, "calls", filters)
    if sees_nothing(request.caller, asked.team):
        here = position or _Position(moment_at(request.exchange.started_at_ms))
        return json_answer(CallPage([], written_cursor(here, "calls", filters)))
    found = await _ask(request, position)
    behind = _next_position(found, position, is_full=len(found.calls) == asked.limit)
    return json_answer(CallPage([_call(each) for each in found.calls], written_cursor(behind, "calls", filters)))


async def _ask(request: ApiRequest[CallsQuery, Nothing], position: _Position | None) -> _Rows:
    asked = request.query
    behind = {} if position is None else _behind(position)
    filters = {
        "p_session_id": asked.session_id,
        "p_team": team_seen(request.caller, asked.team),
        "p_model": asked.model,
        "p_outcome": asked.outcome or None,
        "p_rows_max": asked.limit,
    }
    return await ask_of_tenant(request.exchange, request.caller, "calls_page", {**behind, **filters}, _Rows)


def _behind(position: _Position) -> dict[str, object]:
    return {
        "p_after_stored_at": position.stored_at,
        "p_after_request_id": position.request_id,
        "p_after_attempt": position.attempt,
        "p_after_started_at": position.started_at or position.stored_at,
    }


def _next_position(found: _Rows, position: _Position | None, *, is_full: bool) -> _Position:
    """Behind the last call of a full page. Of any other page everything is known up to a moment, which is never before
    the one that was known up to already."""
    if position is not None and is_full:
        last = found.calls[-1]
        return _Position(last.stored_at, last.request_id, last.attempt, last.started_at)
    if position is not None and position.stored_at >= found.stored_until:
        return position
    return _Position(found.stored_until)


def _call(row: _Row) -> Call:
    cells = msgspec.structs.asdict(row)
    return Call(
        **{name: cells[name] for name in Call.__struct_fields__ if name in cells}
        | {
            "started_at": milliseconds_of(row.started_at),
            "stored_at": milliseconds_of(row.stored_at),
            "cost_usd": format_usd(row.cost_nanousd),
        }
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/calls", list_calls, "Calls as they are stored, the oldest first; to be followed by `next`",
        CallPage, query=CallsQuery, is_administration=True, refuses=(RecordsUnavailable,),
    ),
)  # fmt: skip
