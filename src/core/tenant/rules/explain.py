"""Why a rule fires or does not, told member by member: what was wanted, what is so, and what follows.

It asks the same checks and the same ruling that calls are judged by, so that it cannot tell another story.
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from core.ledger.loops.ruling import Action, Ruling, Verdict, WaitOf, rule_on
from core.ledger.loops.turns import SessionFacts
from core.money.amount import format_usd
from core.tenant.rules.checks import SESSION_FIELDS, Check
from core.tenant.rules.compiled import CompiledRule, CompiledRules
from core.tenant.rules.document import Condition
from core.tenant.rules.facts import CallView, RequestFacts
from core.tenant.rules.request_half import FAULTS, has_expired, judge_request
from core.tenant.rules.time_zones import UTC

Truth: TypeAlias = Literal["true", "false", "unknown"]


Skipped: TypeAlias = Literal["disabled", "expired", "not_reached", "within_rate"]
"""Why a rule does not fire whose condition may hold: it is not asked at all, a rule before it ends the rules, or nobody
exceeds its rate."""


class MemberExplained(msgspec.Struct, frozen=True):
    """A member of a condition. `hours` stands for `hour_min`, `hour_max` and `time_zone` together."""

    member: str
    wanted: Any
    fact: Any
    holds: Truth


class RuleExplained(msgspec.Struct, frozen=True):
    """A rule. It fires if all of its members hold and no rule before it has ended the rules; one in shadow, if it would
    do so in force."""

    id: str
    name: str
    action: Action
    mode: Literal["enforce", "shadow"]
    fires: bool
    skipped: Skipped | None
    holds: Truth
    """Its whole condition."""
    members: list[MemberExplained]


class BrokenRule(msgspec.Struct, frozen=True):
    """A rule that cannot be used."""

    id: str
    reason: str


class Explanation(msgspec.Struct, frozen=True):
    """What the rules make of a call, and why."""

    ruling: Ruling
    redacted_by: list[str]
    rules: list[RuleExplained]
    """In the order in which they are asked, those that are switched off last."""
    broken: list[BrokenRule]


def explain(
    rules: CompiledRules, facts: RequestFacts, session: SessionFacts, *, wait_of: WaitOf = lambda _: 0
) -> Explanation:
    """By default nobody exceeds a throttle."""
    verdict = judge_request(rules, facts)
    ruled = rule_on(verdict.candidates, session, wait_of)
    ruling = Ruling(done=ruled.done, would_do=ruled.would_do, unknown=(*verdict.unknown, *ruled.unknown))
    view = CallView(facts)
    told = [_explained(rule, view, session, ruling, rules) for rule in (*rules.in_order, *rules.switched_off)]
    broken = [BrokenRule(each.id, each.reason) for each in (*rules.broken, *verdict.failed)]
    return Explanation(ruling, list(verdict.redacts), told, broken)


def _explained(
    rule: CompiledRule, view: CallView, session: SessionFacts, ruling: Ruling, rules: CompiledRules
) -> RuleExplained:
    members = list(_members(rule, view, session))
    verdict = (ruling.would_do or ruling.done) if rule.is_shadow else ruling.done
    holds, fires = _all(members), rule.id in verdict.fired
    return RuleExplained(
        id=rule.id,
        name=rule.name,
        action=rule.type,
        mode=rule.document.mode,
        fires=fires,
        skipped=None if fires else _skipped(rule, rules, view.facts.at_ms, verdict, holds),
        holds=holds,
        members=members,
    )


def _skipped(rule: CompiledRule, rules: CompiledRules, at_ms: int, verdict: Verdict, holds: Truth) -> Skipped | None:
    if not rule.document.enabled:
        return "disabled"
    if has_expired(rule, at_ms):
        return "expired"
    if verdict.rule is not None and rules.in_order.index(rule) > rules.in_order.index(rules.find(verdict.rule)):
        return "not_reached"
    return "within_rate" if rule.type == "throttle" and holds == "true" else None


def _all(members: list[MemberExplained]) -> Truth:
    found = {each.holds for each in members}
    return "false" if "false" in found else "unknown" if "unknown" in found else "true"


def _members(rule: CompiledRule, view: CallView, session: SessionFacts) -> Iterator[MemberExplained]:
    condition = rule.document.condition
    if condition.always is not UNSET:
        yield MemberExplained("always", True, True, "true")
    for check in rule.checks:
        yield _of_request(check, condition, view)
    for member, field in SESSION_FIELDS.items():
        if getattr(condition, member) is not UNSET:
            need = next(need for need in rule.needs if need.field == field)
            fact = getattr(session, field)
            holds = None if fact is None else fact >= need.least
            is_money = member.endswith("_usd_min") and fact is not None
            told = format_usd(fact) if is_money else fact
            yield MemberExplained(member, getattr(condition, member), told, _truth(holds))


def _of_request(check: Check, condition: Condition, view: CallView) -> MemberExplained:
    wanted = _hours_wanted(condition) if check.field == "hours" else getattr(condition, check.field)
    try:
        return MemberExplained(check.field, wanted, check.fact(view), _truth(check.test(view)))
    except FAULTS:
        return MemberExplained(check.field, wanted, None, "unknown")


def _hours_wanted(condition: Condition) -> str:
    first = 0 if condition.hour_min is UNSET else condition.hour_min
    end = 24 if condition.hour_max is UNSET else condition.hour_max
    zone = UTC if condition.time_zone is UNSET else condition.time_zone
    return f"{first:02}:00-{end:02}:00 {zone}"


def _truth(holds: bool | None) -> Truth:
    return "unknown" if holds is None else "true" if holds else "false"
