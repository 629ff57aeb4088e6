"""`rules`: what a tenant has done with its calls, rule by rule. One in shadow changes nothing and is recorded."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.documents import edit_document, made_once, read_document
from ...arguments import read_json_file
from ...failures import CommandFailed, Exit, usage
from ...invocation import Invocation, command
from ...screen.columns import Column, Record, said, state, value
from ...screen.screen import Listed
from ..written import File, Version, add_versions, edited_by_hand, show_written

rules = typer.Typer(no_args_is_help=True, help="Rules: add, try, enable and shadow them (admin).")

PATH = path_of("rules")

RuleIds = Annotated[list[str], typer.Argument(metavar="RULE_ID...", help="The rules' ids.")]
RuleId = Annotated[str, typer.Argument(metavar="RULE_ID", help="The rule's id.")]


def _state(rule: Record) -> str:
    if not rule.get("enabled", True):
        return "disabled"
    return "shadow" if rule.get("mode") == "shadow" else "active"


def _action(rule: Record) -> str:
    action = dict(rule.get("action") or {})
    kind = said(action.pop("type", None))
    return f"{kind} {said(action)}" if action else kind


COLUMNS = (
    value("id"),
    Column("state", _state, style_of=state("state").style_of),
    Column("priority", lambda rule: str(rule.get("priority", 0)), is_number=True),
    Column("condition", lambda rule: said(rule.get("condition"))),
    Column("action", _action),
    value("expires_at", "expires"),
    value("name"),
)


@command(rules, "list")
def list_rules(run: Invocation, version: Version = None) -> None:
    """List the rules in the order in which they are asked."""
    read = read_document(run.api, PATH, version)
    listed = sorted(_rules(read.document), key=lambda rule: (-rule.get("priority", 0), rule["id"]))
    run.screen.listed(Listed(listed, None, version=read.version), COLUMNS, empty="there is no rule")


@command(rules, "add")
def add(
    run: Invocation,
    file: Annotated[str, typer.Argument(help="JSON: a rule, a list of them, or {'rules': […]}; - for standard input.")],
    shadow: Annotated[bool, typer.Option("--shadow", help="Add them in shadow, whatever the file says.")] = False,
) -> None:
    """Add rules. One whose id is there already is a conflict (exit code 5); AgentWatch says what is odd about them.

    \b
      agentwatch rules add docs/ready_rules.json --shadow
      echo '{"id": "no-o3", "condition": {"model": "o3"}, "action": {"type": "block"}}' | agentwatch rules add -
    """
    new = [{**rule, "mode": "shadow"} if shadow else rule for rule in _given_rules(read_json_file(file, "rules"))]

    def change(document: dict[str, Any]) -> dict[str, Any]:
        there = {rule["id"] for rule in _rules(document)}
        double = [rule["id"] for rule in new if rule["id"] in there]
        if double:
            raise CommandFailed(
                f"there is a rule {', '.join(double)} already",
                code=Exit.CONFLICT,
                advice="agentwatch rules edit changes one, agentwatch rules remove removes it",
                kind="rule_exists",
            )
        return {**document, "rules": [*_rules(document), *new]}

    show_written(run, edit_document(run.api, PATH, change))


@command(rules, "edit")
def edit(run: Invocation, rule_id: RuleId, file: File = None) -> None:
    """Change one rule, in your editor ($VISUAL, $EDITOR) or by a file that has it as it is to be."""

    def change(document: dict[str, Any]) -> dict[str, Any]:
        old = _rule(document, rule_id)
        new = edited_by_hand(old, rule_id) if file is None else read_json_file(file, "the rule")
        if not isinstance(new, dict) or not isinstance(new.get("id"), str):
            raise usage("a rule must be a JSON object with an id")
        return {**document, "rules": [new if rule is old else rule for rule in _rules(document)]}

    show_written(run, edit_document(run.api, PATH, made_once(change)))


@command(rules, "remove")
def remove(run: Invocation, rule_ids: RuleIds) -> None:
    """Remove rules. `agentwatch rules rollback` brings them back."""

    def change(document: dict[str, Any]) -> dict[str, Any]:
        gone = [_rule(document, rule_id) for rule_id in rule_ids]
        return {**document, "rules": [rule for rule in _rules(document) if rule not in gone]}

    show_written(run, edit_document(run.api, PATH, change))


@command(rules, "enable")
def enable(run: Invocation, rule_ids: RuleIds) -> None:
    """Have rules enforced: also those that were in shadow."""
    _set(run, rule_ids, {"enabled": True, "mode": "enforce"})


@command(rules, "shadow")
def shadow(run: Invocation, rule_ids: RuleIds) -> None:
    """Have rules recorded only: what each would have done is in `shadow_rules` of a call's record."""
    _set(run, rule_ids, {"enabled": True, "mode": "shadow"})


@command(rules, "disable")
def disable(run: Invocation, rule_ids: RuleIds) -> None:
    """Have rules passed over until they are enabled."""
    _set(run, rule_ids, {"enabled": False})


add_versions(rules, PATH, "the rules")


def rules_of_file(path: str) -> list[dict[str, Any]]:
    return _given_rules(read_json_file(path, "rules"))


def _set(run: Invocation, rule_ids: list[str], members: dict[str, Any]) -> None:
    def change(document: dict[str, Any]) -> dict[str, Any]:
        for rule_id in rule_ids:
            _rule(document, rule_id).update(members)
        return document

    show_written(run, edit_document(run.api, PATH, change))


def _given_rules(given: Any) -> list[dict[str, Any]]:
    """The rules of a file, in any of the forms in which people have them."""
    listed = given.get("rules", [given]) if isinstance(given, dict) else given
    if not isinstance(listed, list) or not listed:
        raise usage("the file must have a rule, a list of rules, or {'rules': […]}")
    for rule in listed:
        if not isinstance(rule, dict) or not isinstance(rule.get("id"), str):
            raise usage("a rule must be a JSON object with an id")
    return listed


def _rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(document.get("rules", []))


def _rule(document: dict[str, Any], rule_id: str) -> dict[str, Any]:
    for rule in _rules(document):
        if rule.get("id") == rule_id:
            return rule
    raise CommandFailed(
        f"there is no rule {rule_id}", code=Exit.NOT_FOUND, advice="agentwatch rules list", kind="no_such_rule"
    )
