"""Requests by the official client, as it sends them; and conversations said in Gemini's words, in either spelling."""

import base64
import re
from collections.abc import Callable, Iterable

import httpx
import msgspec
from google import genai
from google.genai import types

from core.wire.dialects import DIALECTS
from core.wire.translation.conversation import (
    Conversation,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from core.wire.translation.gemini.request_reader import read_request

PATH = "v1beta/models/gemini-3-pro:generateContent"
STREAM_PATH = "v1beta/models/gemini-3-pro:streamGenerateContent"


def client(answer: Callable[[httpx.Request], httpx.Response]) -> genai.Client:
    transport = httpx.MockTransport(answer)
    return genai.Client(
        api_key="k", http_options=types.HttpOptions(httpx_client=httpx.Client(transport=transport), timeout=5_000)
    )


def read(body: dict[str, object], path: str = PATH) -> Conversation:
    """What the dialect accepts, as the reader has it."""
    text = msgspec.json.encode(body)
    DIALECTS["gemini"].parse_request(text, path=path)
    return read_request(text, path=path)


def read_contents(*contents: object, **more: object) -> Conversation:
    return read({"contents": list(contents), **more})


def asked(contents: object, config: object = None, *, is_stream: bool = False) -> Conversation:
    """A call of the official client, as the reader has it."""
    heard: list[Conversation] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/")
        DIALECTS["gemini"].parse_request(request.content, path=path)
        heard.append(read_request(request.content, path=path))
        body = b'{"candidates":[{"content":{"parts":[{"text":"ok"}],"role":"model"},"finishReason":"STOP"}]}'
        if is_stream:
            return httpx.Response(200, content=b"data: " + body + b"\n\n")
        return httpx.Response(200, content=body)

    models = client(answer).models
    if is_stream:
        list(models.generate_content_stream(model="gemini-3-pro", contents=contents, config=config))
    else:
        models.generate_content(model="gemini-3-pro", contents=contents, config=config)
    return heard[0]


# Conversations said in Gemini's words ---------------------------------------------------------------------------------


def said(conversation: Conversation, *, has_ids: bool, is_snake: bool) -> dict[str, object]:
    """The request that means this conversation, which has to be one that Gemini has words for."""
    names = {part.id: part.name for turn in conversation.turns for part in turn.parts if isinstance(part, ToolCall)}
    turns = [turn for turn in conversation.turns if turn.role != "system"]
    body: dict[str, object] = {
        "contents": [_content(turn, names, has_ids=has_ids) for turn in turns],
        "generationConfig": _config(conversation),
    }
    for turn in conversation.turns[:1]:
        if turn.role == "system":
            body["systemInstruction"] = {
                "parts": [{"text": part.text} for part in turn.parts if isinstance(part, Text)]
            }
    if conversation.tools:
        body["tools"] = [
            {"functionDeclarations": [
                {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.schema}
                for tool in conversation.tools
            ]}
        ]  # fmt: skip
    if (choice := conversation.tool_choice) is not None:
        mode = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}[choice.mode]
        allowed = {"allowedFunctionNames": [choice.name]} if choice.name else {}
        body["toolConfig"] = {"functionCallingConfig": {"mode": mode, **allowed}}
    return _snake(body) if is_snake else body


def _config(conversation: Conversation) -> dict[str, object]:
    config = {
        "maxOutputTokens": conversation.output_tokens_max,
        "temperature": conversation.temperature,
        "topP": conversation.top_p,
        "topK": conversation.top_k,
        "seed": conversation.seed,
        "stopSequences": list(conversation.stop) or None,
        "frequencyPenalty": conversation.frequency_penalty,
        "presencePenalty": conversation.presence_penalty,
        "responseMimeType": conversation.format and "application/json",
        "responseJsonSchema": conversation.format and conversation.format.schema,
    }
    if (reasoning := conversation.reasoning) is not None:
        budget = 0 if reasoning.effort == "none" else -1 if reasoning.is_adaptive else reasoning.budget_tokens
        level = None if reasoning.effort in (None, "none") else reasoning.effort.upper()
        thinking = {"thinkingBudget": budget, "thinkingLevel": level, "includeThoughts": reasoning.is_shown}
        config["thinkingConfig"] = {name: value for name, value in thinking.items() if value is not None}
    return {name: value for name, value in config.items() if value is not None}


def _content(turn: Turn, names: dict[str, str], *, has_ids: bool) -> dict[str, object]:
    role = "model" if turn.role == "assistant" else "user"
    return {"role": role, "parts": [_part(part, names, has_ids=has_ids) for part in turn.parts]}


def _part(part: object, names: dict[str, str], *, has_ids: bool) -> dict[str, object]:
    match part:
        case Text(text=text):
            return {"text": text}
        case Thinking():
            signed = {} if part.signature is None else {"thoughtSignature": part.signature}
            return {"text": part.text, "thought": True, **signed}
        case Image():
            return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
        case Document() if part.text:
            data = base64.b64encode(part.text.encode()).decode()
            return {"inlineData": {"mimeType": "text/plain", "data": data, "displayName": part.name}}
        case Document():
            return {"inlineData": {"mimeType": part.media_type, "data": part.data, "displayName": part.name}}
        case ToolCall():
            id = {"id": part.id} if has_ids else {}
            signed = {} if part.signature is None else {"thoughtSignature": part.signature}
            return {"functionCall": {**id, "name": part.name, "args": msgspec.json.decode(part.arguments)}, **signed}
        case ToolResult():
            return {"functionResponse": _response(part, names[part.call_id], has_ids=has_ids)}
    raise AssertionError(part)


def _response(result: ToolResult, name: str, *, has_ids: bool) -> dict[str, object]:
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    others = [_part(part, {}, has_ids=has_ids) for part in result.parts if not isinstance(part, Text)]
    word = "error" if result.is_error else "output"
    said = {"response": {word: texts[0]}} if texts else {}
    return {
        **({"id": result.call_id} if has_ids else {}),
        "name": name,
        **said,
        **({"parts": others} if others else {}),
    }


_OWN = ("args", "response", "parametersJsonSchema", "responseJsonSchema")


def _snake(value: object) -> object:
    """The same in the other spelling, but for what is the caller's own; numbers as texts."""
    if isinstance(value, dict):
        return {
            re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower(): inner if name in _OWN else _snake(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_snake(inner) for inner in value]
    return str(value) if type(value) is int else value


def texts_of(turns: Iterable[Turn]) -> list[tuple[str, list[str]]]:
    return [(turn.role, [part.text for part in turn.parts if isinstance(part, Text)]) for turn in turns]
