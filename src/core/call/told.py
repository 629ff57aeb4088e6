"""A call that its caller makes by itself and tells in numbers, planned like one that comes through here: the same
price, worst case and output ceiling.

No text of it is here to be sized, so its bytes are, high. The rule easy to break: a call is held for by the very price
that its report will be charged by (`PriceList.find_reported`).
"""

from typing import Annotated, Literal

import msgspec

from core.call.costing import cost_call
from core.call.plan import AS_UNPRICED, CallPlan, ample_tokens, unmetered, with_searches_bounded
from core.call.reasoning import hides_reasoning
from core.money.price_list import PriceList
from core.money.text_weights import vocabulary
from core.refusals import UnpricedModel
from core.tenant.policy import TenantPolicy
from core.wire.dialects import DIALECTS, anthropic_messages, openai
from core.wire.dialects.provider_tools import ProviderTools, anthropic_tools, openai_tools
from core.wire.facts import ParsedCall, PromptSize

BYTES_PER_TOKEN_LEAST = 2
"""Of a request as JSON, in a vocabulary of OpenAI's: English has five bytes for a token, code four, Chinese three and
a half. A model whose vocabulary makes more tokens of a text has so much fewer bytes for each. Random letters, base64
and some alphabets have less than two (`docs/prices.md`): what a call costs above its hold is an overrun."""

FRAMING_TOKENS = {"anthropic_messages": anthropic_messages.FRAMING_TOKENS}
FRAMING_TOKENS_OTHERS = openai.FRAMING_TOKENS
"""What stands around the conversation, and is in no byte of it."""

TellingDialect = Literal[
    "openai_chat", "openai_responses", "openai_completions", "openai_embeddings", "anthropic_messages"
]

_PATHS: dict[TellingDialect, str] = {
    "openai_chat": "chat/completions",
    "openai_responses": "responses",
    "openai_completions": "completions",
    "openai_embeddings": "embeddings",
    "anthropic_messages": "messages",
}

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class ToldCall(msgspec.Struct, frozen=True, kw_only=True):
    """What an SDK says of a call before it makes it: numbers and names."""

    model: Label
    dialect: TellingDialect
    input_bytes: Bytes
    """UTF-8 bytes of the request as JSON, media left out."""
    provider: Label | None = None
    is_streaming: bool = False
    images: Annotated[int, msgspec.Meta(ge=0, le=4_000)] = 0
    has_unsized_input: bool = False
    """Something of it may fill the model's context window: files, sound, an earlier answer."""
    output_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None
    """The ceiling that the request has; None where it names none."""
    choices: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    """Answers to the one prompt."""
    provider_tools: Annotated[tuple[Label, ...], msgspec.Meta(max_length=64)] = ()
    """Types of tools that the provider would run."""
    web_search_calls_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    """The request's own bound on what the provider may search; None where it sets none."""


def plan_told(told: ToldCall, policy: TenantPolicy, now_ms: int, prices: PriceList) -> CallPlan:
    """What the call may cost. Raises `UnmeteredPath` or `UnpricedModel`."""
    price = prices.find_reported(told.provider, told.model, at_ms=now_ms)
    if price.is_estimate and policy.unpriced_models == "block":
        raise UnpricedModel(f"model {told.model[:100]!r} has no listed price: {AS_UNPRICED}", param="model")
    tools = _tools_of(told)
    if tools.unmetered and not policy.allows_unmetered_paths:
        raise unmetered(tools.unmetered, param="provider_tools")
    provider = price.provider or told.provider or "unknown"
    parsed = with_searches_bounded(_parsed(told, tools), provider)
    is_free = price.is_estimate and policy.unpriced_models == "free"
    hides = hides_reasoning(provider, told.model, "unset")
    return CallPlan(
        provider=provider,
        path=_PATHS[told.dialect],
        dialect=DIALECTS[told.dialect],
        costing=cost_call(parsed, price, is_free=is_free),
        hides_reasoning=hides,
        slice_tokens=None,
        ample_tokens=None if is_free else ample_tokens(parsed, hides_reasoning=hides),
    )


def tokens_of_bytes(input_bytes: int, model: str) -> int:
    """What a text of so many bytes comes to, estimated high by its length alone."""
    _, percent = vocabulary(model)
    return -(-input_bytes * percent // (100 * BYTES_PER_TOKEN_LEAST))


def _tools_of(told: ToldCall) -> ProviderTools:
    tools: list[object] = [[{"type": name} for name in told.provider_tools]]
    if told.dialect == "anthropic_messages":
        return anthropic_tools(tools)
    return openai_tools(tools, model=told.model)


def _parsed(told: ToldCall, tools: ProviderTools) -> ParsedCall:
    has_output = told.dialect != "openai_embeddings"
    framing_tokens = FRAMING_TOKENS.get(told.dialect, FRAMING_TOKENS_OTHERS)
    return ParsedCall(
        model=told.model,
        is_streaming=told.is_streaming,
        prompt=PromptSize(
            text_tokens=tokens_of_bytes(told.input_bytes, told.model) + framing_tokens + tools.prompt_tokens,
            images=told.images,
            hidden_inputs=tools.readers + (1 if told.has_unsized_input else 0),
            has_cache_marks=told.dialect == "anthropic_messages",  # nobody tells, and a write costs a quarter more
        ),
        output_tokens_max=told.output_tokens_max if has_output else None,
        answers=told.choices,
        has_output=has_output,
        web_search_calls_max=tools.web_search_calls_max,
        tool_calls_max=told.web_search_calls_max,
        reading_tools=tools.readers,
        unmetered_tools=tools.unmetered,
    )
