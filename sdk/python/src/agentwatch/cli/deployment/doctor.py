"""`agentwatch doctor`: is a deployment well, from its address to a priced call, and what to do where it is not."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ..failures import CommandFailed, Exit
from ..invocation import Invocation
from .checks.examination import Means, examine
from .checks.findings import Finding
from .deployed import Deployed

CALL_KEY_NAME = "AGENTWATCH_CALL_KEY"

WORDS = {"well": "ok", "wrong": "WRONG", "unknown": "?", "note": "note"}
STYLES = {"ok": "green", "WRONG": "bold red", "?": "yellow", "note": "cyan"}


def doctor(
    run: Invocation,
    make_key: Annotated[
        bool, typer.Option("--make-key", help="Make a key for five minutes to try calls with, and revoke it.")
    ] = False,
) -> None:
    """Look whether a deployment is well, and say what to do where it is not.

    Costs nothing: calls are tried with a budget that refuses them. A key that makes calls is taken from
    AGENTWATCH_CALL_KEY where the profile's own makes none. Exits 7 if something is wrong.
    """
    target = run.api.target
    call_token = os.environ.get(CALL_KEY_NAME, "").strip()
    run.screen.hide(call_token)
    found = []
    for finding in examine(Deployed(target.base_url, target.token), Means(call_token, make_key)):
        found.append(finding)
        if not run.screen.is_json:
            _show(run, finding)
    wrong = [finding.check for finding in found if finding.verdict == "wrong"]
    if run.screen.is_json:
        run.screen.document({"is_well": not wrong, "checks": [finding.document() for finding in found]})
    if wrong:
        raise CommandFailed(f"wrong: {', '.join(wrong)}", code=Exit.CHECK_SAYS_NO, kind="not_well")


def _show(run: Invocation, finding: Finding) -> None:
    """Now, because some checks take their time."""
    advice = f"do: {finding.advice}" if finding.advice else "-"
    run.screen.now((WORDS[finding.verdict], finding.check, finding.what, advice), STYLES)
