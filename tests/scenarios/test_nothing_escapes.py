"""From the hold on nothing leaves a call unsettled: whatever is raised in the core, at any of its functions, in every way
a call can go, the hold ends, at no more than was held, and there is one record of it."""

import contextlib
import json

import pytest

from core.ledger.document_messages import WriteRequest
from ports import AttemptFailed
from tests.support.api_client import CALL, SSE, Client, an_isolate, sse
from tests.support.core_faults import CoreFaults, Surprise
from tests.support.failover import (
    LOST,
    ROLE,
    a_stream,
    an_error,
    an_isolate_with_keys,
    chat_answer,
    chat_stream,
    event,
    messages_answer,
    messages_stream,
)
from tests.support.memory_ports import START_MS, ScriptedAnswer, World

LIMIT_NANOUSD = 2_000_000
USAGE = {"prompt_tokens": 8, "completion_tokens": 9}
COMPLETE = json.dumps({"model": "gpt-4o-mini", "choices": [{}], "usage": USAGE}).encode()


WORDS = tuple(
    sse({"id": "c", "choices": [{"index": 0, "delta": {"content": " word" * 80}, "finish_reason": None}]})
    for _ in range(8)
)
END = (
    sse({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    sse({"id": "c", "choices": [], "usage": USAGE}),
    b"data: [DONE]\n\n",
)

RULES = [
    {"id": "tagged", "condition": {"always": True}, "action": {"type": "tag", "tags": ["a"]}},
    {"id": "told", "condition": {"iteration_min": 1}, "action": {"type": "alert"}},
    {"id": "not-yet", "condition": {"repeated_step_min": 9}, "action": {"type": "block"}},
    {"id": "perhaps", "mode": "shadow", "condition": {"risk_tags_any": ["PII_SSN"]}, "action": {"type": "block"}},
]

ANSWERS: dict[str, tuple[ScriptedAnswer | AttemptFailed, int]] = {
    "whole": (ScriptedAnswer(chunks=(COMPLETE,)), 100),
    "without usage": (ScriptedAnswer(chunks=(b'{"choices":[{"message":{"content":"words"}}]}',)), 100),
    "unreadable": (ScriptedAnswer(chunks=(b"<html>",)), 100),
    "a failure": (ScriptedAnswer(chunks=(b'{"error":{"message":"no"}}',)), 100),
    "broken off": (ScriptedAnswer(chunks=(COMPLETE,), is_broken=True), 100),
    "left while it is read": (ScriptedAnswer(chunks=(COMPLETE,), client_leaves_after=0), 100),
    "too long": (ScriptedAnswer(chunks=(COMPLETE,), is_too_long=True), 100),
    "an error": (ScriptedAnswer(status=500, chunks=(b"no",)), 100),
    "no answer": (AttemptFailed("connection_lost"), 100),
    "streamed as it is": (ScriptedAnswer(headers=SSE, chunks=WORDS + END), 100),
    "streamed in slices": (ScriptedAnswer(headers=SSE, chunks=WORDS + END), 1),
    "cut": (ScriptedAnswer(headers=SSE, chunks=WORDS * 4 + END), 0),
    "a stream that breaks off": (ScriptedAnswer(headers=SSE, chunks=WORDS, is_broken=True), 1),
    "a stream that is left": (ScriptedAnswer(headers=SSE, chunks=WORDS, client_leaves_after=5), 1),
    "a stream without its last blank line": (ScriptedAnswer(headers=SSE, chunks=(*WORDS, b"data: [DONE]")), 1),
}
ways = pytest.mark.parametrize("way", ANSWERS)

OPENAI, ANTHROPIC = ("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5")
FAILED = event({"error": {"type": "server_error", "message": "overloaded"}})
FOREIGN = {"error": {"code": "invalid_encrypted_content", "message": "no"}}
Scripted = ScriptedAnswer | AttemptFailed

CHAINS: dict[str, tuple[tuple[str, str], bool, list[Scripted], list[Scripted]]] = {
    "served at once": (OPENAI, False, [chat_answer()], []),
    "a failing first hop": (OPENAI, False, [an_error(503), chat_answer()], []),
    "a first hop that may be billed": (OPENAI, False, [LOST, chat_answer()], []),
    "a first hop that says when to come again": (OPENAI, False, [an_error(429, retry_after="20"), chat_answer()], []),
    "a history that is repaired": (OPENAI, False, [an_error(400, FOREIGN), chat_answer()], []),
    "a translated hop": (ANTHROPIC, False, [an_error(503)], [messages_answer()]),
    "all in vain": (ANTHROPIC, False, [an_error(503)], [an_error(529)]),
    "a failing prelude": (OPENAI, True, [a_stream(ROLE, FAILED), chat_stream()], []),
    "a prelude that breaks off": (OPENAI, True, [a_stream(ROLE, is_broken=True), chat_stream()], []),
    "a translated stream": (ANTHROPIC, True, [a_stream(ROLE, FAILED)], [messages_stream()]),
    "a stream that breaks off after it": (
        OPENAI, True, [an_error(503), a_stream(*chat_stream().chunks[:2], is_broken=True)], [],
    ),
    "streams in vain": (ANTHROPIC, True, [a_stream(ROLE, FAILED)], [an_error(529)]),
}  # fmt: skip
"""The hop behind gpt-4o, whether the call is streamed, and what OpenAI and Anthropic answer, one after the other."""
SHARES = 6
"""Planning a hop calls hundreds of functions: each chain tries one in so many, another share than its neighbour."""
chains = pytest.mark.parametrize("chain", CHAINS)


def play(way: str, fails_at: int) -> tuple[World, CoreFaults]:
    world = World({"requests_per_minute": 1_000_000})
    world.answer, times = ANSWERS[way]
    world.set_month(LIMIT_NANOUSD * times or LIMIT_NANOUSD // 6)
    world.upstream_also = lambda: world.pass_time(700)
    rules = WriteRequest(kind="rules", text=json.dumps({"rules": RULES}))
    world.ledger_of("acme").service.documents.write(rules, START_MS)
    is_streaming = isinstance(world.answer, ScriptedAnswer) and world.answer.headers == SSE
    body = {**CALL, "max_tokens": 2_000, "stream": is_streaming}
    faults = CoreFaults(begins=lambda: world.has_granted, spares=lambda: world.is_asking_ledger or world.is_winding_up)
    with contextlib.suppress(Surprise), faults.raising(at=fails_at):
        Client(world, an_isolate()).call(body, x_agentwatch_session_id="s")
    return world, faults


@ways
def test_a_fault_at_any_function_of_the_core_ends_the_hold_and_is_one_record(way: str) -> None:
    _, counted = play(way, fails_at=0)
    assert len(counted.places) >= 3

    for fails_at in counted.places:
        world, faults = play(way, fails_at)

        spent_nanousd, held_nanousd = world.month()
        calls = [record for record in world.records if record["type"] == "call"]
        assert len(calls) == 1, faults.where
        assert (held_nanousd, spent_nanousd) == (0, calls[0]["cost_nanousd"]), faults.where
        assert spent_nanousd <= LIMIT_NANOUSD, faults.where


def test_a_fault_before_the_provider_was_asked_costs_nothing() -> None:
    world, faults = play("whole", fails_at=1)

    assert world.sent == []
    assert faults.where is not None
    (record,) = world.records
    assert (record["outcome"], record["error_code"], record["cost_nanousd"]) == ("failed", "internal_error", 0)


def play_chain(chain: str, fails_at: int) -> tuple[World, CoreFaults]:
    world = World({"requests_per_minute": 1_000_000})
    (provider, model), is_streaming, openai, anthropic = CHAINS[chain]
    world.answers = {"openai": list(openai), "anthropic": list(anthropic)}
    world.set_month(100 * LIMIT_NANOUSD)
    world.upstream_also = lambda: world.pass_time(700)
    documents = world.ledger_of("acme").service.documents
    documents.write(WriteRequest(kind="rules", text=json.dumps({"rules": RULES})), START_MS)
    written = {"match": {"model": "gpt-4o"}, "hops": [{"provider": provider, "model": model}], "after_uncertain": True}
    documents.write(WriteRequest(kind="failover", text=json.dumps({"chains": [written]})), START_MS)
    faults = CoreFaults(begins=lambda: world.has_granted, spares=lambda: world.is_asking_ledger or world.is_winding_up)
    body = {**CALL, "model": "gpt-4o", "stream": is_streaming}
    with contextlib.suppress(Surprise), faults.raising(at=fails_at):
        Client(world, an_isolate_with_keys()).call(body, x_agentwatch_session_id="s")
    return world, faults


@chains
def test_a_fault_on_the_way_along_a_chain_leaves_no_hold_and_a_record_of_each_attempt(chain: str) -> None:
    _, counted = play_chain(chain, fails_at=0)
    places = counted.places[list(CHAINS).index(chain) % SHARES :: SHARES]
    assert len(places) >= 3

    for fails_at in places:
        world, faults = play_chain(chain, fails_at)

        spent_nanousd, held_nanousd = world.month()
        rows = {row["attempt"]: row["cost_nanousd"] for row in world.records if row["type"] == "call"}
        assert len(rows) == len([row for row in world.records if row["type"] == "call"]), faults.where
        assert len(rows) >= max(1, len(world.sent)), faults.where
        assert (held_nanousd, spent_nanousd) == (0, sum(rows.values())), faults.where
        assert not [row for row in world.records if row["type"] == "debt"], faults.where
