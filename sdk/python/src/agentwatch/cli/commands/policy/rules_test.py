"""`rules test`: which rules would fire for a call, and why. AgentWatch decides it by what calls are judged by."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...arguments import dollars, read_json_file
from ...failures import CommandFailed, Exit, usage
from ...invocation import Invocation, command
from ...screen.columns import Column, Record, said, style_of_state, value
from .rules import rules, rules_of_file

NO_RULE = "none"


def _outcome(rule: Record) -> str:
    return "fires" if rule.get("fires") else said(rule.get("skipped") or "no")


def _members(rule: Record) -> str:
    return "; ".join(
        f"{each.get('member')}: {said(each.get('fact'))} against {said(each.get('wanted'))} is {each.get('holds')}"
        for each in rule.get("members", [])
    )


_COLUMNS = (
    value("id"),
    Column("outcome", _outcome, style_of=lambda text: "bold" if text == "fires" else ""),
    value("action"),
    value("mode"),
    Column("condition", lambda rule: said(rule.get("holds")), style_of=style_of_state),
    Column("because", _members),
)


@command(rules, "test")
def test(
    run: Invocation,
    provider: Annotated[str | None, typer.Option("--provider", help="openai, anthropic, gemini, groq or xai.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="As the caller would name it.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Of the caller's token.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY_ID", help="The caller's key.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="As the caller says.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="As the caller says.")] = None,
    prompt_tokens: Annotated[int | None, typer.Option("--prompt-tokens", min=1)] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1)] = None,
    cost: Annotated[str | None, typer.Option("--cost", metavar="USD", help="What the call may cost at most.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="MOMENT", help="2026-12-31T23:00:00Z; now unless said.")
    ] = None,
    session: Annotated[str | None, typer.Option("--session", help="In this live session.")] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="The body of POST /v1/rules/test; options count before it."),
    ] = None,
    rules_file: Annotated[
        str | None, typer.Option("--rules", metavar="FILE", help="By the rules of this file, not by those in force.")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="RULE_ID|none", help="Exit code 7 unless this rule fires, or none does."),
    ] = None,
) -> None:
    """Say which rules would fire for a call, and why, member by member. Nothing is changed or sent.

    \b
      agentwatch rules test --provider openai --model o3 --team research --expect no-o3
    """
    body: dict[str, Any] = {} if file is None else read_json_file(file, "the test")
    if not isinstance(body, dict) or not isinstance(body.get("call", {}), dict):
        raise usage("the test must be a JSON object with a call")
    said_of_call = {
        "provider": provider,
        "model": model,
        "team": team,
        "key_id": key,
        "project": project,
        "agent": agent,
        "prompt_tokens": prompt_tokens,
        "max_tokens": max_tokens,
        "estimated_cost_usd": None if cost is None else dollars(cost, "--cost"),
        "at": at,
    }
    body["call"] = {**body.get("call", {}), **{name: fact for name, fact in said_of_call.items() if fact is not None}}
    if "provider" not in body["call"] or "model" not in body["call"]:
        raise usage("name the call's --provider and --model")
    if session is not None:
        body["session_id"] = session
    if rules_file is not None:
        body["rules"] = rules_of_file(rules_file)
    explained = run.api.post(path_of("rules", "test"), body).document
    _show(run, explained)
    _check(explained, expect or [])


def _show(run: Invocation, explained: dict[str, Any]) -> None:
    if run.screen.is_json:
        run.screen.document(explained)
        return
    run.screen.rows(explained["rules"], _COLUMNS, empty="there is no rule")
    for broken in explained.get("broken", []):
        run.screen.say(f"warning: rule {broken.get('id')} cannot be used: {broken.get('reason')}")
    done = explained["ruling"].get("done", {})
    by = f" by {done['rule']}" if done.get("rule") else ""
    run.screen.say(f"the call: {done.get('action') or 'goes on'}{by}")


def _check(explained: dict[str, Any], expected: list[str]) -> None:
    fired = [rule["id"] for rule in explained["rules"] if rule.get("fires")]
    missing = [each for each in expected if (fired if each == NO_RULE else each not in fired)]
    if missing:
        raise CommandFailed(
            f"expected {', '.join(missing)}; {', '.join(fired) or 'no rule'} fires",
            code=Exit.CHECK_SAYS_NO,
            kind="unexpected_rules",
        )
