"""Trying a tenant's rules: which of them would fire for a call, and why, member by member.

It asks what calls are judged by, of an example or of a live session, and changes and sends nothing.
"""

from typing import Annotated

import msgspec

from api.endpoint import ApiRequest, Nothing
from core.call.context import SessionId, check_session_id, read_limit_usd
from core.ledger.document_messages import DocumentRequest, WrittenDocument
from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.loops.turns import NOTHING_KNOWN, SessionFacts, Turn
from core.money.amount import Usd
from core.money.price_book import Unpriced
from core.money.price_list import PriceList
from core.providers import PROVIDERS
from core.refusals import InvalidRequest
from core.risk.finding.pattern import TooManyCandidates
from core.risk.finding.tags import tags_of
from core.tenant.document import InvalidDocument
from core.tenant.rules.compiled import CompiledRules
from core.tenant.rules.document import Count, Moment, Named, RiskTag, RuleDocument, moment_ms
from core.tenant.rules.explain import explain
from core.tenant.rules.facts import RequestFacts
from core.tenant.rules.reading import RULES, judge_rules, parse_rules
from exchange import Answer, json_answer

Text = Annotated[str, msgspec.Meta(max_length=500_000)]


class ExampleCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call as rules see it. What is absent is not known, and meets no condition; `team` and `key_id` are then those
    of a token that has none, and `at` is now."""

    provider: Named
    model: Named
    team: Named | None = None
    key_id: Named | None = None
    project: Named | None = None
    agent: Named | None = None
    prompt_tokens: Count | None = None
    max_tokens: Count | None = None
    estimated_cost_usd: Usd | None = None
    at: Moment | None = None
    has_tools: bool | None = None
    stream: bool = False
    risk_tags: list[RiskTag] | None = None
    text: Text | None = None
    """Looked through for risk tags, and kept nowhere."""


class ExampleSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session as rules see it, the call included."""

    iteration: Count | None = None
    spend_usd: Usd | None = None
    spend_per_hour_usd: Usd | None = None
    growth_ratio: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    requests_per_minute: Count | None = None
    requests_per_hour: Count | None = None
    repeated_prompt: Count | None = None
    repeated_step: Count | None = None
    step_errors: Count | None = None
    compactions: Count | None = None


class RulesTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try: a call, in a live session (`session_id`) or a made-up one (`session`) or none, by the rules in force
    or by others."""

    call: ExampleCall
    session_id: SessionId | None = None
    session: ExampleSession | None = None
    rules: list[RuleDocument] | None = None


async def try_rules(request: ApiRequest[Nothing, RulesTest]) -> Answer:
    """Say which rules would fire, and why."""
    asked = request.body
    if asked.session_id is not None and asked.session is not None:
        raise InvalidRequest("name a live session or make one up, not both", param="session")
    facts = _facts_of(asked, request.exchange.started_at_ms, request.caller.prices)
    return json_answer(explain(await _rules_of(request), facts, await _session_of(request)))


async def _rules_of(request: ApiRequest[Nothing, RulesTest]) -> CompiledRules:
    """Those to be tried: as the Ledger has them now, unless the request brings its own. Raises `InvalidRequest`."""
    if request.body.rules is None:
        found = await request.ledger.tell(DocumentRequest(kind=RULES.name))
        return parse_rules(found.text) if isinstance(found, WrittenDocument) else RULES.default
    text = msgspec.json.encode({"rules": request.body.rules}).decode()
    try:
        judge_rules(text, request.caller.prices)
    except InvalidDocument as error:
        raise InvalidRequest(f"the rules do not fit: {error}", param=error.param) from None
    return parse_rules(text)


async def _session_of(request: ApiRequest[Nothing, RulesTest]) -> SessionFacts:
    asked = request.body
    if asked.session_id is not None:
        turn = Turn(agent=asked.call.agent, prompt_tokens=asked.call.prompt_tokens, model=asked.call.model)
        session_id = check_session_id(asked.session_id, "session_id")
        return (await request.ledger.tell(SessionFactsRequest(session_id=session_id, turn=turn))).facts
    made_up = asked.session
    if made_up is None:
        return NOTHING_KNOWN
    return SessionFacts(
        iteration=made_up.iteration,
        session_spend_nanousd=_nanousd(made_up.spend_usd, "session.spend_usd"),
        spend_per_hour_nanousd=_nanousd(made_up.spend_per_hour_usd, "session.spend_per_hour_usd"),
        growth_ratio=made_up.growth_ratio,
        requests_per_minute=made_up.requests_per_minute,
        requests_per_hour=made_up.requests_per_hour,
        repeated_prompt=made_up.repeated_prompt,
        repeated_step=made_up.repeated_step,
        step_errors=made_up.step_errors,
        compactions=made_up.compactions,
    )


def _facts_of(asked: RulesTest, now_ms: int, prices: PriceList) -> RequestFacts:
    call = asked.call
    if call.provider not in PROVIDERS:
        raise InvalidRequest(f"provider must be one of {', '.join(PROVIDERS)}", param="call.provider")
    at_ms = now_ms if call.at is None else _at_ms(call.at)
    price = prices.find(call.provider, call.model, at_ms=at_ms)
    tags = None if call.risk_tags is None else tuple(call.risk_tags)
    try:
        found = () if call.text is None else tags_of(call.text)
    except TooManyCandidates as error:
        raise InvalidRequest(f"text cannot be looked through: {error}", param="call.text") from None
    return RequestFacts(
        asked_model=call.model,
        provider=call.provider,
        model=call.model if isinstance(price, Unpriced) else price.model,
        at_ms=at_ms,
        is_streaming=call.stream,
        estimated_cost_nanousd=_nanousd(call.estimated_cost_usd, "call.estimated_cost_usd"),
        team=call.team or "",
        project=call.project,
        agent=call.agent,
        key_id=call.key_id or "",
        session_id=asked.session_id,
        prompt_tokens=call.prompt_tokens,
        max_tokens=call.max_tokens,
        risk_tags=tags if call.text is None else (*(tags or ()), *found),
        has_tools=call.has_tools,
    )


def _nanousd(text: str | None, param: str) -> int | None:
    return None if text is None else read_limit_usd(text, param)


def _at_ms(text: str) -> int:
    try:
        return moment_ms(text)
    except ValueError:
        raise InvalidRequest("at is no moment that a calendar has", param="call.at") from None
