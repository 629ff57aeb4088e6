"""Pages of a tenant's accounts, in the order of their ids."""

from typing import Annotated

import msgspec

from core.bounds import SCOPE_ID_CHARACTERS_MAX
from core.ledger.messages import AccountView, Message, Name, Owner, Question

After = Annotated[str, msgspec.Meta(max_length=SCOPE_ID_CHARACTERS_MAX)]


class SessionPage(Message, frozen=True, tag="session_page"):
    """There may be more where it names the id to go on after, though it is short or empty."""

    accounts: list[AccountView]
    next_after_session_id: str | None = None


class ListSessionsRequest(Question[SessionPage], frozen=True, tag="list_sessions"):
    """A page of live sessions in the order of their ids, after the id given."""

    after_session_id: After = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    owner: Owner | None = None
    """Whose sessions alone."""


class TeamPage(Message, frozen=True, tag="team_page"):
    accounts: list[AccountView]
    next_after_team: str | None = None


class ListTeamsRequest(Question[TeamPage], frozen=True, tag="list_teams"):
    """A page of the teams that have an account, in the order of their names, after the name given."""

    after_team: After = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    team: Name | None = None
    """This one alone."""
