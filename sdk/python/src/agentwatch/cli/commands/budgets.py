"""`budget`: the tenant's own budgets, and its teams'. Dollars are decimal text; windows turn in UTC."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..api.client import path_of
from ..api.pages import read_pages
from ..arguments import dollars
from ..failures import usage
from ..invocation import Invocation, command
from ..screen.columns import Column, Record, at, number, said, state, style_of_state, value
from ..screen.screen import Listed
from .keys import Limit, Yes

budgets = typer.Typer(no_args_is_help=True, help="Budgets of the tenant, or of a team (--team).")

Team = Annotated[str | None, typer.Option("--team", help="A team's budget; the tenant's own unless said.")]
Window = Annotated[
    str | None, typer.Option("--window", help="day, month or total; a team has a month only. A month unless said.")
]


def state_of_account(record: Record) -> str:
    if not record.get("paused"):
        return "active"
    return f"paused by {record['paused_by']}" if record.get("paused_by") else "paused"


ACCOUNT_COLUMNS = (
    value("scope"),
    value("scope_id", "id"),
    value("window"),
    number("limit_usd", "limit"),
    number("spent_usd", "spent"),
    number("held_usd", "held"),
    at("resets_at", "resets"),
    Column("state", state_of_account, style_of=lambda text: style_of_state(text.partition(" ")[0])),
    Column("limit is", lambda record: "hard" if record.get("hard", True) else "a warning"),
    Column("alert at", lambda record: f"{record['alert_percent']}%" if record.get("alert_percent") else said(None)),
)
_TEAMS = (
    value("team"),
    number("limit_usd", "limit"),
    number("spent_usd", "spent"),
    number("held_usd", "held"),
    at("resets_at", "resets"),
    Column("state", state_of_account, style_of=state("state").style_of),
)


def show_accounts(run: Invocation, document: dict[str, Any]) -> None:
    run.screen.listed(
        Listed(document["accounts"], None), ACCOUNT_COLUMNS, empty="nothing was spent, and nothing is limited"
    )


@command(budgets, "show")
def show(run: Invocation, team: Team = None, window: Window = None) -> None:
    """Show limits and what is spent: all windows, or one."""
    accounts = run.api.get(_path(team)).document["accounts"]
    show_accounts(run, {"accounts": [each for each in accounts if window in (None, each["window"])]})


@command(budgets, "teams")
def teams(run: Invocation, limit: Limit = None) -> None:
    """List the teams and their budgets."""
    entries, after, _ = read_pages(run.api, path_of("teams"), limit=limit)
    run.screen.listed(Listed(entries, after), _TEAMS, empty="there is no team")


@command(budgets, "set")
def set_budget(
    run: Invocation,
    limit: Annotated[str | None, typer.Argument(metavar="[USD]", help="What may be spent in the window.")] = None,
    team: Team = None,
    window: Window = None,
    hard: Annotated[bool | None, typer.Option("--hard/--warn", help="Refuse calls above it, or only warn.")] = None,
    alert_percent: Annotated[
        int | None, typer.Option("--alert-percent", min=1, max=100, help="Tell when so much of it is spent.")
    ] = None,
) -> None:
    """Set a limit; what is not named stays.

    \b
      agentwatch budget set 500
      agentwatch budget set 50 --team research --alert-percent 80
    """
    change: dict[str, Any] = {}
    if limit is not None:
        change["limit_usd"] = dollars(limit, "the limit")
        if change["limit_usd"] is None:
            raise usage("a limit is dollars", "agentwatch budget clear lifts it")
    if hard is not None:
        change["hard"] = hard
    if alert_percent is not None:
        change["alert_percent"] = alert_percent
    if not change:
        raise usage("nothing to change: name the limit, --hard, --warn or --alert-percent")
    _change(run, team, window, change)


@command(budgets, "clear")
def clear(run: Invocation, team: Team = None, window: Window = None, yes: Yes = False) -> None:
    """Lift a limit: nothing is refused for it any more."""
    run.confirm(f"Lift the limit of {_whose(team, window)}", yes=yes)
    _change(run, team, window, {"limit_usd": None})


@command(budgets, "pause")
def pause(run: Invocation, team: Team = None, window: Window = None) -> None:
    """Refuse all calls that it is charged with."""
    _change(run, team, window, {"paused": True})


@command(budgets, "resume")
def resume(run: Invocation, team: Team = None, window: Window = None) -> None:
    """Let them through again."""
    _change(run, team, window, {"paused": False})


@command(budgets, "reset")
def reset(run: Invocation, team: Team = None, window: Window = None, yes: Yes = False) -> None:
    """Forget what was spent in this window."""
    run.confirm(f"Forget what was spent of {_whose(team, window)}", yes=yes)
    _change(run, team, window, {"reset": True})


def _change(run: Invocation, team: str | None, window: str | None, change: dict[str, Any]) -> None:
    body = change if window is None else {**change, "window": window}
    show_accounts(run, run.api.put(_path(team), body).document)


def _path(team: str | None) -> str:
    return path_of("budget") if team is None else path_of("teams", team, "budget")


def _whose(team: str | None, window: str | None) -> str:
    whose = "the tenant's budget" if team is None else f"the budget of team {team}"
    return whose if window is None else f"{whose} ({window})"
