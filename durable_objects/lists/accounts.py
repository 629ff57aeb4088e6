"""A tenant's sessions and teams, page by page: the rows', as they are in memory where they are there."""

from core.ledger.account import Account, turned
from core.ledger.hold import ScopeKey
from core.ledger.lists.accounts import ListSessionsRequest, ListTeamsRequest, SessionPage, TeamPage
from durable_objects.state import LedgerState

LOOKED_AT_MAX = 500
"""Sessions for a page of one owner's: the others are passed over, and whoever asks goes on after them."""


def page_of_sessions(state: LedgerState, request: ListSessionsRequest, now_ms: int) -> SessionPage:
    """Live sessions in the order of their ids."""
    looked_at_max = request.limit if request.owner is None else LOOKED_AT_MAX
    after, at_most = request.after_session_id, looked_at_max + 1
    stored = state.store.sessions_after(after, now_ms, at_most)
    found = _in_order(stored, state.book.sessions_after(after, now_ms, at_most))
    page: list[Account] = []
    last = None
    for account in found[:looked_at_max]:
        if len(page) == request.limit:
            break
        last = account.id
        if request.owner in (None, account.owner):
            page.append(account)
    has_more = last is not None and found[-1].id > last
    return SessionPage(
        accounts=[state.under_ceiling(account).view() for account in page],
        next_after_session_id=last if has_more else None,
    )


def page_of_teams(state: LedgerState, request: ListTeamsRequest, now_ms: int) -> TeamPage:
    """Teams that have an account, in the order of their names."""
    if request.team is not None:
        account = state.book.find(ScopeKey("team", request.team, "month"))
        return TeamPage(accounts=[] if account is None else [turned(account, now_ms).view()])
    after, at_most = request.after_team, request.limit + 1
    found = _in_order(state.store.teams_after(after, at_most), state.book.teams_after(after, at_most))
    page = found[: request.limit]
    return TeamPage(
        accounts=[turned(account, now_ms).view() for account in page],
        next_after_team=page[-1].id if len(found) > len(page) else None,
    )


def _in_order(stored: list[Account], known: list[Account]) -> list[Account]:
    found = {account.id: account for account in (*stored, *known)}
    return [found[each] for each in sorted(found)]
