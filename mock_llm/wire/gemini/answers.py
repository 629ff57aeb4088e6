"""Gemini's native API: answers, streams and embeddings.

Every chunk of a stream carries the usage so far. A function call comes whole, in one chunk, once
its arguments are written. Without `alt=sse` a stream is one JSON array, delivered element by
element.
"""

from collections.abc import Iterator

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.usage import Usage
from mock_llm.wire.gemini import request as requests
from mock_llm.wire.gemini.form import in_form
from mock_llm.wire.vectors import unit_vector
from mock_llm.writing.calls import Call, Frame, Wire
from mock_llm.writing.plan import Channel, Choice, Finish, Step, ToolCall, steps

_encode = msgspec.json.encode

FINISH_REASONS = {
    Finish.STOP: "STOP",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOLS: "STOP",
}

Part = dict[str, object]


def answer(call: Call) -> bytes:
    candidates = [_candidate(index, _parts(call, choice), choice.finish) for index, choice in enumerate(call.choices)]
    for candidate in candidates[:1]:
        candidate.update(_grounding(call))
    return _written(call, _response(call, candidates, call.reported))


def frames(call: Call) -> Iterator[Frame]:
    """The stream's elements, framed as events or as the members of a JSON array."""
    if call.ask.form.is_sse:
        for element, channel in _elements(call):
            yield (b"data: " + element + b"\r\n\r\n" if element else b""), channel
        return
    lead = b"["
    for element, channel in _elements(call):
        yield (lead + element if element else b""), channel
        lead = b",\r\n" if element else lead
    yield b"]", None


def _written(call: Call, document: object) -> bytes:
    return _encode(in_form(document, call.ask.form))


def stream_error(call: Call, message: str) -> bytes:
    error = _encode({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}})
    return b"data: " + error + b"\r\n\r\n" if call.ask.form.is_sse else b",\r\n" + error + b"]"


def _elements(call: Call) -> Iterator[Frame]:
    channels = [0, 0, 0, 0]
    for step in steps(call.choices):
        channels[step.channel] += 1
        part = _streamed_part(call, step)
        if part is None:
            yield b"", step.channel
            continue
        candidate = _candidate(step.choice, [part], None)
        yield _written(call, _response(call, [candidate], call.reported_after(channels))), step.channel
    for index, choice in enumerate(call.choices):
        closing = _candidate(index, [{"text": ""}], choice.finish)
        closing.update(_grounding(call) if index == 0 else {})
        yield _written(call, _response(call, [closing], call.reported)), None


def _streamed_part(call: Call, step: Step) -> Part | None:
    match step.channel:
        case Channel.REASONING:
            return {"text": step.text, "thought": True} if call.ask.shows_thinking else None
        case Channel.TOOL:
            tool = call.choices[step.choice].tools[step.tool]
            return _function_part(tool) if step.ends_tool and tool.is_complete else None
        case _:
            return {"text": step.text}


def _parts(call: Call, choice: Choice) -> list[Part]:
    parts: list[Part] = []
    if choice.reasoning and call.ask.shows_thinking:
        parts.append({"text": "".join(choice.reasoning), "thought": True})
    if choice.text or not choice.tools:
        parts.append({"text": "".join(choice.text)})
    parts += [_function_part(tool) for tool in choice.tools if tool.is_complete]
    return parts


def _function_part(tool: ToolCall) -> Part:
    return {"functionCall": {"name": tool.name, "args": msgspec.json.decode(tool.arguments)}}


def _candidate(index: int, parts: list[Part], finish: Finish | None) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = FINISH_REASONS[finish]
    candidate["index"] = index
    return candidate


def _grounding(call: Call) -> dict[str, object]:
    if not call.script.web_searches:
        return {}
    queries = [f"question {place + 1}" for place in range(call.script.web_searches)]
    chunk = {"web": {"uri": "https://example.com/", "title": "A page"}}
    return {"groundingMetadata": {"webSearchQueries": queries, "groundingChunks": [chunk]}}


def _response(call: Call, candidates: list[dict[str, object]], usage: Usage | None) -> dict[str, object]:
    document: dict[str, object] = {"candidates": candidates}
    if usage is not None:
        document["usageMetadata"] = _usage(call, usage)
    document["modelVersion"] = call.model.answers_as
    document["responseId"] = call.unique
    return document


def _usage(call: Call, usage: Usage) -> dict[str, object]:
    """Zeroes are left out, as everywhere at Google; what tools put into the prompt is apart."""
    by_tools = min(call.script.tool_use_prompt_tokens, usage.input_tokens)
    visible = usage.output_tokens + usage.audio_output_tokens
    prompt = usage.prompt_tokens - by_tools
    written: dict[str, object] = {"promptTokenCount": prompt}
    counts = {
        "cachedContentTokenCount": usage.cached_input_tokens,
        "candidatesTokenCount": visible,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "toolUsePromptTokenCount": by_tools,
    }
    written.update((name, count) for name, count in counts.items() if count)
    written["totalTokenCount"] = usage.total_tokens
    written["promptTokensDetails"] = _by_modality(
        prompt - usage.audio_input_tokens - usage.image_input_tokens,
        image=usage.image_input_tokens,
        audio=usage.audio_input_tokens,
    )
    if usage.cached_input_tokens:
        written["cacheTokensDetails"] = _by_modality(usage.cached_input_tokens)
    if usage.audio_output_tokens:
        written["candidatesTokensDetails"] = _by_modality(usage.output_tokens, audio=usage.audio_output_tokens)
    return written


def _by_modality(text: int, *, image: int = 0, audio: int = 0) -> list[dict[str, object]]:
    counts = {"TEXT": text, "IMAGE": image, "AUDIO": audio}
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]


def _count_answer(call: Call) -> bytes:
    usage = call.input_usage
    text = usage.prompt_tokens - usage.image_input_tokens - usage.audio_input_tokens
    details = _by_modality(text, image=usage.image_input_tokens, audio=usage.audio_input_tokens)
    return _written(call, {"totalTokens": usage.prompt_tokens, "promptTokensDetails": details})


def _embed_answer(call: Call) -> bytes:
    return _written(call, {"embedding": _vectors(call)[0], **_embed_usage(call)})


def _batch_embed_answer(call: Call) -> bytes:
    return _written(call, {"embeddings": _vectors(call), **_embed_usage(call)})


def _vectors(call: Call) -> list[dict[str, object]]:
    size = call.ask.dimensions or call.model.dimensions
    return [{"values": unit_vector(seed, size)} for seed in call.ask.vectors]


def _embed_usage(call: Call) -> dict[str, object]:
    if call.reported is None:
        return {}
    tokens = call.reported.prompt_tokens
    counted = {"promptTokenCount": tokens, "promptTokenDetails": _by_modality(tokens)}
    return {"usageMetadata": counted}


GENERATE = Wire(
    "generate_content",
    Kind.CHAT,
    requests.parse_generate,
    answer,
    frames,
    stream_error,
    shows_web_searches=True,
)
COUNT_TOKENS = Wire("count_tokens", Kind.CHAT, requests.parse_count, _count_answer, is_free=True)
EMBED = Wire("embed_content", Kind.EMBEDDING, requests.parse_embed, _embed_answer)
BATCH_EMBED = Wire("batch_embed_contents", Kind.EMBEDDING, requests.parse_batch_embed, _batch_embed_answer)
