"""`prices check`: which models that were called have no price of their own. AgentWatch decides it, by what calls are
priced by now; a model whose price was stated meanwhile is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.pages import read_pages
from ...arguments import moment_ago
from ...failures import CommandFailed, Exit
from ...invocation import Invocation, command
from ...screen.columns import number, value
from ...screen.screen import Listed
from .prices import prices

ASKED_AT_ONCE = 200

_COLUMNS = (
    value("provider"),
    value("model"),
    value("priced_as", "priced as"),
    number("requests"),
    number("prompt_tokens", "tokens in"),
    number("completion_tokens", "tokens out"),
    number("cost_usd", "cost"),
)


@command(prices, "check")
def check(
    run: Invocation,
    from_: Annotated[str, typer.Option("--from", metavar="WHEN", help="7d, 2026-11-01.")] = "7d",
) -> None:
    """Say which models of last week have no price.

    Their calls are charged by a stand-in: the dearest of the model's family, or of its provider. Exit code 7 if there
    are any. State their prices: agentwatch prices set openai/my-model --input 1.25 --output 10
    """
    query = {
        "group_by": "provider,model",
        "from": moment_ago(from_, "--from"),
        "until": moment_ago("now", "--until"),
    }
    used, _, _ = read_pages(run.api, path_of("usage"), query, limit=None)
    named = [group for group in used if group.get("model") and _has_used(group)]
    found = [
        {**group, "priced_as": price["priced_as"]}
        for group, price in zip(named, _priced(run, named), strict=True)
        if price["is_stand_in"]
    ]
    run.screen.listed(Listed(found, None), _COLUMNS, empty="every model has a price of its own")
    if found:
        raise CommandFailed(
            f"{len(found)} models have no price of their own",
            code=Exit.CHECK_SAYS_NO,
            advice="agentwatch prices set states one",
            kind="stand_in_prices",
        )


def _has_used(group: dict[str, Any]) -> bool:
    """A name that was mistyped is answered by nobody, and charged to nobody."""
    return bool(group["prompt_tokens"] or group["completion_tokens"])


def _priced(run: Invocation, groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What each group's model is priced as, in their order."""
    for begin in range(0, len(groups), ASKED_AT_ONCE):
        models = [
            {name: group.get(name) for name in ("provider", "model")} for group in groups[begin : begin + ASKED_AT_ONCE]
        ]
        yield from run.api.post(path_of("prices", "test"), {"models": models}).document["data"]
