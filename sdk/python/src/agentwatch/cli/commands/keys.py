"""`key`: the tokens of a tenant, as records. The tokens themselves are told once, when they are made."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import typer

from ..api.client import path_of
from ..api.pages import read_pages
from ..arguments import NONE, dollars, moment_ahead_ms, span_seconds, whole_number
from ..failures import usage
from ..invocation import Invocation, command
from ..new_secret import Out, secret_place
from ..screen.columns import Column, Record, at, number, said, state, value
from ..screen.screen import Listed

keys = typer.Typer(no_args_is_help=True, help="Keys: create, limit, rotate, revoke (admin).")

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="Such as key_0123456789abcdef.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; all unless said.")]
Team = Annotated[str | None, typer.Option("--team", help="Whose budget its calls are charged to; none: nobody's.")]
Role = Annotated[str | None, typer.Option("--role", help="admin, developer, ingest or member.")]
Expires = Annotated[str | None, typer.Option("--expires", metavar="WHEN", help="90d, 2027-01-31, or none.")]
PerMinute = Annotated[str | None, typer.Option("--requests-per-minute", metavar="N", help="Or none.")]
TokensPerMinute = Annotated[str | None, typer.Option("--tokens-per-minute", metavar="N", help="Or none.")]
Budget = Annotated[str | None, typer.Option("--budget", metavar="USD", help="Dollars a calendar month, or none.")]
Calls = Annotated[bool | None, typer.Option("--calls/--no-calls", help="May it make calls, or only administer?")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin", metavar="URL", help="A web page it is for, such as https://app.example.com; more by more. Or none."
    ),
]

WRITABLE = (
    "name",
    "team",
    "role",
    "expires_at",
    "requests_per_minute",
    "tokens_per_minute",
    "budget_usd",
    "disabled",
    "calls",
    "origins",
)
"""The members of a key that are written, all of them at once."""


def _shown_token(key: Record) -> str:
    return f"{key['prefix']}…{key['last_four']}" if key.get("prefix") else said(key.get("last_four"))


_COLUMNS = (
    value("key_id"),
    value("name"),
    Column("token", _shown_token),
    value("team"),
    value("role"),
    state("state"),
    at("expires_at", "expires"),
    at("last_used_at", "last used"),
    number("spent_usd", "spent"),
    number("budget_usd", "budget"),
)
_DETAILS = (
    *_COLUMNS,
    value("calls", "makes calls"),
    value("origins", "for pages of"),
    number("requests_per_minute", "requests a minute"),
    number("tokens_per_minute", "tokens a minute"),
    number("held_usd", "held"),
    at("resets_at", "budget resets"),
    at("created_at", "created"),
    value("created_by", "created by"),
    at("rotated_until", "token before works until"),
    number("version"),
)


@command(keys, "list")
def list_keys(run: Invocation, limit: Limit = None) -> None:
    """List the tenant's keys, without their tokens."""
    entries, after, _ = read_pages(run.api, path_of("keys"), limit=limit)
    run.screen.listed(Listed(entries, after), _COLUMNS, empty="there is no key")


@command(keys, "show")
def show(run: Invocation, key_id: KeyId) -> None:
    """Show a key: its limits, what it spent, when it was used."""
    run.screen.told(run.api.get(path_of("keys", key_id)).document, _DETAILS)


@command(keys, "create")
def create(
    run: Invocation,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    team: Team = None,
    role: Role = None,
    expires: Expires = None,
    requests_per_minute: PerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    budget: Budget = None,
    calls: Calls = None,
    origins: Origins = None,
    out: Out = None,
) -> None:
    """Create a key. Its token is told once: on standard output, or in a file (--out).

    \b
      agentwatch key create search --team research --role developer --budget 50 --expires 90d
      agentwatch key create page --origin https://app.example.com --budget 20 --requests-per-minute 60
      export AGENTWATCH_API_KEY=$(agentwatch key create ci)
    """
    body = {"name": name, **_given(team, role, expires, requests_per_minute, tokens_per_minute, budget, calls, origins)}
    with secret_place(run, out) as place:
        key = run.api.post(path_of("keys"), body, idempotency_key=str(uuid.uuid4())).document
        key_id = key["key_id"]
        place.deliver(
            key,
            "token",
            told=f"{key_id} is made, and its token",
            if_lost=f"agentwatch key rotate {key_id} makes another token",
            show=lambda record: run.screen.told(record, _DETAILS),
        )


@command(keys, "set")
def set_key(
    run: Invocation,
    key_id: KeyId,
    name: Annotated[str | None, typer.Option("--name", help="What it is for.")] = None,
    team: Team = None,
    role: Role = None,
    expires: Expires = None,
    requests_per_minute: PerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    budget: Budget = None,
    calls: Calls = None,
    origins: Origins = None,
) -> None:
    """Change a key; what is not named stays. `none` lifts a limit, an expiry or a team.

    \b
      agentwatch key set key_0123456789abcdef --budget 100 --expires none
    """
    changes = _given(team, role, expires, requests_per_minute, tokens_per_minute, budget, calls, origins)
    if name is not None:
        changes["name"] = name
    if not changes:
        raise usage("nothing to change", "agentwatch key set --help lists what can be")
    run.screen.told(_change(run, key_id, changes), _DETAILS)


@command(keys, "disable")
def disable(run: Invocation, key_id: KeyId) -> None:
    """Have a key refused until it is enabled again."""
    run.screen.told(_change(run, key_id, {"disabled": True}), _DETAILS)


@command(keys, "enable")
def enable(run: Invocation, key_id: KeyId) -> None:
    """Let a disabled key in again."""
    run.screen.told(_change(run, key_id, {"disabled": False}), _DETAILS)


@command(keys, "rotate")
def rotate(
    run: Invocation,
    key_id: KeyId,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="SPAN", help="For how long the token before goes on working: 1h, 7d.")
    ] = "0",
    out: Out = None,
) -> None:
    """Give a key a new token, told once. The one before ends at once, or after --overlap (at most 30d)."""
    body = {"overlap_s": span_seconds(overlap, "--overlap")}
    with secret_place(run, out) as place:
        key = run.api.post(path_of("keys", key_id, "rotate"), body).document
        place.deliver(
            key,
            "token",
            told=f"{key_id} has a new token",
            if_lost=f"agentwatch key rotate {key_id} makes another one",
            show=lambda record: run.screen.told(record, _DETAILS),
        )


@command(keys, "revoke")
def revoke(run: Invocation, key_id: KeyId, yes: Yes = False) -> None:
    """End a key for good. Metered calls are refused from the next one on; what costs nothing within a minute."""
    run.confirm(f"Revoke {key_id} for good", yes=yes)
    run.screen.told(run.api.delete(path_of("keys", key_id)).document, _DETAILS)


def _change(run: Invocation, key_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A key is written as a whole: what is not changed is said as it is."""
    key = run.api.get(path_of("keys", key_id)).document
    body = {name: key[name] for name in WRITABLE if name in key}
    body |= {"disabled": key.get("disabled", key["state"] == "disabled")}
    if key["state"] == "revoked":
        raise usage(f"{key_id} is revoked for good", "agentwatch key create makes another one")
    changed = run.api.put(path_of("keys", key_id), {**body, **changes}, if_match=f'"{key["version"]}"')
    return dict(changed.document)


def _given(
    team: str | None,
    role: str | None,
    expires: str | None,
    requests_per_minute: str | None,
    tokens_per_minute: str | None,
    budget: str | None,
    calls: bool | None,
    origins: list[str] | None,
) -> dict[str, Any]:
    """What was said of a key; of the rest AgentWatch knows the default."""
    given: dict[str, Any] = {}
    if team is not None:
        given["team"] = None if team == "none" else team
    if role is not None:
        given["role"] = role
    if expires is not None:
        given["expires_at"] = moment_ahead_ms(expires, "--expires")
    if requests_per_minute is not None:
        given["requests_per_minute"] = whole_number(requests_per_minute, "--requests-per-minute")
    if tokens_per_minute is not None:
        given["tokens_per_minute"] = whole_number(tokens_per_minute, "--tokens-per-minute")
    if budget is not None:
        given["budget_usd"] = dollars(budget, "--budget")
    if calls is not None:
        given["calls"] = calls
    if origins:
        given["origins"] = None if origins == [NONE] else origins
    return given
