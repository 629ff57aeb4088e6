"""Reasoning on every OpenAI-style path: each provider states it in a way of its own, and the ledger charges what the
provider bills, to the nano-dollar."""

import pytest

from tests.runtime.test_streams import spent_nanousd

pytestmark = pytest.mark.stack

OUTPUT_TOKENS_MAX = 200
THINKING = "input_tokens=900;reasoning_tokens=93;output_tokens=7"
CACHED = THINKING + ";cached_tokens=500"
CASES = [
    ("openai", "o4-mini", CACHED, "0.004"),
    ("groq", "openai/gpt-oss-20b", CACHED, "0.0003"),
    ("xai", "grok-4", CACHED, "0.012"),
    ("xai", "grok-4-fast-reasoning", CACHED, "0.0034"),
    ("gemini", "gemini-2.5-flash", CACHED, "0.0015"),
    ("anthropic", "claude-haiku-4-5", THINKING, "0.005"),
]
"""A model that thinks, what it does (Anthropic's OpenAI-style API shows no cache), and four times what that costs: of
such a budget the worst case is too large a part for a stream to pass unmetered."""

CHAT = {"messages": [{"role": "user", "content": "hello"}], "max_completion_tokens": OUTPUT_TOKENS_MAX}
RESPONSE = {"input": "hello", "max_output_tokens": OUTPUT_TOKENS_MAX}
CHAT_PATHS = {"gemini": "v1beta/openai/chat/completions"}
HAVE_RESPONSES = ("openai", "groq", "xai")


def calls():
    """Every path on which each case's model can be called."""
    for provider, model, script, tight_usd in CASES:
        path = f"/v1/proxy/{provider}/{CHAT_PATHS.get(provider, 'chat/completions')}"
        places = {
            "proxy": (path, {**CHAT, "model": model}),
            "unified": ("/v1/chat/completions", {**CHAT, "model": f"{provider}/{model}"}),
        }
        if provider in HAVE_RESPONSES:
            places["responses"] = (f"/v1/proxy/{provider}/responses", {**RESPONSE, "model": model})
        for place, (path, body) in places.items():
            name = f"{provider}-{model.rpartition('/')[2]}-{place}"
            yield pytest.param(path, body, script, tight_usd, id=name)


@pytest.mark.parametrize("way", ["json", "stream-as-it-is", "stream-metered"])
@pytest.mark.parametrize(("path", "body", "script", "tight_usd"), list(calls()))
def test_reasoning_is_charged_as_the_provider_bills_it(edge, run, path, body, script, tight_usd, way):
    answer = edge.post(
        path,
        {**body, "stream": way != "json"},
        x_agentwatch_session_id=run,
        x_agentwatch_budget_usd=tight_usd if way == "stream-metered" else "100",
        x_mock=script,
        x_mock_tag=run,
    )

    (entry,) = edge.billed(run)

    assert answer.status_code == 200, answer.text
    assert entry["usage"]["reasoning_tokens"] == 93
    assert spent_nanousd(edge, run) == entry["billed_nanousd"] > 0
