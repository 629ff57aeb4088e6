"""`session`: runs of agents that are under way, and the people who stop them or let them go on."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.client import path_of
from ..api.pages import read_pages
from ..arguments import dollars
from ..invocation import Invocation, command
from ..screen.columns import number
from ..screen.screen import Listed
from .budgets import ACCOUNT_COLUMNS, show_accounts
from .keys import Limit, Yes

sessions = typer.Typer(no_args_is_help=True, help="Sessions: show, raise, pause and resume them.")

SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="Its id.")]

_COLUMNS = (
    ACCOUNT_COLUMNS[1],
    *ACCOUNT_COLUMNS[3:6],
    number("prompt_tokens", "tokens in"),
    number("completion_tokens", "tokens out"),
    ACCOUNT_COLUMNS[7],
)


@command(sessions, "list")
def list_sessions(run: Invocation, limit: Limit = None) -> None:
    """List the sessions that are alive."""
    entries, after, _ = read_pages(run.api, path_of("sessions"), limit=limit, names=("sessions", "next_after", "after"))
    run.screen.listed(Listed(entries, after), _COLUMNS, empty="no session is alive")


@command(sessions, "show")
def show(run: Invocation, session: SessionId) -> None:
    """Show what a session spent, holds and may spend."""
    show_accounts(run, run.api.get(path_of("sessions", session)).document)


@command(sessions, "raise")
def raise_limit(
    run: Invocation,
    session: SessionId,
    limit: Annotated[str, typer.Argument(metavar="USD", help="What it may spend in all; none for no limit.")],
) -> None:
    """Give a session another limit: of all that it spends, not of what is to come.

    \b
      agentwatch session raise run-42 20
    """
    show_accounts(run, run.api.put(path_of("sessions", session), {"limit_usd": dollars(limit, "the limit")}).document)


@command(sessions, "pause")
def pause(run: Invocation, session: SessionId) -> None:
    """Refuse a session's further calls."""
    show_accounts(run, run.api.put(path_of("sessions", session), {"paused": True}).document)


@command(sessions, "resume")
def resume(run: Invocation, session: SessionId) -> None:
    """Let a paused session go on, whoever or whichever rule paused it."""
    show_accounts(run, run.api.put(path_of("sessions", session), {"paused": False}).document)


@command(sessions, "reset")
def reset(run: Invocation, session: SessionId, yes: Yes = False) -> None:
    """Forget what a session spent, and lift its pause."""
    run.confirm(f"Forget what session {session} spent", yes=yes)
    show_accounts(run, run.api.delete(path_of("sessions", session)).document)
