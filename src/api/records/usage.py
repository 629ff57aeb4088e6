"""Usage in groups, as JSON or as a table for spreadsheets.

A developer reads its own team's: another team's is as empty as one that nobody has heard of, and without a team there
is nothing to read.
"""

import re
from datetime import date, datetime
from typing import Annotated, Literal, cast

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.records.asking import ask_of_tenant
from api.records.csv_text import Cell, csv_text
from api.records.cursors import After, Limit, Text, read_cursor, written_cursor
from api.records.spans import Moment, milliseconds_of, span_of
from api.records.teams import sees_nothing, team_seen
from core.money.amount import format_usd
from core.refusals import RecordsUnavailable
from exchange import Answer, json_answer

GroupName = Literal["day", "session", "team", "key", "model", "provider", "outcome", "project", "agent"]

_MEMBERS: tuple[GroupName, ...] = ("session", "team", "key", "model", "provider", "outcome", "project", "agent")
"""In the order in which the database has them, where the day stands apart."""

_GROUP = "(" + "|".join(("day", *_MEMBERS)) + ")"

_SUMS = ("requests", "attempts", "prompt_tokens", "completion_tokens", "cost_usd")

_CSV = re.compile(r"(?:^|,)\s*text/csv\s*(?:;|,|$)", re.IGNORECASE)


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    from_: Annotated[Moment, msgspec.Meta(examples=["2026-11-01"])] = msgspec.field(name="from")
    until: Annotated[Moment, msgspec.Meta(examples=["2026-12-01"])]
    """At most 92 days later, and not in it."""
    group_by: Annotated[str, msgspec.Meta(pattern=rf"^({_GROUP}(,{_GROUP}){{0,4}})?$(?!\n)")] = ""
    """By commas, at most five; everything is one group without."""
    team: Text | None = None
    session_id: Text | None = None
    key_id: Text | None = None
    model: Text | None = None
    provider: Text | None = None
    format: Literal["json", "csv"] | msgspec.UnsetType = msgspec.UNSET
    """As the header `Accept` says, where it is not named."""
    limit: Limit = 100
    after: After = ""
    """What the page before has as `next`."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group. Members that were not asked for are absent; null is what calls that name none have."""

    day: str | msgspec.UnsetType = msgspec.UNSET
    session: str | msgspec.UnsetType | None = msgspec.UNSET
    team: str | msgspec.UnsetType | None = msgspec.UNSET
    key: str | msgspec.UnsetType | None = msgspec.UNSET
    model: str | msgspec.UnsetType | None = msgspec.UNSET
    provider: str | msgspec.UnsetType | None = msgspec.UNSET
    outcome: str | msgspec.UnsetType | None = msgspec.UNSET
    project: str | msgspec.UnsetType | None = msgspec.UNSET
    agent: str | msgspec.UnsetType | None = msgspec.UNSET
    requests: int
    attempts: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: str


class UsagePage(msgspec.Struct, frozen=True):
    data: list[Usage]
    next: str | None
    complete_until: int | None
    """When the youngest call that could be counted was stored (UTC milliseconds): later ones may still be on their
    way. Null where there is none."""


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    day: date | None
    members: list[str | None]
    requests: int
    attempts: int
    prompt_tokens: int
    completion_tokens: int
    cost_nanousd: int


class _Groups(msgspec.Struct, frozen=True):
    as_of: datetime
    complete_until: datetime | None
    groups: list[_Group]


class _Position(msgspec.Struct, frozen=True, array_like=True):
    """Behind which group the next page begins, and which calls all pages count."""

    as_of: Annotated[datetime, msgspec.Meta(tz=True)]
    day: date | None
    cost_nanousd: int
    members: Annotated[list[Text | None], msgspec.Meta(min_length=len(_MEMBERS), max_length=len(_MEMBERS))]


async def read_usage(request: ApiRequest[UsageQuery, Nothing]) -> Answer:
    """A page of groups: by day, the dearest first."""
    asked = request.query
    span_of(asked.from_, asked.until)
    filters = msgspec.structs.replace(asked, limit=100, after="", format=msgspec.UNSET)
    position = read_cursor(asked.after, _Position, "usage", filters)
    group_by = _groups_of(asked)
    page = UsagePage([], None, None)
    if not sees_nothing(request.caller, asked.team):
        page = _page(await _ask(request, position, group_by), asked, filters, group_by)
    return _as_csv(page, asked, group_by) if _wants_csv(request) else json_answer(page)


def _groups_of(asked: UsageQuery) -> list[GroupName]:
    """Each once, in the order in which they are named; the query's type knows their names."""
    return cast(list[GroupName], list(dict.fromkeys(name for name in asked.group_by.split(",") if name)))


async def _ask(
    request: ApiRequest[UsageQuery, Nothing], position: _Position | None, group_by: list[GroupName]
) -> _Groups:
    asked = request.query
    starts_at, ends_at = span_of(asked.from_, asked.until)
    return await ask_of_tenant(
        request.exchange,
        request.caller,
        "usage_grouped",
        {
            "p_from": starts_at,
            "p_until": ends_at,
            "p_group_by": group_by,
            "p_team": team_seen(request.caller, asked.team),
            "p_session_id": asked.session_id,
            "p_key_id": asked.key_id,
            "p_model": asked.model,
            "p_provider": asked.provider,
            "p_as_of": position and position.as_of,
            "p_after_day": position and position.day,
            "p_after_cost_nanousd": position and position.cost_nanousd,
            "p_after_members": position and position.members,
            "p_rows_max": asked.limit + 1,
        },
        _Groups,
    )


def _page(found: _Groups, asked: UsageQuery, filters: UsageQuery, group_by: list[GroupName]) -> UsagePage:
    groups = found.groups[: asked.limit]
    next_cursor = None
    if len(found.groups) > asked.limit:
        last = groups[-1]
        position = _Position(found.as_of, last.day, last.cost_nanousd, last.members)
        next_cursor = written_cursor(position, "usage", filters)
    complete_until = None if found.complete_until is None else milliseconds_of(found.complete_until)
    return UsagePage([_usage(each, group_by) for each in groups], next_cursor, complete_until)


def _usage(group: _Group, group_by: list[GroupName]) -> Usage:
    members: dict[str, str | None] = dict(zip(_MEMBERS, group.members, strict=True))
    members["day"] = None if group.day is None else group.day.isoformat()
    told: dict[str, object] = {name: members[name] for name in group_by}
    for name in ("requests", "attempts", "prompt_tokens", "completion_tokens"):
        told[name] = getattr(group, name)
    told["cost_usd"] = format_usd(group.cost_nanousd)
    return msgspec.convert(told, Usage)


def _wants_csv(request: ApiRequest[UsageQuery, Nothing]) -> bool:
    if request.query.format:
        return request.query.format == "csv"
    return _CSV.search(request.exchange.request.headers.get("accept", "")) is not None


def _as_csv(page: UsagePage, asked: UsageQuery, group_by: list[GroupName]) -> Answer:
    names = (*group_by, *_SUMS)
    rows: list[list[Cell]] = [[getattr(each, name) for name in names] for each in page.data]
    headers = {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="usage_{asked.from_[:10]}_{asked.until[:10]}.csv"',
    }
    more = {} if page.next is None else {"x-agentwatch-next": page.next}
    return Answer(200, headers | more, csv_text(names, rows))


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/usage", read_usage, "Requests, tokens and dollars of a span of time, in groups; also as CSV",
        UsagePage, query=UsageQuery, is_administration=True, as_text="text/csv",
        optional_answer_headers=("x-agentwatch-next", "content-disposition"), refuses=(RecordsUnavailable,),
    ),
)  # fmt: skip
