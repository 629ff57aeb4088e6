"""`config`: the tenant's configuration, member by member or as a whole."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from ...api.client import path_of
from ...api.documents import edit_document, made_once, read_document
from ...arguments import NONE
from ...failures import CommandFailed, Exit, usage
from ...invocation import Invocation, command
from ...screen.columns import said, value
from ...screen.screen import read_secret
from ..written import File, Version, add_versions, show_written, whole_document

config = typer.Typer(no_args_is_help=True, help="The tenant's configuration (admin).")

PATH = path_of("config")
_MEMBERS = (value("name"), value("value"))
_SECRET_ENDING = "webhook_url"
STANDARD_INPUT = "-"


@command(config, "show")
def show(run: Invocation, version: Version = None) -> None:
    """Show what was configured; for the rest the defaults hold. Webhooks' addresses are secrets and shown in part:
    whole with --json, and by `config get`."""
    read = read_document(run.api, PATH, version)
    if run.screen.is_json:
        run.screen.document(read.document)
        return
    rows = [{"name": name, "value": _in_part(name, value)} for name, value in read.document.items()]
    run.screen.rows(rows, _MEMBERS, empty="nothing is configured: the defaults hold")
    run.screen.say(f"version {read.version}")


@command(config, "get")
def get(run: Invocation, name: Annotated[str, typer.Argument(help="The member.")]) -> None:
    """Print one member. Exit code 4 if it is not configured."""
    document = read_document(run.api, PATH).document
    if name not in document:
        raise CommandFailed(f"{name} is not configured: its default holds", code=Exit.NOT_FOUND, kind="not_configured")
    if run.screen.is_json:
        run.screen.document(document[name])
    else:
        run.screen.text(said(document[name]))


@command(config, "set")
def set_member(
    run: Invocation,
    name: Annotated[str, typer.Argument(help="The member.")],
    value: Annotated[str, typer.Argument(help="A number, true, false, none, JSON, or text; - for standard input.")],
    as_text: Annotated[bool, typer.Option("--text", help="Take the value as it is, as text.")] = False,
) -> None:
    """Set one member. Dollars (`…_usd`) are text in any case. A webhook's address is a secret: give it as -, by
    standard input, where no list of processes and no history of a shell has it.

    \b
      agentwatch config set session_budget_usd 5.00
      agentwatch config set requests_per_minute 600
      agentwatch config set cors_origins '["https://app.example.com"]'
      agentwatch config set slack_webhook_url - < slack.url
    """
    if value == STANDARD_INPUT and not as_text:
        value = read_secret("value")
        run.screen.hide(value)
    given = value if as_text else _typed(name, value)
    show_written(run, edit_document(run.api, PATH, lambda document: {**document, name: given}))


@command(config, "unset")
def unset_member(run: Invocation, name: Annotated[str, typer.Argument(help="The member.")]) -> None:
    """Remove one member: its default holds again."""
    show_written(
        run,
        edit_document(run.api, PATH, lambda document: {each: document[each] for each in document if each != name}),
    )


@command(config, "edit")
def edit(
    run: Invocation,
    file: File = None,
) -> None:
    """Change the configuration as a whole, in your editor ($VISUAL, $EDITOR) or from a file."""
    show_written(
        run, edit_document(run.api, PATH, made_once(lambda document: whole_document(document, file, "config")))
    )


add_versions(config, PATH, "the configuration")


def _typed(name: str, text: str) -> Any:
    """What was typed, as the JSON value that is meant: a decimal is dollars, which are text on the wire."""
    if text == NONE or text == "null":
        return None
    if name.endswith("_usd"):
        return text.removeprefix("$")
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        return int(text)
    if text[:1] in ("[", "{", '"'):
        try:
            return json.loads(text)
        except ValueError:
            raise usage("the value begins like JSON, and is none", "--text takes it as it is") from None
    return text


def _in_part(name: str, value: Any) -> Any:
    """The address of a webhook is a secret: its host and its end tell which one it is."""
    if not name.endswith(_SECRET_ENDING) or not isinstance(value, str):
        return value
    return f"https://{urlsplit(value).hostname}/…{value[-4:]}"
