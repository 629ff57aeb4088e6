"""Providers as failover meets them: each answers on its own wire format, and chains are written as tenants do."""

import json
from typing import Any

from isolate import Isolate
from ports import AttemptFailed
from tests.support.api_client import ADMIN, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World

KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "ANTHROPIC_API_KEY": "sk-ant-ours",
    "GEMINI_API_KEY": "AIza-ours",
    "GROQ_API_KEY": "gsk_ours",
    "XAI_API_KEY": "xai-ours",
}
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}

MODELS = {
    "openai": "gpt-4o-mini",
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "groq": "llama-3.3-70b-versatile",
    "xai": "grok-3-mini",
}


def a_world_of_providers() -> World:
    return a_world_with_administrators({"requests_per_minute": 1_000_000})


def an_isolate_with_keys(**settings: str) -> Isolate:
    return an_isolate(**KEYS, **settings)


def write_chain(
    world: World, isolate: Isolate, *hops: tuple[str, str], model: Any = "*", token: str = ADMIN, **values: Any
) -> None:
    """One chain for all models, or those named; members of the document are told from those of the chain by name."""
    envelope = {name: values.pop(name) for name in ("attempts_max", "deadline_ms", "dollars_max") if name in values}
    chain = {
        "match": {"model": model},
        "hops": [{"provider": provider, "model": name} for provider, name in hops],
        **values,
    }
    admin = Client(world, isolate, token)
    answer = admin.ask("PUT", "/v1/failover", {"chains": [chain], **envelope}, if_match="*")
    assert answer.status == 200, answer.body


def an_error(status: int, body: Any = None, **headers: str) -> ScriptedAnswer:
    content = json.dumps({"error": {"message": "no", "type": "x", "code": "x"}} if body is None else body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedAnswer(status=status, headers={**JSON, **named}, chunks=(content,))


def an_answer(body: Any) -> ScriptedAnswer:
    return ScriptedAnswer(headers=JSON, chunks=(json.dumps(body).encode(),))


def chat_answer(text: str = "hello", model: str = "gpt-4o-mini", **usage: int) -> ScriptedAnswer:
    usage = usage or {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return an_answer(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}
    )


def messages_answer(text: str = "hello", model: str = "claude-haiku-4-5") -> ScriptedAnswer:
    return an_answer(
        {
            "id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 10},
        }
    )  # fmt: skip


def responses_answer(text: str = "hello", model: str = "gpt-5-mini") -> ScriptedAnswer:
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return an_answer(
        {
            "id": "resp_1", "object": "response", "created_at": 1, "model": model, "status": "completed",
            "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "usage": {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110,
                      "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
        }
    )  # fmt: skip


def event(document: Any, name: str | None = None) -> bytes:
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"data: " + json.dumps(document).encode() + b"\n\n"


def chunk(delta: Any, finish: str | None = None, model: str = "gpt-4o-mini") -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})


ROLE = chunk({"role": "assistant", "content": ""})
STARTED = event(
    {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
     "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 100, "output_tokens": 1}}},
    "message_start",
)  # fmt: skip
PING = event({"type": "ping"}, "ping")
CREATED = event(
    {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "created_at": 1,
     "model": "gpt-5-mini", "status": "in_progress", "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}},
    "response.created",
)  # fmt: skip


def a_stream(*chunks: bytes, is_broken: bool = False) -> ScriptedAnswer:
    return ScriptedAnswer(headers=SSE, chunks=chunks, is_broken=is_broken)


def chat_stream(*texts: str, model: str = "gpt-4o-mini") -> ScriptedAnswer:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return a_stream(
        ROLE,
        *(chunk({"content": text}, model=model) for text in texts or ("hel", "lo")),
        chunk({}, "stop", model=model),
        event(
            {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage}
        ),
        b"data: [DONE]\n\n",
    )


def messages_stream(*texts: str) -> ScriptedAnswer:
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [
        event(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
            "content_block_delta",
        )
        for text in texts or ("hel", "lo")
    ]
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 10},
    }
    return a_stream(
        STARTED,
        PING,
        event(block, "content_block_start"),
        *deltas,
        event({"type": "content_block_stop", "index": 0}, "content_block_stop"),
        event(end, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    )


def responses_stream(*texts: str, model: str = "gpt-5-mini") -> ScriptedAnswer:
    whole = json.loads(responses_answer("".join(texts or ("hel", "lo")), model).chunks[0])
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {
            "type": "response.content_part.added",
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "part": part,
        },
        *(
            {
                "type": "response.output_text.delta",
                "item_id": "msg_1",
                "output_index": 0,
                "content_index": 0,
                "delta": text,
            }
            for text in texts or ("hel", "lo")
        ),
        {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]},
        {"type": "response.completed", "response": whole},
    ]
    return a_stream(
        CREATED,
        *(event({**each, "sequence_number": number}, str(each["type"])) for number, each in enumerate(events, 1)),
    )


LOST = AttemptFailed("connection_lost")
