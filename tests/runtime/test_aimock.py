"""AgentWatch with an upstream that others wrote: aimock (npm, once called llmock) answers in each provider's form.

Our own mock providers know what AgentWatch reads; this one was made for clients. Whatever it answers passes as it came,
and is charged at exactly the usage that it states.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.paths import NODE, ROOT
from local.processes import Child, answers, free_port
from local.stack import Stack
from tests.runtime.conftest import Edge

pytestmark = [pytest.mark.stack, pytest.mark.clients]

AIMOCK = ROOT / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
BASE_PATHS = {"OPENAI": "/v1", "ANTHROPIC": "/v1", "GEMINI": "", "GROQ": "/v1", "XAI": "/v1"}
USAGE = {"prompt_tokens": 1_000, "completion_tokens": 200, "total_tokens": 1_200}
WEATHER = {"name": "get_weather", "arguments": {"city": "Rome"}}
FIXTURES = {
    "fixtures": [
        {"match": {"userMessage": "weather"}, "response": {"toolCalls": [WEATHER], "usage": USAGE}},
        {"match": {"userMessage": "hello"}, "response": {"content": "Hello! How can I help you?", "usage": USAGE}},
        {"match": {"inputText": "hello"}, "response": {"embedding": [0.1, 0.2, 0.3]}},
    ]
}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "parameters": PARAMETERS}
_OWN_TO_EACH_ANSWER = re.compile(
    r'"(?:id|item_id|call_id|created|created_at|completed_at)":(?:"[^"]*"|[0-9.]+)|"obfuscation":"[^"]*"'
)


@dataclass(frozen=True)
class Call:
    """One way to call. Dollars per million tokens, as the provider lists them, say what it must cost."""

    provider: str
    path: str
    body: dict[str, Any]
    tools: dict[str, Any] = field(default_factory=dict)
    stream: tuple[str, dict[str, Any]] | None = None
    """The path and the members that ask for a stream, where that is not this path and `stream`."""
    usd_per_mtok: tuple[float, float] = (0, 0)

    def ask(self, text: str, *, with_tools: bool, is_stream: bool) -> tuple[str, dict[str, Any]]:
        body = json.loads(json.dumps(self.body).replace("TEXT", text)) | (self.tools if with_tools else {})
        path, members = (self.stream or (self.path, {"stream": True})) if is_stream else (self.path, {})
        return path, body | members

    def costs_nanousd(self) -> int:
        rates = zip(self.usd_per_mtok, (USAGE["prompt_tokens"], USAGE["completion_tokens"]), strict=True)
        return round(sum(rate * 1_000 * tokens for rate, tokens in rates))


MESSAGES = {"messages": [{"role": "user", "content": "TEXT"}], "max_tokens": 500}
CHAT_TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}
CALLS = {
    "openai-chat": Call(
        "openai", "/v1/chat/completions", {"model": "gpt-4o-mini", **MESSAGES}, CHAT_TOOLS,
        ("/v1/chat/completions", {"stream": True, "stream_options": {"include_usage": True}}), (0.15, 0.60),
    ),
    "openai-responses": Call(
        "openai", "/v1/responses", {"model": "gpt-4o-mini", "input": "TEXT", "max_output_tokens": 500},
        {"tools": [{"type": "function", "strict": False, **FUNCTION}]}, None, (0.15, 0.60),
    ),
    "anthropic-messages": Call(
        "anthropic", "/v1/messages", {"model": "claude-haiku-4-5", **MESSAGES},
        {"tools": [{"name": "get_weather", "input_schema": PARAMETERS}]}, None, (1, 5),
    ),
    "gemini": Call(
        "gemini", "/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "TEXT"}]}]},
        {"tools": [{"functionDeclarations": [FUNCTION]}]},
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", {}), (0.30, 2.50),
    ),
    "groq-chat": Call(
        "groq", "/v1/chat/completions", {"model": "llama-3.1-8b-instant", **MESSAGES}, CHAT_TOOLS, None, (0.05, 0.08),
    ),
    "xai-chat": Call(
        "xai", "/v1/chat/completions", {"model": "grok-4.3", **MESSAGES}, CHAT_TOOLS, None, (1.25, 2.50),
    ),
}  # fmt: skip
EMBEDDINGS = {
    "openai": Call("openai", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "TEXT"}),
    "gemini": Call(
        "gemini", "/v1beta/models/gemini-embedding-001:embedContent", {"content": {"parts": [{"text": "TEXT"}]}}
    ),
}


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("aimock"), free_port()
    (folder / "fixtures.json").write_text(json.dumps(FIXTURES))
    child = Child("aimock", [NODE, AIMOCK, "-p", str(port), "-f", folder / "fixtures.json", "--strict"], folder)
    url = f"http://127.0.0.1:{port}"
    child.wait_until(lambda: answers(f"{url}/health"), timeout_s=30)
    yield url
    child.stop()


@pytest.fixture(scope="module")
def before_aimock(aimock: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    env = {f"{provider}_BASE_URL": aimock + path for provider, path in BASE_PATHS.items()}
    env |= {f"{provider}_API_KEY": "sk-aimock" for provider in BASE_PATHS}
    with Stack(tmp_path_factory.mktemp("before") / "state", env=env, with_database=False) as stack:
        yield Edge(stack, stack.tokens["live"])


@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("asked", ["hello", "weather"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_of_aimock_passes_as_it_is_and_costs_what_it_states(
    aimock: str, before_aimock: Edge, run: str, call: Call, asked: str, is_stream: bool
) -> None:
    path, body = call.ask(asked, with_tools=asked == "weather", is_stream=is_stream)
    direct = httpx.post(aimock + path, json=body)

    answer = before_aimock.post(f"/v1/proxy/{call.provider}{path}", body, x_agentwatch_session_id=run)

    assert (answer.status_code, direct.status_code) == (200, 200), answer.text
    assert ("Rome" if asked == "weather" else "Hello!") in answer.text
    assert _comparable(answer.text) == _comparable(direct.text)
    assert round(before_aimock.session(run)["spent_usd"] * 1e9) == call.costs_nanousd()


@pytest.mark.parametrize("call", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_embeddings_of_aimock_pass_as_they_are(aimock: str, before_aimock: Edge, run: str, call: Call) -> None:
    path, body = call.ask("hello", with_tools=False, is_stream=False)
    direct = httpx.post(aimock + path, json=body)

    answer = before_aimock.post(f"/v1/proxy/{call.provider}{path}", body, x_agentwatch_session_id=run)

    assert (answer.status_code, answer.json()) == (200, direct.json())
    assert before_aimock.session(run)["held_usd"] == 0


def _comparable(text: str) -> str:
    return _OWN_TO_EACH_ANSWER.sub("", text)
