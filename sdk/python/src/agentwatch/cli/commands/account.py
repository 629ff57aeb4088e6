"""`login`, `whoami`, `logout`: which token is used, where it is kept, and whose it is."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from ..api.client import Api, path_of
from ..failures import usage
from ..invocation import Invocation, command
from ..profiles.store import DEFAULT_PROFILE, Profile, ProfileStore
from ..profiles.target import (
    BASE_URL_VARIABLE,
    TOKEN_VARIABLE,
    Target,
    checked_token,
    checked_url,
    warn_of_plain_text,
)
from ..screen.columns import at, value
from ..screen.screen import read_secret

_COLUMNS = (
    value("base_url", "address"),
    value("base_url_from", "address from"),
    value("token_from", "token from"),
    value("tenant"),
    value("role"),
    value("actor"),
    value("key_id", "key"),
    value("name"),
    value("team"),
    value("how", "signed on by"),
    at("expires_at", "expires"),
    value("calls", "makes calls"),
    value("config_version", "config version"),
)


def register(app: typer.Typer) -> None:
    command(app, "login")(login)
    command(app, "whoami")(whoami)
    command(app, "logout")(logout)


def login(
    run: Invocation,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
) -> None:
    """Keep an address and a token.

    Their name is --profile, else "default". The token is typed unseen, or read from standard input; it is never an
    argument. AgentWatch is asked whose it is before it is stored, in plain text, in a file that only you can read.

    \b
      agentwatch login --url https://agentwatch.example.com
      agentwatch login --url http://127.0.0.1:8787 --profile local --token-stdin < token
    """
    store = ProfileStore(os.environ)
    store.check()
    name = run.options.profile or DEFAULT_PROFILE
    said = run.options.url or os.environ.get(BASE_URL_VARIABLE) or _known_url(store, name)
    if not said:
        raise usage("which AgentWatch?", "agentwatch login --url https://…")
    base_url = checked_url(said, "--url")
    warn_of_plain_text(base_url, run.screen.say)
    typed = (
        read_secret("token")
        if token_stdin
        else run.screen.ask_secret(f"Token for {base_url}", or_else="give it on standard input: --token-stdin")
    )
    token = checked_token(typed, "what you gave")
    run.screen.hide(token)
    where = "standard input" if token_stdin else "what you typed"
    who = Api(Target(base_url, "--url", token, where), say=run.screen.say).get(path_of("whoami")).document
    store.put(name, Profile(base_url, token))
    place = f"profile {name} in {store.path}"
    run.screen.say(f"stored in plain text, readable by you alone: {store.path}")
    if os.environ.get(TOKEN_VARIABLE):
        run.screen.say(f"{TOKEN_VARIABLE} is set and counts before the profile: --profile {name} uses the profile")
    _show(run, who, Target(base_url, place, token, place, name))


def whoami(run: Invocation) -> None:
    """Say which token is used, and whose it is.

    An option counts before the environment (AGENTWATCH_BASE_URL, AGENTWATCH_API_KEY), and that before a profile.
    """
    target = run.target
    who = run.api.get(path_of("whoami")).document
    if target.profile is not None:
        run.screen.say(f"the token is kept in plain text, readable by you alone: {ProfileStore(os.environ).path}")
    _show(run, who, target)


def logout(run: Invocation) -> None:
    """Forget a profile's token. It stays valid: `agentwatch key revoke` ends it."""
    name = run.options.profile or DEFAULT_PROFILE
    store = ProfileStore(os.environ)
    was_there = store.remove(name)
    run.screen.say(f"profile {name} is forgotten" if was_there else f"there was no profile {name}")
    if os.environ.get(TOKEN_VARIABLE):
        run.screen.say(f"{TOKEN_VARIABLE} is still set")
    run.screen.told({"profile": name, "forgotten": was_there}, (value("profile"), value("forgotten")))


def _show(run: Invocation, who: dict[str, Any], target: Target) -> None:
    told = {**who, "base_url": target.base_url, "base_url_from": target.base_url_from, "token_from": target.token_from}
    run.screen.told(told, _COLUMNS)


def _known_url(store: ProfileStore, name: str) -> str | None:
    profile = store.read().get(name)
    return None if profile is None else profile.base_url
