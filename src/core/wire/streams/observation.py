"""What one event of a stream tells the meter, and what a reader of a dialect's stream offers.

A reader is told every event in order. It says what was generated in it and what the provider
reports of usage, and it remembers where in its grammar the stream stands, so that the stream can be
ended at any point. It holds no prices and decides nothing.
"""

from typing import Protocol

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.json_members import Members
from core.wire.sse import SSEEvent


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One event. Texts are what the model wrote in it; nothing else costs money per event."""

    text: str = ""
    """Visible output: answers, refusals, names and arguments of tool calls, transcripts."""
    reasoning: str = ""
    extra_tokens: int = 0
    """Output that is billed without being text: the frame of a tool call, an image."""
    audio_bytes: int = 0
    """Decoded bytes of 16-bit, 24 kHz audio, the only form in which providers stream it."""
    images: int = 0
    web_search_calls: int = 0
    """Searches the provider ran and bills by the call, as far as only the stream tells of them."""
    page_reads: int = 0
    """Pages that the provider's own tools put into the prompt, as a search puts what it found."""
    page_tokens: int = 0
    """Of pages that the stream shows."""
    usage: Usage | None = None
    """The provider's own count of the whole call up to here. Zero is a count, None is not."""
    is_final_usage: bool = False
    """Nothing will be generated after this count."""
    counts_searches: bool = False
    """The usage states how many searches there were, and none may be the answer."""
    is_blocked: bool = False
    """The prompt was turned away: no model is at work, seen or unseen."""
    is_usage_only: bool = False
    """The event carries usage and nothing else: the extra chunk of `include_usage`."""

    @property
    def has_output(self) -> bool:
        return bool(
            self.text
            or self.reasoning
            or self.extra_tokens
            or self.audio_bytes
            or self.images
            or self.web_search_calls
            or self.page_reads
        )


NOTHING = Observation()

TOOL_CALL_TOKENS = 8
"""What frames a tool call in a model's output, beyond its name and arguments. Providers do not
publish it."""


class StreamDialect(Protocol):
    """The part of a dialect that its stream shares with its answers."""

    @property
    def name(self) -> str: ...
    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None: ...
    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes: ...


class Splitter(Protocol):
    """Bytes to events: `SSEParser`, or the splitter of a JSON array that is streamed in pieces."""

    def feed(self, chunk: bytes) -> list[SSEEvent]: ...
    def close(self) -> SSEEvent | None: ...


class StreamReader(Protocol):
    """One stream's place in its dialect; the readers build on it. Its state is immutable values in attributes, so that
    `moment_of` can keep a place."""

    splitter: Splitter
    model: str | None = None
    """As the provider names it."""
    service_tier: str | None = None
    """The tier the call was served in, once the stream says so."""
    finish_reason: str | None = None
    error_code: str | None = None
    """The provider's own error inside the stream."""
    answer_id: str | None = None
    """By which a later call may refer to this answer."""
    conversation_id: str | None = None

    @property
    def is_ended(self) -> bool:
        """The stream said that it is over, well or badly, and nothing was written after that. If it closes before, it
        was truncated. Some providers say so in every event."""
        ...

    def reopen(self) -> None:
        """More was written after what looked like the end."""
        ...

    def observe(self, event: SSEEvent) -> Observation: ...

    def observe_unread(self, event: SSEEvent) -> Observation:
        """An event whose data is no JSON: an error if it is called one, else output."""
        if event.event == "error":
            self.error_code = "error"
            return NOTHING
        return unreadable(event)

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, usage: Usage) -> bytes:
        """The bytes that end the stream after the last event observed and forwarded.

        Hard: the dialect's error, on which its official SDK raises. Soft: the answer ends as if its
        length limit had been reached. `usage` is what it came to. Nothing when the stream has ended
        by itself.
        """
        ...


def moment_of(reader: StreamReader) -> StreamReader:
    """The reader as it stands now, while the original reads on. `copy.copy` takes six times as long."""
    twin = object.__new__(type(reader))
    vars(twin).update(vars(reader))
    return twin


def unreadable(event: SSEEvent) -> Observation:
    """An event whose shape is unknown is taken for output from end to end, so that nothing passes
    uncounted.

    Of one that broke off half-way only the value it broke off in counts; what stands before it is
    framing.
    """
    data = event.data or b""
    if not event.is_terminated:
        data = data.rpartition(b'":"')[2]
    return Observation(text=data.decode("utf-8", "replace"))


def sse(document: object, *, event: str | None = None) -> bytes:
    """One event as providers write it."""
    return sse_raw(on_one_line(msgspec.json.encode(document)), event=event)


def sse_raw(document: bytes, *, event: str | None = None) -> bytes:
    """One event around JSON text that is on one line already."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + document + b"\n\n"


def on_one_line(document: bytes) -> bytes:
    """JSON text as one data field: the line ends in it are white space, those of texts are escaped."""
    return document.replace(b"\r", b" ").replace(b"\n", b" ")


def text_or_none(value: object) -> str | None:
    """A member that should be a text."""
    return value if isinstance(value, str) and value else None


def word_or_none(value: object) -> str | None:
    """A name, or the number that stands for it."""
    return str(value) if value and isinstance(value, str | int) else None


def error_code_of(error: object, *names: str) -> str:
    """What an error calls itself, by the first of these members."""
    return (Members(error).word(*names) if isinstance(error, dict) else "") or "error"


def decoded_base64_bytes(text: str) -> int:
    """How many bytes a base64 text stands for."""
    return len(text) * 3 // 4
