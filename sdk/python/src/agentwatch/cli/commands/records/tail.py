"""`tail`: calls as they are recorded, each once: the cursor moves when a page was shown, and a page that did not come
is asked for again. What AgentWatch refuses for good ends it, and so does a first page that does not come: an address
may be wrong, or a deployment without records, and nothing was seen yet that could be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep
from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...failures import CommandFailed, Exit
from ...invocation import Invocation
from ...screen.columns import moment, said, style_of_state

POLL_SECONDS = 2.0
"""Calls are stored some seconds after they end; asking more often shows them no sooner."""
DROPPED_SECONDS_MAX = 30.0
PAGE = 200

COLUMNS = ("at", "outcome", "status", "model", "tokens in", "tokens out", "cost", "ms", "session", "team", "error")


def tail(
    run: Invocation,
    session: Annotated[str | None, typer.Option("--session", help="Of this session alone.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Of this team alone.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Of this model alone.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="complete, refused, failed, …")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=PAGE, help="So many of the past first.")] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for more.")] = True,
) -> None:
    """Show calls as they are recorded.

    Each with its cost and outcome, until you interrupt it; with --json one object a line.

    \b
      agentwatch tail --outcome refused
      agentwatch tail --json | jq -c '{model, cost_usd}'
    """
    filters = {"session_id": session, "team": team, "model": model, "outcome": outcome}
    if not run.screen.is_json and not run.screen.is_terminal:
        print("\t".join(COLUMNS), flush=True)
    for page in _pages(run, filters, lines, follow=follow):
        for call in page:
            _show(run, call)


def _pages(
    run: Invocation, filters: dict[str, str | None], lines: int, *, follow: bool
) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = None
    dropped = 0
    while True:
        size = lines if cursor is None else PAGE
        try:
            page = run.api.get(path_of("calls"), {**filters, "limit": size, "after": cursor}).document
        except CommandFailed as failure:
            if failure.code is not Exit.UNREACHABLE or not follow or cursor is None:
                raise
            if not dropped:
                run.screen.say(f"{failure.message}: trying again")
            dropped += 1
            sleep(min(POLL_SECONDS * dropped, DROPPED_SECONDS_MAX))
            continue
        if dropped:
            run.screen.say("there again")
            dropped = 0
        yield page["data"]
        is_full = cursor is not None and len(page["data"]) >= size
        cursor = page["next"]
        if not follow:
            return
        if not is_full:
            sleep(POLL_SECONDS)


def _show(run: Invocation, call: dict[str, Any]) -> None:
    if run.screen.is_json:
        run.screen.line(call)
        return
    outcome = said(call.get("outcome"))
    texts = (
        moment(call.get("started_at")),
        outcome,
        said(call.get("status")),
        f"{said(call.get('provider'))}/{said(call.get('model'))}",
        said(call.get("prompt_tokens")),
        said(call.get("completion_tokens")),
        said(call.get("cost_usd")),
        said(call.get("latency_ms")),
        said(call.get("session_id")),
        said(call.get("team")),
        said(call.get("error_code")),
    )
    run.screen.now(texts, {outcome: style_of_state(outcome)})
