"""Can calls be made? Each provider is asked for its models with the key that a call would use, which costs nothing;
then a call with a budget of a billionth of a dollar is refused: it was priced, and no provider was asked.

The rule easy to break: no check spends. A call that is not refused is a finding, and it has one token at most.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from ..deployed import Deployed, Reply
from .findings import Finding, note, unknown, well, wrong

MODELS_PATHS = {
    "openai": "/v1/proxy/openai/v1/models",
    "anthropic": "/v1/proxy/anthropic/v1/models",
    "gemini": "/v1/proxy/gemini/v1beta/models",
    "groq": "/v1/proxy/groq/openai/v1/models",
    "xai": "/v1/proxy/xai/v1/models",
}
HEADERS = {"anthropic": {"anthropic_version": "2023-06-01"}}
"""What a provider wants besides the key."""

SMALL_MODELS = {
    "openai": "openai/gpt-4o-mini",
    "anthropic": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-2.5-flash-lite",
    "groq": "groq/llama-3.1-8b-instant",
    "xai": "xai/grok-3-mini",
}
"""Asked for where they are listed; else any that is."""

LEAST_USD = "0.000000001"


def with_keys(settings: Mapping[str, bool], provider_keys: Reply) -> tuple[str, ...]:
    """The providers for which the Worker or the tenant has a key."""
    own = {str(each.get("provider")) for each in provider_keys.get("data") or []}
    return tuple(name for name in MODELS_PATHS if settings.get(f"{name.upper()}_API_KEY") or name in own)


def providers(place: Deployed, names: tuple[str, ...]) -> Iterator[Finding]:
    """`place` is with a key that makes calls."""
    listed = [str(each.get("id")) for each in place.get("/v1/models").get("data") or []]
    for name in names:
        finding = reachable(place, name)
        yield finding
        if finding.verdict != "note":
            yield priced(place, name, listed)


def reachable(place: Deployed, provider: str) -> Finding:
    reply, check = place.get(MODELS_PATHS[provider], **HEADERS.get(provider, {})), f"provider {provider}"
    if reply.status == 200:
        return well(check, "answers, and takes the key")
    if reply.error.get("code") == "provider_key_missing":
        return note(check, "has no key: neither the tenant nor the Worker has one, and calls to it are refused")
    if reply.status in (401, 403):
        advice = f"`agentwatch provider-key set {provider}`, or the Worker's {provider.upper()}_API_KEY"
        return wrong(check, f"refuses the key: {reply.words}", advice)
    return wrong(check, reply.words, f"its status page; {provider.upper()}_BASE_URL, where you set one")


def priced(place: Deployed, provider: str, listed: list[str]) -> Finding:
    model = SMALL_MODELS[provider]
    if model not in listed:
        model = next((each for each in listed if each.startswith(f"{provider}/")), model)
    reply = least_call(place, model)
    check = f"priced call {provider}"
    if reply.status == 402:
        return well(check, f"{model} is priced and held before it is made; nothing was spent")
    if reply.status == 200:
        cost = reply.headers.get("x-agentwatch-cost-usd", "unknown")
        if cost == "0":
            return note(check, f"{model} is free by /v1/prices: it was called, and cost nothing")
        return wrong(
            check, f"{model} was called for a budget of ${LEAST_USD}, cost {cost}", "its price is not held: /v1/prices"
        )
    return unknown(check, reply.words, "try a call by hand")


def least_call(place: Deployed, model: str) -> Reply:
    """A call that no budget lets through, in a session of its own: a tenant may want each call to have one."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Say one word."}]}
    session = f"doctor-{secrets.token_hex(8)}"
    headers = {"x_agentwatch_budget_usd": LEAST_USD, "x_agentwatch_failover": "off", "x_agentwatch_session_id": session}
    return place.post("/v1/chat/completions", body, **headers)
