"""A tenant's rules on one call: the facts of its request, and what becomes of the ruling in words, headers and records.

What a rule comes to is decided in the core: its request half here before the Ledger is asked (`core.tenant.rules`), its
session half in the Ledger, in the transaction that holds the money (`core.ledger.loops.ruling`). The rule easy to
break: what cannot be read of a request is a fact that nobody knows, never a call that fails and never one that passes
unseen: the rules that asked for it are named in its record.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from access.identity import Caller
from call.upstream_request import key_to_show
from core.call.context import CallContext
from core.call.hop_plan import AskedCall, HopPlan, plan_as_asked, plan_hop, reason_to_leave_out
from core.call.other_model import with_model
from core.call.plan import CallPlan
from core.ledger.loops.ruling import NO_RULES, NOTHING_DONE, Candidate, Ruling
from core.ledger.loops.turns import PLAIN_TURN, Turn
from core.ledger.messages import RuleDenied
from core.providers import canonical_provider
from core.refusals import Refusal, RuleBlocked, RuleThrottled, ScopePaused
from core.risk.redaction import redacted
from core.risk.request_text import request_tags
from core.routing.failover import AS_ASKED, Attempt
from core.tenant.document import Broken
from core.tenant.rules.compiled import CompiledRule, CompiledRules
from core.tenant.rules.facts import RequestFacts
from core.tenant.rules.request_half import FAULTS, NOTHING_MET, RequestVerdict, judge_request
from core.tenant.shared_account import refuse_shared_references
from core.wire.steps.digests import digest_key, prompt_digest
from core.wire.steps.steps import StepFacts, read_steps
from core.wire.translation.conversation import Untranslatable
from routes import ProxyRoute
from settings import Settings

NAMES_SHOWN_MAX = 20
"""Tags in a header, and rules in a record."""

SKIPPED = ":skipped"
"""Behind the id of a rule that could not do what it says."""

NONE = ""
"""The team or key of a token that has none: that is known, and no rule's."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A rule has the call made of another model than its caller asked for."""

    rule: str
    asked: str
    to: str
    refused_because: str | None = None
    """Why the call went to the model that was asked for after all."""


@dataclass(slots=True)
class CallRules:
    """What the tenant's rules make of one call, before the Ledger is asked and after."""

    compiled: CompiledRules
    turn: Turn = PLAIN_TURN
    verdict: RequestVerdict = NOTHING_MET
    """What the request half of each rule made of it."""
    risk_tags: tuple[str, ...] = ()
    redacted_by: tuple[str, ...] = ()
    change: ModelChange | None = None
    ruling: Ruling = field(default=NO_RULES)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What the Ledger is asked about."""
        return self.verdict.for_ledger

    @property
    def tags(self) -> tuple[str, ...]:
        """What rules say of the call, each once, in the order in which they said it."""
        fired = [self.compiled.find(rule) for rule in self.verdict.fired(self.ruling.done)]
        return tuple(dict.fromkeys(tag for rule in fired for tag in rule.tags))

    def headers(self) -> dict[str, str]:
        """What the caller is told of rules that let its call go out."""
        headers = {}
        if self.tags:
            headers["x-agentwatch-tags"] = ",".join(self.tags[:NAMES_SHOWN_MAX])
        if any(not rule.endswith(SKIPPED) for rule in self.redacted_by):
            headers["x-agentwatch-redacted"] = ",".join(self.risk_tags)
        change = self.change
        if change is not None and change.refused_because is None:
            headers["x-agentwatch-model"] = in_header(change.to)
            headers["x-agentwatch-asked-model"] = in_header(change.asked)
            headers["x-agentwatch-downgraded-by"] = change.rule
        elif change is not None:
            headers["x-agentwatch-downgrade-skipped"] = f"{change.rule}: {change.refused_because}"
        return headers

    def record_fields(self) -> dict[str, Any]:
        """What the rules made of the call, as fields of its record."""
        change = self.change
        is_changed = change is not None and change.refused_because is None
        changed_by = () if change is None else (change.rule if is_changed else change.rule + SKIPPED,)
        acted = [self.compiled.find(rule) for rule in self.verdict.fired(self.ruling.done)]
        would_act = [self.compiled.find(rule) for rule in (self.ruling.would_do or NOTHING_DONE).fired]
        ids = (*changed_by, *self.redacted_by, *(rule.id for rule in acted if rule.type != "redact"))
        return {
            "tags": self.tags[:NAMES_SHOWN_MAX],
            "risks": self.risk_tags,
            "rules": ids[:NAMES_SHOWN_MAX],
            "shadow_rules": tuple(rule.id for rule in would_act if rule.is_shadow)[:NAMES_SHOWN_MAX],
            "unknown_rules": (*self.verdict.unknown, *self.ruling.unknown)[:NAMES_SHOWN_MAX],
            "asked_model": change.asked if change is not None and is_changed else None,
        }

    def refusal(self, denied: RuleDenied) -> Refusal:
        """What it means for the caller that a rule stops its call."""
        done = denied.ruling.done
        rule = self.compiled.find(done.rule or "")
        details = {"rule": rule.id, "rule_name": rule.name}
        if done.action == "throttle":
            limit = next((each.rate.per_minute for each in self.candidates if each.id == rule.id and each.rate), 0)
            return RuleThrottled(
                f"rule {rule.name!r} lets {limit} such requests pass a minute",
                retry_after_ms=done.retry_after_ms,
                details={**details, "limit_per_minute": limit, "remaining": 0},
            )
        if done.action == "pause_session" and denied.session is not None:
            session_id = denied.session.id
            return ScopePaused(
                f"rule {rule.name!r} has paused session {session_id!r}: an administrator can resume it",
                details={**details, "scope": "session", "scope_id": session_id},
            )
        return RuleBlocked(rule.message or f"rule {rule.name!r} of this tenant stops this call", details=details)


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """What was read of a request for its rules. None: nobody asked for it, or it could not be read."""

    risk_tags: tuple[str, ...] | None
    steps: StepFacts | None
    prompt: str | None

    @classmethod
    def of(
        cls, body: bytes, plan: CallPlan, dialect: str, caller: Caller, context: CallContext, key: bytes
    ) -> "RequestSeen":
        """Read what this tenant's rules ask for, and no more."""
        rules = caller.documents.rules
        wants_tags = caller.policy.records_risk_tags or rules.needs_risk_tags
        has_session = context.session_id is not None
        return cls(
            risk_tags=_read(lambda: request_tags(body)) if wants_tags else None,
            steps=_read(lambda: read_steps(body, dialect, key=key)) if rules.needs_steps else None,
            prompt=_read(lambda: prompt_digest(body, key=key)) if has_session else None,
        )

    def judge(
        self,
        plan: CallPlan,
        caller: Caller,
        context: CallContext,
        *,
        at_ms: int,
        is_downgraded: bool,
    ) -> RequestVerdict:
        """What the request half of each rule makes of the call as it is planned."""
        parsed, prompt = plan.parsed, plan.parsed.prompt
        worst_nanousd = plan.costing.want_nanousd
        is_sized = prompt.reads == 1 and not prompt.is_of_unknown_size
        facts = RequestFacts(
            asked_model=parsed.model,
            provider=plan.provider,
            model=parsed.model if plan.price.is_estimate else plan.price.model,
            team=caller.team or NONE,
            project=context.project,
            agent=context.agent,
            key_id=caller.key_id or NONE,
            session_id=context.session_id,
            prompt_tokens=plan.costing.prompt.prompt_tokens if is_sized else None,
            max_tokens=parsed.output_tokens_max,
            estimated_cost_nanousd=min(worst_nanousd, plan.ample_nanousd or worst_nanousd),
            at_ms=at_ms,
            risk_tags=self.risk_tags,
            has_tools=None if self.steps is None else self.steps.has_tools,
            is_streaming=parsed.is_streaming,
        )
        return judge_request(caller.documents.rules, facts, is_downgraded=is_downgraded)

    def turn(self, plan: CallPlan, context: CallContext) -> Turn:
        """The call as its session's history sees it."""
        if context.session_id is None:
            return Turn(prompt_tokens=plan.new_prompt_tokens)  # token rates ask
        steps = self.steps
        return Turn(
            agent=context.agent,
            prompt_tokens=plan.new_prompt_tokens,
            is_continued=plan.parsed.prompt.earlier_answers > 0,
            prompt=self.prompt,
            step=None if steps is None else steps.step,
            repeated_steps=0 if steps is None else steps.repeated_steps,
            failed_steps=0 if steps is None else steps.failed_steps,
            iteration=context.iteration,
            model=plan.parsed.model[:256],
        )


@dataclass(frozen=True, slots=True)
class RuledCall:
    """A call as its tenant's rules leave it before the Ledger is asked."""

    hop: HopPlan
    rules: CallRules
    broken: tuple[Broken, ...] = ()
    """Rules that this version cannot read, or that failed: they stop nobody, and somebody is told."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """How one caller's calls on one route are planned and judged."""

    route: ProxyRoute
    caller: Caller
    context: CallContext
    settings: Settings
    at_ms: int
    attempt: Attempt = AS_ASKED
    """Which of the providers that may serve the call is to be asked."""
    asked: CallPlan | None = None
    """The plan of the call as its caller made it, for the hops after that."""

    def apply(self, received: bytes, changed_by: str | None) -> RuledCall:
        """Plan the call, and replan it where rules replace what they find in it or want another model. `changed_by` is
        a rule that the Ledger has found to want one. Raises the refusal of a call that cannot be planned, and of a hop
        `Untranslatable`."""
        compiled = self.caller.documents.rules
        hop = self._plan(received)
        seen = RequestSeen.of(received, hop.plan, self.route.upstream.dialect, self.caller, self.context, self._secret)
        verdict = self._judge(seen, hop.plan, is_downgraded=False)
        redacted_by: tuple[str, ...] = ()
        risk_tags = seen.risk_tags or ()
        if verdict.redacts:
            received, redacted_by, risk_tags = self._redacted(received, verdict.redacts, risk_tags)
            hop = self._plan(received)
        change = None
        rule = compiled.find(changed_by) if changed_by else verdict.downgrade
        if rule is not None:
            hop, change = self._downgraded(hop, received, rule)
            verdict = self._judge(seen, hop.plan, is_downgraded=True)
            if verdict.redacts and not redacted_by:  # by a rule behind the downgrade, or about the other model
                received, redacted_by, risk_tags = self._redacted(received, verdict.redacts, risk_tags)
                hop, change = self._downgraded(self._plan(received), received, rule)
        rules = CallRules(
            compiled,
            turn=seen.turn(hop.plan, self.context),
            verdict=verdict,
            risk_tags=risk_tags,
            redacted_by=redacted_by,
            change=change,
        )
        return RuledCall(hop, rules, (*compiled.broken, *verdict.failed))

    def _plan(self, received: bytes, *, instead: str | None = None) -> HopPlan:
        """The call for whom the attempt is to ask, or for another model `instead`: `provider/model`, or a bare name."""
        caller, route = self.caller, self.route
        asked = AskedCall(route.provider, route.upstream, caller.policy, caller.prices, self.at_ms, self._secret)
        attempt = self.attempt
        if self.asked is None or attempt.provider is None or attempt.model is None:
            if instead is not None:
                upstream, received = with_model(self.route.provider, self.route.upstream, received, instead)
                asked = replace(asked, upstream=upstream)
            return plan_as_asked(asked, received, strips_history=attempt.strips_history)
        provider, model = (attempt.provider, attempt.model) if instead is None else _named(instead, attempt.provider)
        hop = plan_hop(
            asked,
            received,
            provider,
            model,
            asked_provider=self.asked.provider,
            strips_history=attempt.strips_history,
        )
        reason = reason_to_leave_out(hop, self.asked, attempt)
        if reason is not None:
            raise Untranslatable(reason)
        return hop

    def _judge(self, seen: RequestSeen, plan: CallPlan, *, is_downgraded: bool) -> RequestVerdict:
        return seen.judge(plan, self.caller, self.context, at_ms=self.at_ms, is_downgraded=is_downgraded)

    def _redacted(
        self, received: bytes, by: tuple[str, ...], seen: tuple[str, ...]
    ) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
        """The request without what rules take out of it, which rules did, and the tags of what was found. Where the
        tenant has not allowed that, or it fails, it stays as it is, and the record says so."""
        replaced = _read(lambda: redacted(received)) if self.caller.policy.allows_redaction else None
        if replaced is None:
            return received, tuple(rule + SKIPPED for rule in by), seen
        body, found = replaced
        return body, by if found else (), found

    def _downgraded(self, hop: HopPlan, received: bytes, rule: CompiledRule) -> tuple[HopPlan, ModelChange | None]:
        """The call as a cheaper one of the model that a rule names; as it was, with the reason, where that model cannot
        serve it or costs no less."""
        plan = hop.plan
        to, asked = rule.model or "", f"{plan.provider}/{plan.parsed.model}"
        try:
            other = self._plan(received, instead=to)
            cheaper = other.plan
            asked_provider = (self.asked or cheaper).provider
            key = key_to_show(self.route, self.caller, cheaper.provider, self.settings, asked_provider=asked_provider)
            if key.is_shared and not self.caller.policy.reaches_shared_accounts:
                refuse_shared_references(cheaper.parsed, path=cheaper.path)
        except Refusal as refusal:
            return hop, ModelChange(rule.id, asked, to, refusal.code)
        except Untranslatable as why:
            return hop, ModelChange(rule.id, asked, to, why.feature)
        if (cheaper.provider, cheaper.parsed.model) == (plan.provider, plan.parsed.model):
            return hop, None
        length = min(plan.costing.output_ceiling, cheaper.costing.output_ceiling)
        window = cheaper.price.input_tokens_max
        if cheaper.costing.nanousd(length) >= plan.costing.nanousd(length):
            return hop, ModelChange(rule.id, asked, to, "not_cheaper")
        if window is not None and (cheaper.new_prompt_tokens or 0) > window:
            return hop, ModelChange(rule.id, asked, to, "prompt_too_long")
        return other, ModelChange(rule.id, asked, f"{cheaper.provider}/{cheaper.parsed.model}")

    @property
    def _secret(self) -> bytes:
        """Changing a secret changes it: sessions in progress then begin their comparisons anew, and no more."""
        return digest_key(self.settings.secrets, self.caller.tenant)


def _named(model: str, provider: str) -> tuple[str, str]:
    """The provider and the model that a rule names; a bare name is one of the provider that is asked."""
    owner, slash, bare = model.partition("/")
    named = canonical_provider(owner) if slash else None
    return (provider, model) if named is None else (named, bare)


def in_header(name: str) -> str:
    """A name that somebody made up, in characters that every header takes."""
    return quote(name, safe="/:.@+-_ (),")


def _read(read: Callable[[], T]) -> T | None:
    """What can be read of a request; None where a fault of ours keeps it from being read."""
    try:
        return read()
    except (*FAULTS, msgspec.MsgspecError, RecursionError):
        return None
