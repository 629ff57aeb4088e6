"""Chat requests and turns with good defaults: read, and written as a provider gets them."""

from typing import Any

import msgspec

from core.wire.translation.chat.request_reader import read_request
from core.wire.translation.chat.request_writer import write_request
from core.wire.translation.conversation import (
    AnyPart,
    Conversation,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

PNG = "data:image/png;base64,iVBORw0K"
PDF = "data:application/pdf;base64,JVBERi0="
HI = {"role": "user", "content": "Hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
FUNCTION = {"name": "f", "parameters": {"type": "object"}}
PROVIDERS = ("openai", "groq", "xai", "gemini")


def read(*messages: dict[str, Any], **members: Any) -> Conversation:
    return read_request(msgspec.json.encode({"model": "gpt-5.5", "messages": list(messages or (HI,)), **members}))


def written(*turns: Turn, provider: str = "openai", **members: Any) -> dict[str, Any]:
    conversation = Conversation(
        model=members.pop("model", "gpt-5.5"), turns=turns or (user(Text(text="Hi")),), **members
    )
    found: dict[str, Any] = msgspec.json.decode(write_request(conversation, provider))
    return found


def messages_of(*turns: Turn, provider: str = "openai") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = written(*turns, provider=provider)["messages"]
    return found


def user(*parts: AnyPart) -> Turn:
    return Turn("user", parts)


def assistant(*parts: AnyPart) -> Turn:
    return Turn("assistant", parts)


def system(*texts: str) -> Turn:
    return Turn("system", tuple(Text(text=text) for text in texts))


def a_call(id: str = "call_1", arguments: str = '{"a":1}', **members: Any) -> ToolCall:
    return ToolCall(id=id, name="f", arguments=arguments, **members)


def a_result(id: str = "call_1", text: str = "sunny", **members: Any) -> ToolResult:
    return ToolResult(call_id=id, parts=(Text(text=text),), **members)
