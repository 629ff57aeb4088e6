"""`dlq`: messages that could not be dealt with. What they say is never shown; they can be dealt with again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.pages import read_pages
from ...failures import usage
from ...invocation import Invocation, command
from ...screen.columns import at, state, value
from ...screen.screen import Listed
from ..keys import Limit, Yes

dead_letters = typer.Typer(no_args_is_help=True, help="Messages nobody could deal with (operator).")

_COLUMNS = (
    value("letter_id"),
    value("type"),
    value("tenant"),
    value("reason"),
    at("buried_at", "buried"),
    at("replay_requested_at", "replay asked for"),
    at("replayed_at", "replayed"),
    state("result"),
)


@command(dead_letters, "list")
def list_letters(run: Invocation, limit: Limit = None) -> None:
    """List them, the last ones first."""
    entries, after, _ = read_pages(run.api, path_of("dead-letters"), limit=limit)
    run.screen.listed(Listed(entries, after), _COLUMNS, empty="there is none")


@command(dead_letters, "replay")
def replay(
    run: Invocation,
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="[LETTER_ID...]", help="Which ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that nobody has replayed.")] = False,
    yes: Yes = False,
) -> None:
    """Have messages dealt with again, within ten minutes. Twice does no harm: what was counted is not counted again."""
    if bool(letter_ids) == everything:
        raise usage("name the letters, or give --all")
    if everything:
        run.confirm("Replay all dead letters", yes=yes)
        letters, _, _ = read_pages(run.api, path_of("dead-letters"), limit=None)
        letter_ids = [each["letter_id"] for each in letters if each.get("replay_requested_at") is None]
    asked: list[dict[str, Any]] = [
        run.api.post(path_of("dead-letters", letter_id, "replay")).document for letter_id in letter_ids or []
    ]
    run.screen.listed(Listed(asked, None), _COLUMNS, empty="there is none to replay")
