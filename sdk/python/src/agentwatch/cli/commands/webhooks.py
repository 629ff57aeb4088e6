"""`webhook`: where alerts go. Their addresses are members of the configuration, and secrets: shown by host and end."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.client import path_of
from ..arguments import span_seconds
from ..failures import CommandFailed, Exit
from ..invocation import Invocation, command
from ..new_secret import Out, secret_place
from ..screen.columns import Column, Record, at, moment, number, said, state, value
from ..screen.screen import Listed

webhooks = typer.Typer(no_args_is_help=True, help="Receivers of alerts: show and try them (admin).")


def _signing(record: Record) -> str:
    signing = record.get("signing")
    if not isinstance(signing, dict):
        return said(None)
    until = f", the one before until {moment(signing['rotated_until'])}" if signing.get("rotated_until") else ""
    return f"…{signing.get('last_four')}{until}"


_COLUMNS = (
    value("id"),
    value("url_host", "host"),
    value("url_last_four", "ends in"),
    state("state"),
    value("fault"),
    Column("signed with", _signing),
)
_TRIED = (value("id"), state("result"), number("status"), number("milliseconds", "ms"))


@command(webhooks, "show")
def show(run: Invocation) -> None:
    """Show where alerts go. `agentwatch config set webhook_url -` sets it, from stdin."""
    document = run.api.get(path_of("webhooks")).document
    run.screen.listed(Listed(document["data"], document.get("next")), _COLUMNS, empty="alerts go nowhere")


@command(webhooks, "test")
def test(run: Invocation) -> None:
    """Send a test to every receiver, by the way that alerts go, and say what it answered. Exit code 1 if one failed."""
    tried = run.api.post(path_of("webhooks", "test")).document["data"]
    run.screen.listed(Listed(tried, None), _TRIED, empty="alerts go nowhere")
    failed = [each for each in tried if not 200 <= (each.get("status") or 0) < 300]
    if failed:
        raise CommandFailed(
            f"{len(failed)} of {len(tried)} receivers did not take it", code=Exit.FAILED, advice="is its address right?"
        )


@command(webhooks, "secret")
def secret(
    run: Invocation,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="SPAN", help="For how long the secret before signs, too: 24h, 7d.")
    ] = "24h",
    out: Out = None,
) -> None:
    """Make a new signing secret, told once: on standard output, or in a file (--out)."""
    with secret_place(run, out) as place:
        made = run.api.post(path_of("webhooks", "secret"), {"overlap_s": span_seconds(overlap, "--overlap")}).document
        place.deliver(
            made,
            "secret",
            told="alerts are signed with a new secret",
            if_lost="agentwatch webhook secret makes another one",
            show=lambda record: run.screen.told(
                record, (at("rotated_until", "secret before signs until"), value("secret_file"))
            ),
        )
