"""`tenant`: what the operator of a deployment does. He makes tenants and their ceilings; the rest is theirs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..api.client import path_of
from ..api.documents import edit_document, read_document
from ..api.pages import read_pages
from ..arguments import dollars
from ..failures import usage
from ..invocation import Invocation, command
from ..new_secret import Out, secret_place
from ..screen.columns import Column, Record, at, number, state, value
from ..screen.screen import Listed
from .keys import Limit, Yes
from .written import show_written

tenants = typer.Typer(no_args_is_help=True, help="Tenants: create, limit, suspend (operator).")

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Its id.")]
Name = Annotated[str | None, typer.Option("--name", help="For people.")]
SessionMax = Annotated[
    str | None, typer.Option("--session-budget-max", metavar="USD", help="No session may have more; or none.")
]
BudgetMax = Annotated[
    str | None, typer.Option("--budget-max", metavar="USD", help="Its own budget cannot be above; or none.")
]
RequireSession = Annotated[
    bool | None, typer.Option("--require-session/--no-require-session", help="Refuse calls without a session.")
]
SharedAccounts = Annotated[
    bool | None,
    typer.Option(
        "--shared-accounts/--no-shared-accounts",
        help="Let it reach, by its configuration, what is stored under the Worker's accounts at providers.",
    ),
]


def _state(record: Record) -> str:
    return "suspended" if record.get("suspended") else "active"


_LISTED = (value("tenant"), at("created_at", "created"))
_COLUMNS = (
    value("tenant"),
    value("name"),
    Column("state", _state, style_of=state("state").style_of),
    number("session_budget_max_usd", "session at most"),
    number("budget_max_usd", "budget at most"),
    value("require_session", "sessions required"),
    value("reaches_shared_accounts", "shared accounts"),
)
_KEY = (
    value("tenant"),
    value("key_id"),
    value("name"),
    value("role"),
    at("created_at", "created"),
    value("token_file"),
)


@command(tenants, "list")
def list_tenants(run: Invocation, limit: Limit = None) -> None:
    """List the tenants of this AgentWatch."""
    entries, after, _ = read_pages(run.api, path_of("tenants"), limit=limit)
    run.screen.listed(Listed(entries, after), _LISTED, empty="there is no tenant")


@command(tenants, "show")
def show(run: Invocation, tenant: Tenant) -> None:
    """Show a tenant and its ceilings."""
    read = read_document(run.api, path_of("tenants", tenant))
    run.screen.told({"tenant": tenant, **read.document, "version": read.version}, (*_COLUMNS, number("version")))


@command(tenants, "create")
def create(
    run: Invocation,
    tenant: Tenant,
    name: Name = None,
    session_budget_max: SessionMax = None,
    budget_max: BudgetMax = None,
    require_session: RequireSession = None,
    shared_accounts: SharedAccounts = None,
    out: Out = None,
) -> None:
    """Create a tenant with a first admin key, whose token is told once: on standard output, or in a file (--out).

    \b
      agentwatch tenant create acme --budget-max 5000 --out acme-admin.token
    """
    body = {"tenant": tenant, **_given(name, session_budget_max, budget_max, require_session, shared_accounts)}
    with secret_place(run, out) as place:
        made = run.api.post(path_of("tenants"), body).document
        _deliver_admin_key(run, place, tenant, made["admin_key"], f"tenant {tenant} is made, with an admin key")


@command(tenants, "set")
def set_tenant(
    run: Invocation,
    tenant: Tenant,
    name: Name = None,
    session_budget_max: SessionMax = None,
    budget_max: BudgetMax = None,
    require_session: RequireSession = None,
    shared_accounts: SharedAccounts = None,
) -> None:
    """Change a tenant's ceilings; what is not named stays."""
    given = _given(name, session_budget_max, budget_max, require_session, shared_accounts)
    if not given:
        raise usage("nothing to change", "agentwatch tenant set --help lists what can be")
    show_written(run, edit_document(run.api, path_of("tenants", tenant), lambda document: {**document, **given}))


@command(tenants, "suspend")
def suspend(run: Invocation, tenant: Tenant, yes: Yes = False) -> None:
    """Refuse all of a tenant's calls until it is resumed."""
    run.confirm(f"Suspend {tenant}", yes=yes)
    show_written(
        run, edit_document(run.api, path_of("tenants", tenant), lambda document: {**document, "suspended": True})
    )


@command(tenants, "resume")
def resume(run: Invocation, tenant: Tenant) -> None:
    """Let a suspended tenant's calls through again."""
    show_written(
        run, edit_document(run.api, path_of("tenants", tenant), lambda document: {**document, "suspended": False})
    )


@command(tenants, "admin-key")
def admin_key(run: Invocation, tenant: Tenant, out: Out = None) -> None:
    """Make another admin key of a tenant that has lost its own. Its token is told once."""
    with secret_place(run, out) as place:
        key = run.api.post(path_of("tenants", tenant, "admin-key")).document
        _deliver_admin_key(run, place, tenant, key, f"tenant {tenant} has another admin key")


def _deliver_admin_key(run: Invocation, place: Any, tenant: str, key: dict[str, Any], told: str) -> None:
    place.deliver(
        {"tenant": tenant, **key},
        "token",
        told=told,
        if_lost=f"agentwatch tenant admin-key {tenant} makes another one",
        show=lambda record: run.screen.told(record, _KEY),
    )


def _given(
    name: str | None,
    session_budget_max: str | None,
    budget_max: str | None,
    require_session: bool | None,
    shared_accounts: bool | None,
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if name is not None:
        given["name"] = name
    if session_budget_max is not None:
        given["session_budget_max_usd"] = dollars(session_budget_max, "--session-budget-max")
    if budget_max is not None:
        given["budget_max_usd"] = dollars(budget_max, "--budget-max")
    if require_session is not None:
        given["require_session"] = require_session
    if shared_accounts is not None:
        given["reaches_shared_accounts"] = shared_accounts
    return given
