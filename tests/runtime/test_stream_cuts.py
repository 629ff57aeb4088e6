"""What a program using an official client sees of a stream that AgentWatch cuts, on the genuine runtime.

Hard: each client raises, and does not try again. Soft: each ends with its own truncation reason. Either way the
provider stops, the money is settled, and the row says that the stream was cut.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anthropic
import groq
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors

from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

TOKENS = 3_000
SOFT_TOKEN = "aw_live_" + "5f" * 24
MESSAGES = [{"role": "user", "content": "hello"}]


@dataclass
class Seen:
    """What came of a stream: why it ended, or what was raised."""

    chunks: int = 0
    finish_reason: str | None = None
    raised: Exception | None = None


Events = Callable[["Seen", str, str, dict[str, str]], Iterator[object]]
"""Reads a stream of a fresh client: what it saw, the edge's address, a token, headers for every call."""


def openai_chat(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    client = openai.OpenAI(api_key=token, base_url=f"{edge_url}/v1/proxy/openai/v1", default_headers=headers)
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, max_tokens=TOKENS, stream=True)
    for chunk in stream:
        seen.finish_reason = chunk.choices[0].finish_reason or seen.finish_reason
        yield chunk


def openai_completions(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    client = openai.OpenAI(api_key=token, base_url=f"{edge_url}/v1/proxy/openai/v1", default_headers=headers)
    model = "gpt-3.5-turbo-instruct"
    for chunk in client.completions.create(model=model, prompt="hello", max_tokens=TOKENS, stream=True):
        seen.finish_reason = chunk.choices[0].finish_reason or seen.finish_reason
        yield chunk


def openai_responses(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    client = openai.OpenAI(api_key=token, base_url=f"{edge_url}/v1/proxy/openai/v1", default_headers=headers)
    with client.responses.stream(model="gpt-4o-mini", input="hello", max_output_tokens=TOKENS) as stream:
        for event in stream:
            if event.type == "response.incomplete":
                seen.finish_reason = event.response.incomplete_details.reason
            yield event


def groq_chat(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    client = groq.Groq(api_key=token, base_url=f"{edge_url}/v1/proxy/groq", default_headers=headers)
    stream = client.chat.completions.create(
        model="llama-3.1-8b-instant", messages=MESSAGES, max_tokens=TOKENS, stream=True
    )
    for chunk in stream:
        seen.finish_reason = chunk.choices[0].finish_reason or seen.finish_reason
        yield chunk


def anthropic_messages(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    client = anthropic.Anthropic(api_key=token, base_url=f"{edge_url}/v1/proxy/anthropic", default_headers=headers)
    with client.messages.stream(model="claude-3-5-haiku-latest", max_tokens=TOKENS, messages=MESSAGES) as stream:
        yield from stream
        seen.finish_reason = stream.get_final_message().stop_reason


def gemini(seen: Seen, edge_url: str, token: str, headers: dict[str, str]) -> Iterator[object]:
    options = genai.types.HttpOptions(base_url=f"{edge_url}/v1/proxy/gemini", headers=headers)
    client = genai.Client(api_key=token, http_options=options)
    ceiling = genai.types.GenerateContentConfig(max_output_tokens=TOKENS)
    for answer in client.models.generate_content_stream(model="gemini-2.0-flash", contents="hello", config=ceiling):
        reason = answer.candidates[0].finish_reason
        seen.finish_reason = reason.value if reason is not None else seen.finish_reason
        yield answer


CLIENTS: dict[str, tuple[Events, str, type[Exception], str]] = {
    "openai_chat": (openai_chat, "0.0006", openai.APIError, "length"),
    "openai_completions": (openai_completions, "0.002", openai.APIError, "length"),
    "openai_responses": (openai_responses, "0.0006", openai.APIError, "max_output_tokens"),
    "groq": (groq_chat, "0.00008", groq.APIError, "length"),
    "anthropic": (anthropic_messages, "0.005", anthropic.APIStatusError, "max_tokens"),
    "google_genai": (gemini, "0.0004", genai_errors.ClientError, "MAX_TOKENS"),
}
"""How each reads a stream, a budget that ends within it, what it raises, and how it says that an answer is cut short.
xAI's and Groq's streams are OpenAI's chat; those of xAI's models that hide their reasoning are held in full."""

clients = pytest.mark.parametrize(("events", "budget_usd", "error", "reason"), CLIENTS.values(), ids=CLIENTS)


@pytest.fixture
def soft(stack) -> Edge:
    """A tenant whose streams are cut as if their length limit had been reached."""
    record = {"tenant": "soft", "role": "member", "key_id": "key_soft"}
    stack.put_kv("key:" + hashlib.sha256(SOFT_TOKEN.encode()).hexdigest(), record)
    stack.put_kv("t:soft:config", {"requests_per_minute": 1_000_000, "stream_cut": "truncate"})
    return Edge(stack, SOFT_TOKEN)


def see(edge: Edge, run: str, events: Events, budget_usd: str) -> Seen:
    headers = {
        "x-agentwatch-session-id": run,
        "x-agentwatch-budget-usd": budget_usd,
        "x-mock": f"output_tokens={TOKENS};pace_ms=1",
        "x-mock-tag": run,
    }
    seen = Seen()
    try:
        for _ in events(seen, edge.stack.edge_url, edge.token, headers):
            seen.chunks += 1
    except Exception as error:
        seen.raised = error
    return seen


def assert_over_and_settled(edge: Edge, run: str, budget_usd: str) -> None:
    """One call, stopped at the provider, paid for within the budget but for the last event."""
    (entry,) = edge.billed(run)
    assert entry["ended"] == "client_disconnected"
    assert entry["generated_tokens"] < TOKENS
    session = edge.session(run)
    assert session["exceeded"] and session["spent_usd"] < float(budget_usd) * 1.1


@clients
def test_a_hard_cut_raises_and_is_not_tried_again(edge, run, events, budget_usd, error, reason):
    seen = see(edge, run, events, budget_usd)

    assert isinstance(seen.raised, error)
    assert f"the budget of session '{run}'" in str(seen.raised)
    assert seen.chunks > 3
    assert_over_and_settled(edge, run, budget_usd)
    assert eventually(lambda: edge.outcomes(run), bool) == ["cut"]


@clients
def test_a_soft_cut_ends_with_a_truncation_reason(soft, run, events, budget_usd, error, reason):
    seen = see(soft, run, events, budget_usd)

    assert (seen.raised, seen.finish_reason) == (None, reason)
    assert seen.chunks > 3
    assert_over_and_settled(soft, run, budget_usd)


@clients
def test_a_provider_that_breaks_off_raises_too(edge, run, events, budget_usd, error, reason):
    headers = {"x-agentwatch-session-id": run, "x-mock": "output_tokens=40;cut_after_tokens=12"}
    seen = Seen()

    with pytest.raises(Exception, match="broke off") as raised:
        list(events(seen, edge.stack.edge_url, edge.token, headers))

    assert isinstance(raised.value, (error, genai_errors.ServerError))
    assert eventually(lambda: edge.outcomes(run), bool) == ["upstream_truncated"]
