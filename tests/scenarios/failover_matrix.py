"""What becomes of a call whose providers fail: every trigger, in every dialect, whole and streamed, at each place of its
chain. `python -m tests.scenarios.failover_matrix` (with `src` on the path) prints it as docs/failover_matrix.md.

Each provider answers on its own wire format, and its journal is what it would bill by the usage that it states; the
Ledger must have charged exactly that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.ledger.messages import StatusRequest
from core.money import price_book, pricing
from core.money.usage import Usage
from exchange import Answer
from ports import AttemptFailed
from tests.support.api_client import Client
from tests.support.failover import (
    CREATED,
    LOST,
    PING,
    ROLE,
    STARTED,
    a_stream,
    a_world_of_providers,
    an_answer,
    an_error,
    an_isolate_with_keys,
    chat_answer,
    chat_stream,
    event,
    messages_answer,
    messages_stream,
    responses_answer,
    responses_stream,
    write_chain,
)
from tests.support.memory_ports import START_MS, ScriptedAnswer

Scripted = ScriptedAnswer | AttemptFailed
ASK = [{"role": "user", "content": "Say hello."}]


@dataclass(frozen=True)
class Way:
    """A caller's dialect, and who may serve it: provider, model and the dialect in which that one is asked."""

    dialect: str
    path: str
    stream_path: str
    body: dict[str, Any]
    hops: tuple[tuple[str, str, str], ...]


WAYS = (
    Way(
        "chat", "/v1/proxy/openai/v1/chat/completions", "", {"model": "gpt-4o", "messages": ASK, "max_tokens": 500},
        (("openai", "gpt-4o", "chat"), ("anthropic", "claude-haiku-4-5", "messages"),
         ("groq", "llama-3.3-70b-versatile", "chat")),
    ),
    Way(
        "messages", "/v1/proxy/anthropic/v1/messages", "", {"model": "claude-haiku-4-5", "messages": ASK, "max_tokens": 500},
        (("anthropic", "claude-haiku-4-5", "messages"), ("openai", "gpt-4o-mini", "chat"),
         ("groq", "llama-3.3-70b-versatile", "chat")),
    ),
    Way(
        "responses", "/v1/proxy/openai/v1/responses", "", {"model": "gpt-4o-mini", "input": "Say hello.", "max_output_tokens": 500},
        (("openai", "gpt-4o-mini", "responses"), ("anthropic", "claude-haiku-4-5", "messages"),
         ("groq", "llama-3.3-70b-versatile", "chat")),
    ),
    Way(
        "gemini", "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}], "generationConfig": {"maxOutputTokens": 500}},
        (("gemini", "gemini-2.5-flash", "gemini"), ("openai", "gpt-4o-mini", "chat"),
         ("anthropic", "claude-haiku-4-5", "messages")),
    ),
)  # fmt: skip

PRELUDES = {"chat": (ROLE,), "messages": (STARTED, PING), "responses": (CREATED,), "gemini": ()}
OVERLOADED = {
    "chat": {"error": {"message": "overloaded", "type": "server_error", "code": "server_error"}},
    "messages": {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}},
    "responses": {
        "type": "error",
        "code": "server_error",
        "message": "overloaded",
        "param": None,
        "sequence_number": 1,
    },
    "gemini": {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
}

FAILED_RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4o-mini", "status": "failed", "output": [],
    "error": {"code": "server_error", "message": "overloaded"}, "usage": None,
}  # fmt: skip

TRIGGERS = (
    "500", "503 as a page", "529", "429 until later", "402 no money", "401 our key", "no connection",
    "an error within 200", "an error after the prelude", "closed after the prelude",
)  # fmt: skip
STREAMED_ONLY = frozenset({"an error after the prelude", "closed after the prelude"})


def failing(trigger: str, dialect: str) -> Scripted:
    """What a provider answers that fails so, in its dialect."""
    error = OVERLOADED[dialect]
    match trigger:
        case "500" | "529":
            return an_error(int(trigger), error)
        case "503 as a page":
            return ScriptedAnswer(status=503, headers={"content-type": "text/html"}, chunks=(b"<html>busy</html>",))
        case "429 until later":
            return an_error(429, error, retry_after="20")
        case "402 no money":
            return an_error(402, error)
        case "401 our key":
            return an_error(401, error)
        case "no connection":
            return LOST
        case "an error within 200":
            return an_answer(FAILED_RESPONSE if dialect == "responses" else error)
        case "an error after the prelude":
            name = error.get("type") if dialect in ("messages", "responses") else None
            return a_stream(*PRELUDES[dialect], event(error, str(name) if name else None))
        case "closed after the prelude":
            return a_stream(*PRELUDES[dialect], is_broken=True)
    raise AssertionError(trigger)


def serving(dialect: str, model: str, *, is_streaming: bool) -> ScriptedAnswer:
    match dialect:
        case "chat":
            return chat_stream(model=model) if is_streaming else chat_answer(model=model)
        case "messages":
            return messages_stream() if is_streaming else messages_answer()
        case "responses":
            return responses_stream(model=model) if is_streaming else responses_answer(model=model)
    raise AssertionError(dialect)


@dataclass(frozen=True)
class Case:
    trigger: str
    way: Way
    is_streaming: bool
    failing: int
    """How many of the chain fail, from the first on."""

    @property
    def name(self) -> str:
        return f"{self.trigger} · {self.way.dialect} · {'stream' if self.is_streaming else 'JSON'} · {self.failing}"


@dataclass(frozen=True)
class Outcome:
    answer: Answer
    asked: list[str]
    """The providers, in order."""
    billed_nanousd: int
    spent_nanousd: int
    held_nanousd: int
    rows: list[dict[str, Any]]


def cases() -> Iterator[Case]:
    for trigger in TRIGGERS:
        for way in WAYS:
            for is_streaming in (False, True):
                if trigger in STREAMED_ONLY and not is_streaming:
                    continue
                for number in range(1, len(way.hops) + 1):
                    yield Case(trigger, way, is_streaming, number)


def play(case: Case, *, budget_usd: str = "1") -> Outcome:
    world, isolate = a_world_of_providers(), an_isolate_with_keys()
    way = case.way
    write_chain(world, isolate, *((provider, model) for provider, model, _ in way.hops[1:]))
    for place, (provider, model, dialect) in enumerate(way.hops):
        script = (
            failing(case.trigger, dialect)
            if place < case.failing
            else serving(dialect, model, is_streaming=case.is_streaming)
        )
        world.answers.setdefault(provider, []).append(script)
    body = way.body if way.dialect == "gemini" else {**way.body, "stream": case.is_streaming}
    path = way.stream_path if case.is_streaming and way.stream_path else way.path
    client = Client(world, isolate)
    answer = client.call(body, path, x_agentwatch_session_id="s1", x_agentwatch_budget_usd=budget_usd)
    ledger = world.ledger_of("acme").service
    (account,) = ledger.status(StatusRequest(session_id="s1"), world.now_ms()).accounts
    rows = [each for each in world.records if each["type"] == "call"]
    served = way.hops[case.failing] if case.failing < len(way.hops) else None
    billed = 0 if served is None else price(served[0], served[1])
    return Outcome(
        answer,
        [provider_of(each.url) for each in world.sent],
        billed,
        account.spent_nanousd,
        account.held_nanousd,
        rows,
    )


def price(provider: str, model: str) -> int:
    """What a provider bills for 100 tokens of input and 10 of output."""
    listed = price_book.find(provider, model, at_ms=START_MS)
    assert isinstance(listed, price_book.Price)
    return pricing.cost_nanousd(Usage(input_tokens=100, output_tokens=10), listed)


def provider_of(url: str) -> str:
    from core.providers import PROVIDERS

    return next(name for name, each in PROVIDERS.items() if url.startswith(each.base_url))


def page() -> str:
    """All outcomes, in Markdown."""
    lines = [
        "# Failover, case by case",
        "",
        "What becomes of a call whose first one, two or all three providers fail (`tests/scenarios/failover_matrix.py`). *Billed* is",
        "what the providers bill by the usage that they state; *charged* and *held* are the Ledger's, in nano-dollars, after the call.",
        "",
        "| trigger | caller | fail | served by | asked | billed | charged | held |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases():
        seen = play(case)
        way = f"{case.way.dialect}, {'stream' if case.is_streaming else 'JSON'}"
        served = (
            seen.answer.headers["x-agentwatch-model"] if seen.answer.status == 200 else f"nobody: {seen.answer.status}"
        )
        money = f"{seen.billed_nanousd} | {seen.spent_nanousd} | {seen.held_nanousd}"
        lines.append(f"| {case.trigger} | {way} | {case.failing} | {served} | {len(seen.asked)} | {money} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
