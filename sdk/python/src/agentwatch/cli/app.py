"""All commands in one tree. A new one is a function in the file of its noun, and a row here where the noun is new."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from .commands import account
from .commands.budgets import budgets
from .commands.keys import keys
from .commands.policy import prices_check, rules_test  # noqa: F401  # each adds a command to its group
from .commands.policy.config import config
from .commands.policy.failover import failover
from .commands.policy.prices import prices
from .commands.policy.rules import rules
from .commands.provider_keys import provider_keys
from .commands.records.dead_letters import dead_letters
from .commands.records.events import events
from .commands.records.tail import tail
from .commands.records.usage import usage
from .commands.sessions import sessions
from .commands.tenants import tenants
from .commands.webhooks import webhooks
from .deployment import app as deployment
from .failures import EXIT_CODES
from .invocation import AsJson, NoColor, Options, Profile, Url, command

app = typer.Typer(
    no_args_is_help=True,
    # Plain help: no escape bytes in any terminal or pipe, and no markup in what others have written.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)

GROUPS = {
    "tenant": tenants,
    "key": keys,
    "budget": budgets,
    "session": sessions,
    "config": config,
    "rules": rules,
    "failover": failover,
    "prices": prices,
    "provider-key": provider_keys,
    "webhook": webhooks,
    "dlq": dead_letters,
}


def _say_version(is_asked: bool) -> None:
    if is_asked:
        print(f"agentwatch {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    as_json: AsJson = False,
    profile: Profile = None,
    url: Url = None,
    no_color: NoColor = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version, and end.")
    ] = False,
) -> None:
    """AgentWatch from the terminal: keys, budgets, rules, prices, usage.

    Which AgentWatch, and as whom: an option, else AGENTWATCH_BASE_URL and AGENTWATCH_API_KEY, else a profile that
    `agentwatch login` has stored. Standard output has the result alone: a table, lines with tabs where it is no
    terminal, or one JSON document (--json). The options below may stand behind a command's name, too.
    """
    context.obj = Options(as_json=as_json, profile=profile, url=url, no_color=no_color)


account.register(app)
for name, group in GROUPS.items():
    app.add_typer(group, name=name, epilog="Exit codes: agentwatch --help")
command(app, "usage")(usage)
command(app, "events")(events)
command(app, "tail")(tail)
deployment.register(app)
