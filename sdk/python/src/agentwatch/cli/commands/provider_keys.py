"""`provider-key`: a tenant's own keys at the providers. They go in and never come out."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.client import path_of
from ..invocation import Invocation, command
from ..screen.columns import at, value
from ..screen.screen import Listed, read_secret
from .keys import Yes

provider_keys = typer.Typer(no_args_is_help=True, help="Your own keys at providers; never shown (admin).")

Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="openai, anthropic, gemini, groq or xai.")]

_COLUMNS = (value("provider"), value("last_four", "ends in"), at("set_at", "set"), value("set_by", "by"))


@command(provider_keys, "list")
def list_keys(run: Invocation) -> None:
    """List which providers the tenant has a key of its own at."""
    document = run.api.get(path_of("provider-keys")).document
    run.screen.listed(Listed(document["data"], document.get("next")), _COLUMNS, empty="there is no provider key")


@command(provider_keys, "set")
def set_key(
    run: Invocation,
    provider: Provider,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")] = False,
) -> None:
    """Store a key, in place of the one before. It is typed unseen, or read from standard input.

    \b
      agentwatch provider-key set openai
      agentwatch provider-key set openai --key-stdin < openai.key
    """
    key = (
        read_secret("key")
        if key_stdin
        else run.screen.ask_secret(f"Key for {provider}", or_else="give it on standard input: --key-stdin")
    ).strip()
    run.screen.hide(key)
    run.screen.told(run.api.put(path_of("provider-keys", provider), {"key": key}).document, _COLUMNS)


@command(provider_keys, "delete")
def delete(run: Invocation, provider: Provider, yes: Yes = False) -> None:
    """Delete a key: calls go out with AgentWatch's own from then on, if it has one. Shows the keys that are left."""
    run.confirm(f"Delete the key for {provider}", yes=yes)
    document = run.api.delete(path_of("provider-keys", provider)).document
    run.screen.listed(Listed(document["data"], document.get("next")), _COLUMNS, empty="there is no provider key left")
