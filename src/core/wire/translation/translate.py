"""A call said in another dialect: its request on the way out, and its answer, stream or error on the way back.

Every dialect is read into one form and written from it (`conversation`, `answer`), so a further one is a folder and a
line in each table here. The rule easy to break: money is metered in what the provider sent, before it comes here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from core.money.usage import Usage
from core.wire.json_body import InvalidAnswer
from core.wire.sse import SSEEvent, SSEParser
from core.wire.translation.answer import Answer, Counted, Finished, Heard, Identity, Open, Stopped, Told
from core.wire.translation.call_ids import fitted_id
from core.wire.translation.chat.answer_reader import read_answer as read_chat_answer
from core.wire.translation.chat.answer_writer import write_answer as write_chat_answer
from core.wire.translation.chat.request_reader import read_request as read_chat_request
from core.wire.translation.chat.request_writer import write_request as write_chat_request
from core.wire.translation.chat.stream_reader import StreamHearing as ChatHearing
from core.wire.translation.chat.stream_writer import StreamTelling as ChatTelling
from core.wire.translation.conversation import Conversation, ToolCall
from core.wire.translation.errors import read_error, write_error
from core.wire.translation.fitting.fit import fit, hashed_user
from core.wire.translation.fitting.target import Target, target_of
from core.wire.translation.gemini.answer_writer import write_answer as write_gemini_answer
from core.wire.translation.gemini.request_reader import read_request as read_gemini_request
from core.wire.translation.gemini.stream_writer import StreamTelling as GeminiTelling
from core.wire.translation.messages.answer_reader import read_answer as read_messages_answer
from core.wire.translation.messages.answer_writer import write_answer as write_messages_answer
from core.wire.translation.messages.request_reader import read_request as read_messages_request
from core.wire.translation.messages.request_writer import write_request as write_messages_request
from core.wire.translation.messages.stream_reader import StreamHearing as MessagesHearing
from core.wire.translation.messages.stream_writer import StreamTelling as MessagesTelling
from core.wire.translation.responses.answer_reader import read_answer as read_responses_answer
from core.wire.translation.responses.answer_writer import write_answer as write_responses_answer
from core.wire.translation.responses.request_reader import read_request as read_responses_request
from core.wire.translation.responses.request_writer import write_request as write_responses_request
from core.wire.translation.responses.stream_reader import StreamHearing as ResponsesHearing
from core.wire.translation.responses.stream_writer import StreamTelling as ResponsesTelling
from core.wire.translation.sequence import Sequence

REQUEST_READERS: dict[str, Callable[..., Conversation]] = {
    "openai_chat": read_chat_request,
    "openai_responses": read_responses_request,
    "anthropic_messages": read_messages_request,
    "gemini": read_gemini_request,
}
"""Dialects whose callers can be served by another provider."""

_REQUEST_WRITERS: dict[str, Callable[[Conversation, str], bytes]] = {
    "openai_chat": write_chat_request,
    "openai_responses": write_responses_request,
    "anthropic_messages": write_messages_request,
}
_ANSWER_READERS: dict[str, Callable[[bytes], Answer]] = {
    "openai_chat": read_chat_answer,
    "openai_responses": read_responses_answer,
    "anthropic_messages": read_messages_answer,
}
_ANSWER_WRITERS: dict[str, Callable[[Answer, Identity], bytes]] = {
    "openai_responses": write_responses_answer,
    "anthropic_messages": write_messages_answer,
}


class Hearing(Protocol):
    def hear(self, event: SSEEvent) -> list[Heard]: ...


class Telling(Protocol):
    def tell(self, told: Told) -> bytes: ...
    def broken(self, error_body: bytes) -> bytes: ...
    def cut(self, error_body: bytes, charged: Usage) -> bytes: ...


_HEARINGS: dict[str, Callable[[], Hearing]] = {
    "openai_chat": ChatHearing,
    "openai_responses": ResponsesHearing,
    "anthropic_messages": MessagesHearing,
}


@dataclass(frozen=True, slots=True)
class Translation:
    """How one call is said to its provider, and the answer to its caller."""

    spoken: str
    """The caller's dialect."""
    target: Target
    names: Mapping[str, str]
    """Of tools that had to be called otherwise: the caller's names, by those that were sent."""
    wants_usage: bool
    calls_as_functions: bool
    """The caller knows chat's older way to call only."""
    shows_thinking: bool
    """The caller asked for it: where thoughts are shown to who asks only."""
    changes: tuple[str, ...]
    """What of the request was said otherwise, or left out because it does not change what the answer means."""

    def answer(self, body: bytes, identity: Identity) -> bytes:
        """A whole answer in the caller's dialect. Raises `InvalidAnswer`."""
        answer = _ANSWER_READERS[self.target.dialect](body)
        parts = tuple(self._known(part) if isinstance(part, ToolCall) else part for part in answer.parts)
        known = msgspec.structs.replace(answer, parts=parts)
        if self.spoken == "gemini":
            return write_gemini_answer(known, identity, shows_thinking=self.shows_thinking)
        if self.spoken == "openai_chat":
            return write_chat_answer(known, identity, calls_as_functions=self.calls_as_functions)
        return _ANSWER_WRITERS[self.spoken](known, identity)

    def error(self, body: bytes, status: int, request_id: str) -> bytes:
        """A provider's error in the caller's dialect."""
        return write_error(self.spoken, read_error(body, status), request_id)

    def stream(self, identity: Identity, *, input_usage: Usage, is_sse: bool) -> "StreamTranslation":
        """Of one streamed answer. `is_sse` is how the caller wants it; only Google's have another form."""
        return StreamTranslation(
            _HEARINGS[self.target.dialect](),
            self._telling(identity, is_sse=is_sse),
            Sequence(model=self.target.model, input_usage=input_usage),
            self._known,
        )

    def _telling(self, identity: Identity, *, is_sse: bool) -> Telling:
        match self.spoken:
            case "openai_chat":
                return ChatTelling(identity, wants_usage=self.wants_usage, calls_as_functions=self.calls_as_functions)
            case "openai_responses":
                return ResponsesTelling(identity)
            case "anthropic_messages":
                return MessagesTelling(identity)
            case "gemini":
                return GeminiTelling(identity, is_sse=is_sse, shows_thinking=self.shows_thinking)
        raise AssertionError(f"{self.spoken} is spoken by nobody who is served by another provider")

    def _known(self, call: ToolCall) -> ToolCall:
        """By the name that the caller has for the tool, and an id that it can repeat to its own provider."""
        name, id = self.names.get(call.name, call.name), fitted_id(call.id, self.spoken)
        return call if (name, id) == (call.name, call.id) else msgspec.structs.replace(call, name=name, id=id)


class StreamTranslation:
    """One streamed answer on its way into the caller's dialect. What comes in are whole events."""

    def __init__(
        self, hearing: Hearing, telling: Telling, sequence: Sequence, known: Callable[[ToolCall], ToolCall]
    ) -> None:
        self._splitter = SSEParser()
        self._hearing = hearing
        self._telling = telling
        self._sequence = sequence
        self._known = known

    def feed(self, events: bytes) -> bytes:
        """What the caller may hear of these events."""
        return b"".join(self._said(event) for event in self._splitter.feed(events)) if events else b""

    def finish(self) -> bytes:
        """What is left at the end of a stream whose last event has no blank line behind it."""
        event = self._splitter.close()
        return b"" if event is None else self._said(event)

    def ended(self) -> bytes:
        """The end of a stream that came to it without a last word, as some chat streams have no `[DONE]`."""
        return self._told(Finished())

    def broken(self, error_body: bytes) -> bytes:
        """The end of a stream that has none, around an error in the caller's dialect; nothing where it has ended."""
        return b"" if self._sequence.has_ended else self._telling.broken(error_body)

    def cut(self, error_body: bytes, charged: Usage) -> bytes:
        """The same of a stream that its budget has ended: asking for it again would be no use, and cost as much."""
        return b"" if self._sequence.has_ended else self._telling.cut(error_body, charged)

    def shortened(self, usage: Usage) -> bytes:
        """The end of a stream as if the answer's length limit had been reached."""
        return self._told(Counted(usage), Stopped("length"), Finished())

    def _said(self, event: SSEEvent) -> bytes:
        return self._told(*self._hearing.hear(event))

    def _told(self, *happened: Heard) -> bytes:
        return b"".join(
            self._telling.tell(self._with_known_call(told)) for heard in happened for told in self._sequence.hear(heard)
        )

    def _with_known_call(self, told: Told) -> Told:
        if isinstance(told, Open) and told.call is not None:
            return Open(told.index, told.kind, self._known(told.call))
        return told


def translated(
    body: bytes, *, spoken: str, path: str, provider: str, model: str, output_tokens_default: int, user_key: bytes
) -> tuple[bytes, Translation]:
    """A caller's request for another provider, and how its answer is said to the caller. Raises `Untranslatable`."""
    asked = REQUEST_READERS[spoken](body, path=path)
    target = target_of(provider, model, spoken=spoken, asks=asked)
    if asked.user is not None:
        asked = msgspec.structs.replace(asked, user=hashed_user(asked.user, user_key))
    fitted = fit(asked, target, output_tokens_default=output_tokens_default)
    translation = Translation(
        spoken=spoken,
        target=target,
        names=fitted.names,
        wants_usage=asked.wants_usage,
        calls_as_functions=asked.calls_as_functions,
        shows_thinking=asked.reasoning is not None and bool(asked.reasoning.is_shown),
        changes=tuple(dict.fromkeys((*asked.dropped, *fitted.changes))),
    )
    return _REQUEST_WRITERS[target.dialect](fitted.conversation, provider), translation


__all__ = ["REQUEST_READERS", "InvalidAnswer", "StreamTranslation", "Translation", "translated"]
