"""What a caller is shown beside a provider's answer: the provider's own word, and ours under names of our own."""

import json

import pytest

from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import ANSWER, CALL, CHAT, SSE, Client, sse
from tests.support.memory_ports import ScriptedAnswer, World

SETTINGS = parse_settings({"OPENAI_API_KEY": "sk", "ANTHROPIC_API_KEY": "sk"})
ITS_RATE = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-remaining-tokens": "17",
}
JSON = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),), headers=ITS_RATE)
STREAM = ScriptedAnswer(chunks=(sse(ANSWER), b"data: [DONE]\n\n"), headers=ITS_RATE | SSE)
ITS_429 = ScriptedAnswer(status=429, chunks=(b'{"error":{"message":"slow down"}}',), headers=ITS_RATE)


def call(scripted: ScriptedAnswer, path: str = CHAT, **body: object) -> Answer:
    world = World({"requests_per_minute": 60})
    world.answer = scripted
    return Client(world, Isolate(SETTINGS)).call(CALL | body, path)


@pytest.mark.parametrize("scripted", [JSON, STREAM, ITS_429], ids=["json", "stream", "429"])
def test_the_provider_s_rate_passes_and_ours_stands_beside_it(scripted: ScriptedAnswer) -> None:
    answer = call(scripted, stream=scripted is STREAM)

    assert {name: answer.headers.get(name) for name in ITS_RATE} == ITS_RATE
    assert answer.headers["x-agentwatch-ratelimit-limit-requests"] == "60"
    assert answer.headers["x-agentwatch-ratelimit-remaining-requests"] == "59"
    assert answer.headers["x-agentwatch-ratelimit-reset-requests"].endswith("ms")


def test_a_rate_of_ours_that_is_used_up_is_told_under_both_names() -> None:
    world = World({"requests_per_minute": 1})
    world.answer = JSON
    client = Client(world, Isolate(SETTINGS))
    client.call()

    refused = client.call()

    assert refused.status == 429
    for start in ("x-ratelimit", "x-agentwatch-ratelimit"):
        assert (refused.headers[f"{start}-limit-requests"], refused.headers[f"{start}-remaining-requests"]) == (
            "1",
            "0",
        )


def test_a_translated_answer_has_the_provider_s_id_where_the_caller_s_client_looks() -> None:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": [],
               "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
    scripted = ScriptedAnswer(chunks=(json.dumps(message).encode(),), headers={"request-id": "req_theirs"})

    answer = call(scripted, "/v1/chat/completions", model="anthropic/claude-haiku-4-5")

    assert (answer.status, answer.headers["x-request-id"]) == (200, "req_theirs")
