"""`agentwatch init`: from a checkout to a deployment, or to a tenant on the local stack. It shows what it would run and
asks; whatever is there already stays, so it is run again after anything went wrong.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..failures import CommandFailed, usage
from ..invocation import Invocation
from ..profiles.store import DEFAULT_PROFILE, ProfileStore
from ..screen.columns import value
from ..screen.screen import read_secret
from .setup import local, plan_shown, remote, wrangler
from .setup.checkout import Checkout
from .setup.database import DSN_NAME, Database, psql_environment
from .setup.first_tenant import Names, Profiles
from .setup.secret_file import SecretFile
from .setup.secrets import KEY_ENCRYPTION_KEY, OPERATOR_TOKEN, Known
from .setup.steps import Step, carry_out, plan

ACCOUNT_NAME = "CLOUDFLARE_ACCOUNT_ID"
OPERATOR_NAME = "AGENTWATCH_OPERATOR_TOKEN"
LOCAL_PROFILE = "local"
QUESTION = "Do what is to do?"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)

RESULT = (value("tenant"), value("url"), value("profile"), value("operator_profile"))


def init(
    run: Invocation,
    is_local: Annotated[
        bool, typer.Option("--local", help="A tenant on the local stack, which `make up` starts; profile `local`.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be run.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Annotated[str, typer.Option(metavar="NAME", help="The first tenant.")] = "main",
    project: Annotated[Path, typer.Option(metavar="FOLDER", help="The checkout of AgentWatch.")] = Path("."),
    account_id: Annotated[
        str, typer.Option(envvar=ACCOUNT_NAME, metavar="ID", help="Cloudflare's account, where you have several.")
    ] = "",
    database_url_stdin: Annotated[
        bool,
        typer.Option("--database-url-stdin", help=f"Read the database's address from stdin, else from {DSN_NAME}."),
    ] = False,
) -> None:
    """Bring AgentWatch to Cloudflare and Supabase, or a tenant to the local stack.

    Shows what it would run and asks first. What is there already stays: after a failure, run it again. Secrets come
    from the environment or are asked for, and go to wrangler's standard input only.
    """
    names = Names(tenant, run.options.profile or (LOCAL_PROFILE if is_local else DEFAULT_PROFILE))
    if not (_NAME.fullmatch(tenant) and _NAME.fullmatch(names.profile)):
        raise usage("a tenant or profile here has letters, digits and . _ - , at most 64")
    profiles, folder = Profiles(ProfileStore(os.environ)), project.resolve()
    run.screen.say("looking at what is there …")
    if is_local:
        steps = local.steps_of(folder, names, profiles)
    else:
        steps = remote.steps_of(_ground(run, folder, names, profiles, account_id, database_url_stdin))
    planned = plan(steps)
    if dry_run:
        plan_shown.result(run.screen, planned)
        return
    if not all(each.standing.is_done for each in planned):
        plan_shown.beforehand(run.screen, planned)
        if not yes:
            run.screen.check_asking(QUESTION)
            run.screen.ask(QUESTION)
    _carry_out(run, steps, names, profiles, is_local=is_local)


def _ground(
    run: Invocation, folder: Path, names: Names, profiles: Profiles, account_id: str, database_url_stdin: bool
) -> remote.Ground:
    checkout = Checkout(folder)
    checkout.check()
    dsn = read_secret("address of a database") if database_url_stdin else os.environ.get(DSN_NAME, "")
    if not account_id:
        account_id = _only_account(folder)

    def ask(name: str, meaning: str) -> str:
        secret = run.screen.ask_secret(f"{name} ({meaning})", or_else=f"set {name} in the environment")
        run.screen.hide(secret.strip())
        return secret

    sealing_key = sealing_key_of(names)

    def operator_token() -> str:
        place = profiles.find(names.operator)
        return "" if place is None else place.token

    return remote.Ground(
        checkout=checkout,
        wrangler=wrangler.Wrangler(folder, account_id),
        known=Known(
            ask if sys.stdin is not None and sys.stdin.isatty() else None,
            {OPERATOR_TOKEN: operator_token, KEY_ENCRYPTION_KEY: sealing_key.read},
        ),
        profiles=profiles,
        names=names,
        sealing_key=sealing_key,
        database=Database(psql_environment(dsn)) if dsn else None,
        url=(run.options.url or "").rstrip("/"),
        operator_token=os.environ.get(OPERATOR_NAME, "").strip(),
    )


def sealing_key_of(names: Names) -> SecretFile:
    """Beside the profiles."""
    return SecretFile(ProfileStore(os.environ).path.with_name(f"{names.profile}.key_encryption_key"))


def _only_account(folder: Path) -> str:
    found = wrangler.accounts(folder)
    if len(found) != 1:
        listed = "".join(f"\n  {each.id}  {each.name}" for each in found)
        raise usage(f"wrangler is logged in to {len(found)} accounts{listed}", f"give --account-id, or {ACCOUNT_NAME}")
    return found[0].id


def _carry_out(run: Invocation, steps: tuple[Step, ...], names: Names, profiles: Profiles, *, is_local: bool) -> None:
    carry_out(steps, lambda step, what: plan_shown.progress(run.screen, step, what))
    place = profiles.find(names.profile)
    if place is None:
        raise CommandFailed(f"profile {names.profile} is gone")
    run.screen.told(
        {"tenant": names.tenant, "url": place.url, "profile": names.profile, "operator_profile": names.operator}, RESULT
    )
    flag = "" if names.profile == DEFAULT_PROFILE else f" --profile {names.profile}"
    run.screen.say(f"next: agentwatch key create first --role developer{flag}; agentwatch doctor{flag}")
    if not is_local:
        run.screen.say(f"keep a copy of {sealing_key_of(names).path} in a vault: what it seals is lost without it")
        run.screen.say(
            "with single sign-on, set `workers_dev = false` and `preview_urls = false` in wrangler.toml and give the "
            "Worker a custom domain (docs/sign_on.md)"
        )
