"""`usage`: what was used and spent in a span of time, in groups."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.pages import read_pages
from ...arguments import moment_ago
from ...failures import usage as wrong_usage
from ...invocation import Invocation
from ...screen.columns import moment, number, said, value
from ...screen.harmless import harmless
from ...screen.screen import Listed
from ..keys import Limit

SUMS = ("requests", "attempts", "prompt_tokens", "completion_tokens", "cost_usd")
GROUPS = ("day", "session", "team", "key", "model", "provider", "outcome", "project", "agent")
_FORMULA_BEGINS = ("=", "+", "-", "@")

From = Annotated[str, typer.Option("--from", metavar="WHEN", help="7d, 24h, 2026-11-01 or 2026-11-01T08:00:00Z.")]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="The same; not in it.")]


def usage(
    run: Invocation,
    group_by: Annotated[
        str, typer.Option("--group-by", metavar="A,B", help=f"At most five of {', '.join(GROUPS)}; or nothing.")
    ] = "day",
    from_: From = "7d",
    until: Until = "now",
    team: Annotated[str | None, typer.Option("--team", help="Of this team alone.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Of this session alone.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY_ID", help="Of this key alone.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Of this model alone.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Of this provider alone.")] = None,
    limit: Limit = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values, for spreadsheets.")] = False,
) -> None:
    """Sum up what was used and spent.

    By day, the dearest first; at most 92 days.

    \b
      agentwatch usage --group-by team,model --from 30d
      agentwatch usage --group-by day,team --from 2026-11-01 --until 2026-12-01 --csv > november.csv
    """
    if as_csv and run.screen.is_json:
        raise wrong_usage("--csv and --json are two forms: choose one")
    groups = [each for each in (name.strip() for name in group_by.split(",")) if each]
    query = {
        "group_by": ",".join(groups),
        "from": moment_ago(from_, "--from"),
        "until": moment_ago(until, "--until"),
        "team": team,
        "session_id": session,
        "key_id": key,
        "model": model,
        "provider": provider,
    }
    entries, after, page = read_pages(run.api, path_of("usage"), query, limit=limit)
    complete_until = page.get("complete_until")
    if as_csv:
        _write_csv(entries, [*groups, *SUMS])
    else:
        columns = [*map(value, groups), *(number(name, name.replace("_", " ")) for name in SUMS)]
        listed = Listed(entries, after, complete_until=complete_until)
        run.screen.listed(listed, columns, empty="nothing was used")
    if complete_until is not None:
        run.screen.say(f"complete until {moment(complete_until)}: later calls may still be on their way")


def _write_csv(entries: list[dict[str, Any]], names: list[str]) -> None:
    """By RFC 4180. A name that a spreadsheet would take for a formula gets an apostrophe in front."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for entry in entries:
        writer.writerow([_cell(entry.get(name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = harmless(said(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_BEGINS) else text
