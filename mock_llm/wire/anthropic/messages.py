"""Anthropic messages: the answer, whole and streamed.

Content is a list of blocks: web searches with their results, thinking, text, tool calls. In a
stream each block is opened, written in deltas and closed; `message_start` carries the input's usage
and `message_delta` the output's.
"""

from collections.abc import Iterator
from itertools import count

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.usage import Usage
from mock_llm.wire.anthropic.request import parse_messages
from mock_llm.wire.sse import named_event
from mock_llm.writing.calls import Call, Frame, Wire
from mock_llm.writing.plan import Channel, Finish, ToolCall

_encode = msgspec.json.encode

STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
}
SIGNATURE = "EqQBCgIYAhIkMDM3ZGI0NDQtbW9jay1zaWduYXR1cmU="


def answer(call: Call) -> bytes:
    choice = call.choices[0]
    message = _message(call, _blocks(call))
    message["stop_reason"] = STOP_REASONS[choice.finish]
    message["stop_sequence"] = choice.stop_sequence
    if call.reported is not None:
        message["usage"] = {**_usage(call.reported), **_search(call, call.reported)}
    return _encode(message)


def frames(call: Call) -> Iterator[Frame]:
    yield _start(call), None
    blocks = count()
    yield from _search_frames(call, blocks)
    choice = call.choices[0]
    if choice.reasoning:
        yield from _thinking_frames(next(blocks), choice.reasoning)
    if choice.text or not choice.tools:
        yield from _text_frames(next(blocks), choice.text)
    for place, tool in enumerate(choice.tools):
        yield from _tool_frames(next(blocks), call, place, tool)
    yield _message_delta(call), None
    yield _event("message_stop"), None


def stream_error(_call: Call, message: str) -> bytes:
    return _event("error", error={"type": "overloaded_error", "message": message})


def _message(call: Call, content: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": f"msg_{call.unique}",
        "type": "message",
        "role": "assistant",
        "model": call.model.answers_as,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(usage: Usage) -> dict[str, object]:
    return {**_counts(usage), "cache_creation": _lifetimes(usage), "service_tier": "standard"}


def _counts(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.input_tokens + usage.image_input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.completion_tokens,
    }


def _lifetimes(usage: Usage) -> dict[str, object]:
    return {
        "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
        "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
    }


def _search(call: Call, usage: Usage) -> dict[str, object]:
    """What searches add: how many, and the usage of every turn, since each reads the prompt again."""
    if not call.script.web_searches:
        return {}
    turns = [
        {"type": "message", **_counts(turn), "cache_creation": _lifetimes(turn)} for turn in usage.by_turn(call.turns)
    ]
    ran = {"web_search_requests": usage.web_search_calls, "web_fetch_requests": 0}
    return {"server_tool_use": ran, "iterations": turns}


# --- blocks ---------------------------------------------------------------------------------------


def _blocks(call: Call) -> list[dict[str, object]]:
    choice = call.choices[0]
    blocks: list[dict[str, object]] = []
    for place in range(call.script.web_searches):
        search, result = _search_blocks(call, place)
        blocks += [search, result]
    if choice.reasoning:
        thinking = "".join(choice.reasoning)
        blocks.append({"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
    if choice.text or not choice.tools:
        blocks.append({"type": "text", "text": "".join(choice.text)})
    for place, tool in enumerate(choice.tools):
        blocks.append(_tool_block(call, place, tool, _arguments(tool)))
    return blocks


def _arguments(tool: ToolCall) -> object:
    """A call cut off by the limit has no complete JSON, so no input."""
    return msgspec.json.decode(tool.arguments) if tool.is_complete else {}


def _tool_block(call: Call, place: int, tool: ToolCall, arguments: object) -> dict[str, object]:
    return {
        "type": "tool_use",
        "id": f"toolu_{call.unique}{place}",
        "name": tool.name,
        "input": arguments,
    }


def _search_blocks(call: Call, place: int) -> tuple[dict[str, object], dict[str, object]]:
    use_id = f"srvtoolu_{call.unique}{place}"
    query = {"query": f"question {place + 1}"}
    search: dict[str, object] = {
        "type": "server_tool_use",
        "id": use_id,
        "name": "web_search",
        "input": query,
    }
    found = {
        "type": "web_search_result",
        "title": "A page",
        "url": "https://example.com/",
        "encrypted_content": "bW9jaw==",
        "page_age": None,
    }
    result: dict[str, object] = {
        "type": "web_search_tool_result",
        "tool_use_id": use_id,
        "content": [found],
    }
    return search, result


# --- streamed -------------------------------------------------------------------------------------


def _event(kind: str, **fields: object) -> bytes:
    return named_event(kind, {"type": kind, **fields})


def _start(call: Call) -> bytes:
    message = _message(call, [])
    if call.reported is not None:
        # By now the first turn's prompt has been read, and one token written.
        first_turn = call.reported.by_turn(call.turns)[0]
        message["usage"] = {**_usage(first_turn), "output_tokens": min(1, call.reported.completion_tokens)}
    return _event("message_start", message=message)


def _message_delta(call: Call) -> bytes:
    choice = call.choices[0]
    delta = {
        "stop_reason": STOP_REASONS[choice.finish],
        "stop_sequence": choice.stop_sequence,
    }
    if (usage := call.reported) is None:
        return _event("message_delta", delta=delta)
    return _event("message_delta", delta=delta, usage={**_counts(usage), **_search(call, usage)})


def _open(index: int, block: dict[str, object]) -> bytes:
    """Opens a block; a ping follows the first, as it does at Anthropic."""
    opened = _event("content_block_start", index=index, content_block=block)
    return opened + _event("ping") if index == 0 else opened


def _close(index: int) -> bytes:
    return _event("content_block_stop", index=index)


def _deltas(index: int, kind: str, field: str, pieces: list[str], channel: Channel) -> Iterator[Frame]:
    """One delta a token, encoded around what they all share."""
    before = (
        f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{index},'
        f'"delta":{{"type":"{kind}","{field}":'
    ).encode()
    for piece in pieces:
        yield before + _encode(piece) + b"}}\n\n", channel


def _search_frames(call: Call, blocks: Iterator[int]) -> Iterator[Frame]:
    for place in range(call.script.web_searches):
        search, result = _search_blocks(call, place)
        index = next(blocks)
        query = _encode(search["input"]).decode()
        yield _open(index, {**search, "input": {}}), None
        delta = {"type": "input_json_delta", "partial_json": query}
        yield _event("content_block_delta", index=index, delta=delta), None
        yield _close(index), None
        index = next(blocks)
        yield _open(index, result) + _close(index), None


def _thinking_frames(index: int, pieces: list[str]) -> Iterator[Frame]:
    yield _open(index, {"type": "thinking", "thinking": "", "signature": ""}), None
    yield from _deltas(index, "thinking_delta", "thinking", pieces, Channel.REASONING)
    signature = {"type": "signature_delta", "signature": SIGNATURE}
    yield _event("content_block_delta", index=index, delta=signature), None
    yield _close(index), None


def _text_frames(index: int, pieces: list[str]) -> Iterator[Frame]:
    yield _open(index, {"type": "text", "text": ""}), None
    yield from _deltas(index, "text_delta", "text", pieces, Channel.TEXT)
    yield _close(index), None


def _tool_frames(index: int, call: Call, place: int, tool: ToolCall) -> Iterator[Frame]:
    yield _open(index, _tool_block(call, place, tool, {})), None
    yield from _deltas(index, "input_json_delta", "partial_json", tool.pieces, Channel.TOOL)
    yield _close(index), None


MESSAGES = Wire(
    "messages",
    Kind.CHAT,
    parse_messages,
    answer,
    frames,
    stream_error,
    shows_web_searches=True,
    shows_turns=True,
)
