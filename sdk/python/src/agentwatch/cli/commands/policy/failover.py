"""`failover`: where calls go that fail, who is left alone just now, and who would serve a call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.documents import edit_document, made_once, read_document
from ...arguments import read_json_file
from ...failures import CommandFailed, Exit
from ...invocation import Invocation, command
from ...screen.columns import Column, Record, at, number, said, value
from ...screen.screen import Listed
from ..keys import Yes
from ..written import Version, add_versions, show_written, whole_document

failover = typer.Typer(no_args_is_help=True, help="Failover: chains, and providers' health (admin).")

PATH = path_of("failover")

Provider = Annotated[str | None, typer.Option("--provider", help="Of this provider alone.")]


def _hops(chain: Record) -> str:
    return " > ".join(f"{hop.get('provider')}/{hop.get('model')}" for hop in chain.get("hops", []))


def _place(record: Record) -> str:
    return "/".join(str(record[name]) for name in ("provider", "model", "place") if record.get(name))


_CHAINS = (
    value("id"),
    Column("calls of", lambda chain: said(chain.get("match", {}).get("model"))),
    Column("go on to", _hops),
)
_HEALTH = (
    Column("left alone", _place),
    value("scope"),
    value("reason"),
    at("since_ms", "since"),
    at("until_ms", "until"),
    number("count"),
    value("account"),
)
_TRIED = (
    Column("model", lambda hop: f"{hop.get('provider')}/{hop.get('model')}"),
    value("left_out", "left out because"),
    number("estimated_cost_usd", "costs at most"),
    value("changes"),
    at("cooling_until_ms", "left alone until"),
)


@command(failover, "show")
def show(run: Invocation, version: Version = None) -> None:
    """Show the chains of models, and the bounds of their attempts."""
    read = read_document(run.api, PATH, version)
    if run.screen.is_json:
        run.screen.document(read.document)
        return
    chains = [
        {**chain, "id": chain.get("id") or f"chain-{place}"}
        for place, chain in enumerate(read.document.get("chains", []), start=1)
    ]
    run.screen.rows(chains, _CHAINS, empty="there is no chain: calls that fail go nowhere")
    bounds = [f"{name} {said(value)}" for name, value in read.document.items() if name != "chains"]
    run.screen.say(", ".join([f"version {read.version}", *bounds]))


@command(failover, "set")
def set_failover(
    run: Invocation,
    file: Annotated[str | None, typer.Argument(help="JSON of the whole document, or - for standard input.")] = None,
) -> None:
    """Replace the failover, by a file or in your editor ($VISUAL, $EDITOR).

    \b
      agentwatch failover show --json > failover.json
      agentwatch failover set failover.json
    """
    show_written(
        run, edit_document(run.api, PATH, made_once(lambda document: whole_document(document, file, "failover")))
    )


@command(failover, "test")
def test(
    run: Invocation,
    model: Annotated[str, typer.Argument(help="Such as openai/gpt-4o-mini.")],
    path: Annotated[str, typer.Option("--path", help="Where the call would be sent to.")] = "/v1/chat/completions",
    body_file: Annotated[
        str | None, typer.Option("--body", metavar="FILE", help="The call's body; a small one unless said.")
    ] = None,
    chains_file: Annotated[
        str | None, typer.Option("--chains", metavar="FILE", help="By the failover of this file, not by that in force.")
    ] = None,
) -> None:
    """Say who would serve a call, in which order, and who is left out and why. Nothing is sent."""
    small: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
    body = small if body_file is None else read_json_file(body_file, "the body")
    asked = {"path": path, "body": {**body, "model": model} if isinstance(body, dict) else body}
    if chains_file is not None:
        asked["failover"] = read_json_file(chains_file, "the failover")
    tried = run.api.post(path_of("failover", "test"), asked).document
    if run.screen.is_json:
        run.screen.document(tried)
        return
    run.screen.rows(tried["hops"], _TRIED, empty="nobody would serve it")
    run.screen.say(f"by chain {tried['chain']}" if tried.get("chain") else "no chain is for it")


@command(failover, "health")
def health(run: Invocation) -> None:
    """Show which providers, keys and models calls leave alone just now, why and until when."""
    cooling = run.api.get(path_of("failover", "health")).document["cooling"]
    run.screen.listed(Listed(cooling, None), _HEALTH, empty="nobody is left alone")


@command(failover, "clear")
def clear(
    run: Invocation,
    provider: Provider = None,
    model: Annotated[str | None, typer.Option("--model", help="Of this model of the provider alone.")] = None,
    yes: Yes = False,
) -> None:
    """Ask those again from now on who are left alone: all, or a provider's."""
    if model is not None and provider is None:
        raise CommandFailed("name the --provider of the model, too", code=Exit.USAGE)
    run.confirm(f"Ask {'everybody' if provider is None else provider} again, who is left alone,", yes=yes)
    cooling = run.api.delete(path_of("failover", "health"), {"provider": provider, "model": model}).document["cooling"]
    run.screen.listed(Listed(cooling, None), _HEALTH, empty="nobody is left alone")


add_versions(failover, PATH, "the failover")
