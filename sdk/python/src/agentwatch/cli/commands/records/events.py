"""`events`: what happened beside the calls: budgets that changed, logins, requests to the administration."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.pages import read_pages
from ...arguments import moment_ago
from ...invocation import Invocation
from ...screen.columns import Column, Record, at, said, state, value
from ...screen.screen import Listed


def _what(event: Record) -> str:
    if event.get("kind") == "budget":
        scope = f"{event.get('scope_kind')} {event.get('scope_id')} ({event.get('scope_window')})"
        numbers = f"limit {said(event.get('limit_usd'))}, spent {said(event.get('spent_usd'))}"
        return f"{event.get('change')} of {scope}: {numbers}"
    return f"{event.get('method')} {event.get('path')}"


def _result(event: Record) -> str:
    return said(event.get("outcome") or event.get("error_code") or event.get("status"))


_COLUMNS = (
    at("occurred_at", "at"),
    state("kind"),
    value("actor", "who"),
    Column("what", _what),
    Column("result", _result),
)


def events(
    run: Invocation,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="A,B", help="budget, auth, access; all unless said.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="WHEN", help="7d, 24h, 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="The same; not in it.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
) -> None:
    """List changes, logins and administration.

    Budgets that were changed, logins, and requests to the administration, the newest first (admin).

    \b
      agentwatch events --kind auth --from 24h
    """
    query: dict[str, Any] = {
        "kind": kind,
        "from": None if from_ is None else moment_ago(from_, "--from"),
        "until": None if until is None else moment_ago(until, "--until"),
    }
    entries, after, _ = read_pages(run.api, path_of("events"), query, limit=limit)
    run.screen.listed(Listed(entries, after), _COLUMNS, empty="nothing happened")
