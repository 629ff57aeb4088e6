"""Rules as calls are judged by them: compiled once for each version of the document, in the order they are asked in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET

from core.ledger.loops.ruling import ACCUMULATED, Action, Candidate, Rate, SessionField, SessionNeed
from core.tenant.document import Broken
from core.tenant.rules.checks import SESSION_FIELDS, Check, Test, compile_checks, compile_needs
from core.tenant.rules.document import (
    Alert,
    Block,
    Condition,
    Downgrade,
    InvalidRule,
    Redact,
    RuleAction,
    RuleDocument,
    Tag,
    Throttle,
    moment_ms,
)
from core.tenant.rules.facts import RequestFacts

STEP_FIELDS: frozenset[SessionField] = frozenset({"repeated_step", "step_errors"})


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule."""

    document: RuleDocument
    """As it was written."""
    action: RuleAction
    checks: tuple[Check, ...]
    tests: tuple[Test, ...]
    """Those of the checks."""
    candidate: Candidate
    """As it travels to the ledger; a throttle's has no rate yet."""
    expires_at_ms: int | None
    ends_rules: bool
    """It is in force, and ends the rules wherever its request half is met: no session and no rate is asked."""
    id: str
    type: Action
    is_shadow: bool

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def needs(self) -> tuple[SessionNeed, ...]:
        return self.candidate.needs

    @property
    def message(self) -> str | None:
        """Of a block."""
        return self.action.message if isinstance(self.action, Block) else None

    @property
    def model(self) -> str | None:
        """What a downgrade leads to."""
        return self.action.model if isinstance(self.action, Downgrade) else None

    @property
    def severity(self) -> str | None:
        """Of an alert."""
        return self.candidate.severity if isinstance(self.action, Alert) else None

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.action.tags) if isinstance(self.action, Tag) else ()

    def candidate_of(self, facts: RequestFacts) -> Candidate:
        """The rule as a candidate for one call."""
        if self.type != "throttle":
            return self.candidate
        assert isinstance(self.action, Throttle), "a rule's type is its action's"
        own = self.candidate
        rate = Rate(_counted_as(own, self.action.per, facts), self.action.requests_per_minute)
        return Candidate(own.id, own.name, own.action, own.is_shadow, own.needs, rate)


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """All rules of a tenant that are enabled, in order, and what it takes to judge a call by them."""

    in_order: tuple[CompiledRule, ...] = ()
    broken: tuple[Broken, ...] = ()
    switched_off: tuple[CompiledRule, ...] = ()
    by_id: Mapping[str, CompiledRule] = field(default_factory=dict)
    needs_risk_tags: bool = False
    """A condition asks for them."""
    may_redact: bool = False
    needs_tools: bool = False
    """A condition asks whether a request offers tools."""
    session_fields: frozenset[SessionField] = frozenset()
    """What the rules ask of a session."""

    @property
    def has_session_half(self) -> bool:
        return bool(self.session_fields)

    @property
    def needs_steps(self) -> bool:
        """Somebody has to look at the steps in a request, or at the tools that it offers."""
        return self.needs_tools or not self.session_fields.isdisjoint(STEP_FIELDS)

    def find(self, rule_id: str) -> CompiledRule:
        """Raises `KeyError` for an id of another version."""
        return self.by_id[rule_id]


def in_force(rules: Iterable[CompiledRule], broken: Iterable[Broken]) -> CompiledRules:
    """These rules together."""
    every = sorted(rules, key=lambda rule: (-rule.document.priority, rule.id))
    ordered = tuple(rule for rule in every if rule.document.enabled)
    return CompiledRules(
        in_order=ordered,
        broken=tuple(broken),
        switched_off=tuple(rule for rule in every if not rule.document.enabled),
        by_id={rule.id: rule for rule in ordered},
        needs_risk_tags=any(rule.document.condition.risk_tags_any is not UNSET for rule in ordered),
        may_redact=any(isinstance(rule.action, Redact) for rule in ordered),
        needs_tools=any(rule.document.condition.has_tools is not UNSET for rule in ordered),
        session_fields=frozenset(need.field for rule in ordered for need in rule.needs),
    )


def compile_rule(document: RuleDocument) -> CompiledRule:
    """Raises `InvalidRule`, naming the member at fault."""
    condition, action = document.condition, document.action
    _judge_whole(condition)
    checks, needs = compile_checks(condition), compile_needs(condition)
    if needs and isinstance(action, Redact):
        member = next(member for member in SESSION_FIELDS if getattr(condition, member) is not UNSET)
        raise InvalidRule(f"condition.{member}", "cannot be asked: a redaction happens before the session is known")
    kind: Action = type(action).__struct_config__.tag  # type: ignore[assignment]  # the tags are the actions' names
    is_shadow = document.mode == "shadow"
    severity = action.severity if isinstance(action, Alert) else "warning"
    return CompiledRule(
        document=document,
        action=action,
        checks=checks,
        tests=tuple(check.test for check in checks),
        candidate=Candidate(document.id, document.name or document.id, kind, is_shadow, needs, severity=severity),
        expires_at_ms=None if document.expires_at is None else _expiry_ms(document.expires_at),
        ends_rules=not is_shadow and not needs and kind not in ACCUMULATED and kind != "throttle",
        id=document.id,
        type=kind,
        is_shadow=is_shadow,
    )


def _judge_whole(condition: Condition) -> None:
    members = [member for member in condition.__struct_fields__ if getattr(condition, member) is not UNSET]
    if not members:
        raise InvalidRule("condition", 'must say something; {"always": true} is met by every call')
    if "always" in members and len(members) > 1:
        raise InvalidRule("condition.always", "stands alone: what is always met needs no other member")


def _expiry_ms(text: str) -> int:
    try:
        return moment_ms(text)
    except ValueError:
        raise InvalidRule("expires_at", "is no moment that a calendar has") from None


def _counted_as(rule: Candidate, per: str, facts: RequestFacts) -> str:
    """Of a call without a session or a team the key's calls are counted, without a key the tenant's. What a rule in
    shadow counts takes no room from anybody."""
    prefix = f"shadow:rule:{rule.id}" if rule.is_shadow else f"rule:{rule.id}"
    if per == "session" and facts.session_id is not None:
        return f"{prefix}:session:{facts.session_id}"
    if per == "team" and facts.team:
        return f"{prefix}:team:{facts.team}"
    if per != "tenant" and facts.key_id:
        return f"{prefix}:key:{facts.key_id}"
    return f"{prefix}:tenant"
