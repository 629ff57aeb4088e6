"""The teams of a tenant, with their budgets of the month. A developer sees its own."""

from typing import Annotated

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from core.cursors import cursor_of, read_cursor
from core.ledger.lists.accounts import ListTeamsRequest
from core.ledger.messages import AccountView
from core.money.amount import format_usd
from exchange import Answer, json_answer


class Team(msgspec.Struct, frozen=True):
    """Its numbers in the present month. Dollars are exact decimal strings, moments UTC milliseconds."""

    team: str
    limit_usd: str | None
    spent_usd: str
    held_usd: str
    resets_at: int | None
    paused: bool


class TeamList(msgspec.Struct, frozen=True):
    data: list[Team]
    next: str | None
    """The cursor of the next page; null where this is the last one."""


class TeamsQuery(msgspec.Struct, frozen=True):
    after: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


async def list_teams(request: ApiRequest[TeamsQuery, Nothing]) -> Answer:
    """Teams that have called or that have a budget, page by page, in the order of their names."""
    after, caller = read_cursor(request.query.after, "teams"), request.caller
    if caller.role == "developer" and caller.team is None:
        return json_answer(TeamList([], None))
    page = await request.ledger.tell(
        ListTeamsRequest(
            after_team=str(after[0]) if after else "",
            limit=request.query.limit,
            team=caller.team if caller.role == "developer" else None,
        )
    )
    last = page.next_after_team
    return json_answer(
        TeamList([_team(each) for each in page.accounts], None if last is None else cursor_of("teams", last))
    )


def _team(account: AccountView) -> Team:
    limit = account.limit_nanousd
    return Team(
        team=account.id,
        limit_usd=None if limit is None else format_usd(limit),
        spent_usd=format_usd(account.spent_nanousd),
        held_usd=format_usd(account.held_nanousd),
        resets_at=account.resets_at_ms,
        paused=account.is_paused,
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/teams", list_teams, "The tenant's teams and their budgets", TeamList,
        query=TeamsQuery, is_administration=True,
    ),
)  # fmt: skip
