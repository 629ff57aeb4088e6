"""Chat completions: the answer, whole and streamed, in five providers' variants.

The variants differ in where reasoning shows (nowhere at OpenAI, `reasoning` at Groq,
`reasoning_content` at xAI), in the usage object and where a stream has it (Gemini's every chunk counts
on, without a last one of its own), and in Groq's `x_groq` and `service_tier`. A streamed token costs one concatenation:
what does not change from event to event is encoded once a call.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.usage import Usage
from mock_llm.wire.openai import usage as openai_usage
from mock_llm.wire.openai.chat_request import parse_chat
from mock_llm.wire.sse import DONE, data_event
from mock_llm.writing.calls import Call, Frame, Wire
from mock_llm.writing.plan import Channel, Choice, Finish, Step, ToolCall, steps

_encode = msgspec.json.encode

FINISH_REASONS = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOLS: "tool_calls",
}
AUDIO_LIFETIME_S = 3_600
_UNFINISHED = b',"logprobs":null,"finish_reason":null}'

Delta = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Variant:
    """What one provider's chat completions do differently."""

    usage_object: Callable[[Usage, Call], dict[str, object]]
    reasoning_field: str | None = None
    fingerprint: str | None = None
    has_usage_in_every_chunk: bool = False
    has_service_tier: bool = False
    has_x_groq: bool = False


OPENAI = Variant(openai_usage.openai_usage, fingerprint="fp_9b1e4c7a20", has_service_tier=True)
GROQ = Variant(
    openai_usage.groq_usage,
    reasoning_field="reasoning",
    fingerprint="fp_3f3b593e33",
    has_x_groq=True,
)
XAI = Variant(openai_usage.xai_usage, reasoning_field="reasoning_content", fingerprint="fp_a7c1d0e52b")
GEMINI = Variant(openai_usage.gemini_usage, has_usage_in_every_chunk=True)
ANTHROPIC = Variant(openai_usage.anthropic_usage)


def chat_wire(variant: Variant) -> Wire:
    def answer(call: Call) -> bytes:
        return _answer(variant, call)

    def frames(call: Call) -> Iterator[Frame]:
        return _frames(variant, call)

    return Wire("chat", Kind.CHAT, parse_chat, answer, frames, stream_error)


def stream_error(_call: Call, message: str) -> bytes:
    """An error after the stream has begun: an event with an `error`, then the stream ends."""
    error = {"message": message, "type": "server_error", "param": None, "code": None}
    return data_event({"error": error})


def _head(variant: Variant, call: Call, kind: str) -> dict[str, object]:
    head: dict[str, object] = {
        "id": f"chatcmpl-{call.unique}",
        "object": kind,
        "created": call.created_s,
        "model": call.model.answers_as,
    }
    if variant.has_service_tier:
        head["service_tier"] = call.service_tier or "default"
    if variant.fingerprint is not None:
        head["system_fingerprint"] = variant.fingerprint
    return head


# --- whole ----------------------------------------------------------------------------------------


def _answer(variant: Variant, call: Call) -> bytes:
    document = _head(variant, call, "chat.completion")
    document["choices"] = [
        {
            "index": index,
            "message": _message(variant, call, index, choice),
            "logprobs": None,
            "finish_reason": FINISH_REASONS[choice.finish],
        }
        for index, choice in enumerate(call.choices)
    ]
    if call.reported is not None:
        document["usage"] = variant.usage_object(call.reported, call)
    if variant.has_x_groq:
        document["x_groq"] = {"id": f"req_{call.unique}"}
        document["service_tier"] = _groq_tier(call)
    return _encode(document)


def _groq_tier(call: Call) -> str:
    """All of Groq's tiers have one price; it names the one that served, of which `auto` is none."""
    asked = call.ask.service_tier
    return "on_demand" if asked in (None, "auto") else asked


def _message(variant: Variant, call: Call, index: int, choice: Choice) -> dict[str, object]:
    has_text = bool(choice.text) or not (choice.tools or choice.audio)
    message: dict[str, object] = {
        "role": "assistant",
        "content": "".join(choice.text) if has_text else None,
        "refusal": None,
        "annotations": [],
    }
    if variant.reasoning_field is not None and choice.reasoning:
        message[variant.reasoning_field] = "".join(choice.reasoning)
    if choice.tools:
        message["tool_calls"] = [_tool_call(call, index, place, tool) for place, tool in enumerate(choice.tools)]
    if choice.audio:
        message["audio"] = _audio(call, "".join(choice.audio))
    return message


def _tool_call(call: Call, index: int, place: int, tool: ToolCall) -> dict[str, object]:
    return {
        "id": f"call_{call.unique}{index}{place}",
        "type": "function",
        "function": {"name": tool.name, "arguments": tool.arguments},
    }


def _audio(call: Call, transcript: str) -> dict[str, object]:
    return {
        "id": f"audio_{call.unique}",
        "data": b64encode(transcript.encode()).decode(),
        "expires_at": call.created_s + AUDIO_LIFETIME_S,
        "transcript": transcript,
    }


# --- streamed -------------------------------------------------------------------------------------


def _frames(variant: Variant, call: Call) -> Iterator[Frame]:
    write = _ChunkWriter(variant, call)
    opening: Delta = {"role": "assistant", "content": "", "refusal": None}
    for index in range(len(call.choices)):
        yield write.chunk(index, opening, request_id=variant.has_x_groq), None
    channels = [0, 0, 0, 0]
    for step in steps(call.choices):
        channels[step.channel] += 1
        yield write.token(step, channels), step.channel
    last = len(call.choices) - 1
    for index, choice in enumerate(call.choices):
        yield write.finish(index, choice, is_last=index == last), None
    if call.ask.include_usage and call.reported is not None and not variant.has_usage_in_every_chunk:
        document = _head(variant, call, "chat.completion.chunk")
        document["choices"] = []
        document["usage"] = variant.usage_object(call.reported, call)
        if variant.has_x_groq:
            document["service_tier"] = _groq_tier(call)
        yield data_event(document), None
    yield DONE, None


class _ChunkWriter:
    """Encodes chunks around what all of them share."""

    def __init__(self, variant: Variant, call: Call) -> None:
        self._variant = variant
        self._call = call
        head = _encode(_head(variant, call, "chat.completion.chunk"))
        self._before = b"data: " + head[:-1] + b',"choices":[{"index":'
        self._counts_on = variant.has_usage_in_every_chunk and call.ask.include_usage
        self._after = b'],"usage":null}\n\n' if call.ask.include_usage and not self._counts_on else b"]}\n\n"
        self._text_before = self._before + b'0,"delta":{"content":'
        self._text_after = b"}" + _UNFINISHED + self._after
        self._tools_opened: set[tuple[int, int]] = set()

    def token(self, step: Step, channels: list[int]) -> bytes:
        """The chunk of one token; `channels` counts the tokens up to and with it."""
        if self._counts_on:
            self._count(self._call.reported_after(channels))
        match step.channel:
            case Channel.TEXT if step.choice == 0:
                return self._text_before + _encode(step.text) + self._text_after
            case Channel.TEXT:
                return self.chunk(step.choice, {"content": step.text})
            case Channel.REASONING:
                field = self._variant.reasoning_field
                return b"" if field is None else self.chunk(step.choice, {field: step.text})
            case Channel.AUDIO:
                return self.chunk(step.choice, {"audio": _audio(self._call, step.text)})
            case Channel.TOOL:
                return self._tool_token(step)

    def chunk(self, index: int, delta: Delta, *, request_id: bool = False) -> bytes:
        after = self._x_groq({}) if request_id else self._after
        return b"".join(
            (
                self._before,
                b"%d" % index,
                b',"delta":',
                _encode(delta),
                _UNFINISHED,
                after,
            )
        )

    def finish(self, index: int, choice: Choice, *, is_last: bool) -> bytes:
        usage = self._call.reported
        if self._counts_on:
            self._count(usage)
        after = self._after
        if is_last and self._variant.has_x_groq and usage is not None:
            after = self._x_groq({"usage": self._variant.usage_object(usage, self._call)})
        reason = _encode(FINISH_REASONS[choice.finish])
        closing = b',"delta":{},"logprobs":null,"finish_reason":' + reason + b"}"
        return self._before + b"%d" % index + closing + after

    def _count(self, usage: Usage | None) -> None:
        """From here on chunks end with this usage."""
        if usage is not None:
            self._after = b'],"usage":' + _encode(self._variant.usage_object(usage, self._call)) + b"}\n\n"
            self._text_after = b"}" + _UNFINISHED + self._after

    def _tool_token(self, step: Step) -> bytes:
        place = (step.choice, step.tool)
        arguments = {"index": step.tool, "function": {"arguments": step.text}}
        token = self.chunk(step.choice, {"tool_calls": [arguments]})
        if place in self._tools_opened:
            return token
        self._tools_opened.add(place)
        tool = self._call.choices[step.choice].tools[step.tool]
        opened = _tool_call(self._call, step.choice, step.tool, ToolCall(tool.name, []))
        opening = {"tool_calls": [{"index": step.tool, **opened}]}
        return self.chunk(step.choice, opening) + token

    def _x_groq(self, more: dict[str, object]) -> bytes:
        """The end of a chunk that carries Groq's own block."""
        block = _encode({"id": f"req_{self._call.unique}", **more})
        return b'],"x_groq":' + block + self._after.removeprefix(b"]")
