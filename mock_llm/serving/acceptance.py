"""Whether a provider takes a call: its model, its limits, its script. The result is a `Call` or the
provider's no.
"""

from dataclasses import dataclass
from itertools import takewhile
from typing import NoReturn

import msgspec

from mock_llm.selling.models import Model, find_model
from mock_llm.selling.tokens import split_text
from mock_llm.selling.usage import Usage
from mock_llm.wire import failures
from mock_llm.wire.failures import Failure
from mock_llm.writing.calls import Ask, Call, Request, Wire
from mock_llm.writing.plan import Choice, Wanted, channel_totals, make_plan
from mock_llm.writing.scripts import Script, ScriptError


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes one call different from the same call a moment later."""

    seed: int
    unique: str
    created_s: int


def parse(provider: str, wire: Wire, request: Request) -> tuple[Ask, Model]:
    """The request and the model it is for."""
    ask = wire.parse(request)
    if not ask.model:
        is_anthropic = provider == "anthropic"
        message = "model: Field required" if is_anthropic else "you must provide a model parameter"
        raise Failure(400, message, param="model")
    model = find_model(provider, ask.model, wire.kind)
    if model is None or model.kind is not wire.kind:
        raise failures.unknown_model(provider, ask.model)
    _check_limit(provider, ask, model)
    return ask, model


def accept(wire: Wire, ask: Ask, model: Model, script: Script, identity: Identity) -> Call:
    """The call as it will be answered; ScriptError when the script asks for what cannot be."""
    _check_script(wire, ask, script)
    service_tier = _service_tier(ask, model)
    input_usage = _input_usage(ask, script)
    _check_classes(model, input_usage, script)
    turns = 1 + script.web_searches if wire.shows_turns else 1
    limits = [model.output_tokens_max, ask.output_tokens_max or model.output_tokens_max]
    wanted = Wanted(ask.choices, min(limits), ask.stops, ask.tools, ask.forced, ask.json_schema)
    choices = make_plan(wanted, script, identity.seed)
    accepted, rejected = _compare_prediction(ask, model, choices)
    return Call(
        provider=model.provider,
        ask=ask,
        model=model,
        script=script,
        choices=choices,
        input_usage=msgspec.structs.replace(input_usage, rejected_prediction_tokens=rejected),
        service_tier=service_tier,
        seed=identity.seed,
        unique=identity.unique,
        created_s=identity.created_s,
        channel_totals=channel_totals(choices),
        accepted_prediction_tokens=accepted,
        turns=turns,
    )


def _check_limit(provider: str, ask: Ask, model: Model) -> None:
    if ask.output_tokens_max is None:
        return
    if model.rejects_max_tokens and ask.output_field == "max_tokens":
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Failure(400, message, code="unsupported_parameter", param="max_tokens")
    if ask.output_tokens_max > model.output_tokens_max > 0:
        raise failures.limit_too_large(
            provider,
            model.name,
            field=ask.output_field,
            asked=ask.output_tokens_max,
            allowed=model.output_tokens_max,
        )


def _service_tier(ask: Ask, model: Model) -> str | None:
    """OpenAI's tier of the call, None for the default one; the others have one price."""
    if model.provider != "openai" or ask.service_tier in (None, "auto", "default"):
        return None
    rates = {"flex": model.flex_rates, "priority": model.priority_rates}
    if rates.get(ask.service_tier or "") is None:
        message = f"Invalid service_tier argument: '{ask.service_tier}' for this model."
        raise Failure(400, message, param="service_tier")
    return ask.service_tier


def _input_usage(ask: Ask, script: Script) -> Usage:
    """The input by class; a script's parts are taken out of the whole, or make it longer."""
    counted = ask.input
    audio = script.audio_input_tokens or counted.audio
    image = counted.image if script.input_tokens is None else 0
    total = counted.total if script.input_tokens is None else script.input_tokens
    parts = script.cached_tokens + script.cache_write_5m_tokens + script.cache_write_1h_tokens + audio + image
    return Usage(
        input_tokens=max(0, total - parts) + script.tool_use_prompt_tokens,
        cached_input_tokens=script.cached_tokens,
        cache_write_5m_tokens=script.cache_write_5m_tokens,
        cache_write_1h_tokens=script.cache_write_1h_tokens,
        audio_input_tokens=audio,
        image_input_tokens=image,
        web_search_calls=script.web_searches,
    )


def _compare_prediction(ask: Ask, model: Model, choices: tuple[Choice, ...]) -> tuple[int, int]:
    """Predicted tokens with which the answer begins, and the others; only OpenAI takes predictions.

    They are compared at once, before anything is written, so whoever leaves early pays them too.
    """
    if model.provider != "openai" or not choices:
        return 0, 0
    predicted = split_text(ask.prediction)
    pairs = zip(predicted, choices[0].text, strict=False)
    accepted = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return accepted, len(predicted) - accepted


def _check_script(wire: Wire, ask: Ask, script: Script) -> None:
    if script.tool_calls and not ask.tools:
        _impossible("tool_calls", "the request declares no tools")
    if script.tool is not None and script.tool not in {tool.name for tool in ask.tools}:
        _impossible("tool", f"the request declares no tool {script.tool!r}")
    if not ask.is_stream:
        for key, is_told in (("after_prelude", script.after_prelude), ("error_event", script.error_event is not None)):
            if is_told:
                _impossible(key, "only a stream has events")
    if script.web_searches and not wire.shows_web_searches:
        _impossible("web_searches", f"the answers of {wire.name} do not show searches")
    if script.tool_use_prompt_tokens and wire.name != "generate_content":
        _impossible("tool_use_prompt_tokens", "only Gemini's native API reports them")


def _check_classes(model: Model, usage: Usage, script: Script) -> None:
    """Whatever the call uses must have a price."""
    rates = model.rates
    classes = {
        "cached_tokens": (usage.cached_input_tokens, rates.cached_input),
        "cache_write_5m_tokens": (usage.cache_write_5m_tokens, rates.cache_write_5m),
        "cache_write_1h_tokens": (usage.cache_write_1h_tokens, rates.cache_write_1h),
        "audio_input_tokens": (usage.audio_input_tokens, rates.audio_input),
        "audio_output_tokens": (script.audio_output_tokens, rates.audio_output),
        "web_searches": (usage.web_search_calls, model.web_search_nanousd),
    }
    for key, (used, rate) in classes.items():
        if used and rate is None:
            _impossible(key, f"{model.name} does not sell them")


def _impossible(key: str, reason: str) -> NoReturn:
    raise ScriptError(f"x-mock: `{key}` cannot be followed: {reason}")
