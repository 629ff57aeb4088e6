"""An answer as no dialect writes it: whole, and as a stream of events, as it is read and as it is written.

Readers of streams tell what happened in the order in which the provider said it (`Heard`); `sequence` brings that into
the strict order that writers rely on (`Told`): one beginning, blocks one after the other, one stop, one end.
"""

from typing import Literal

import msgspec

from core.money.usage import Usage
from core.wire.translation.conversation import Text, Thinking, ToolCall

Stop = Literal["end", "stop_sequence", "length", "tool_calls", "refusal"]
"""Why an answer ended. Unknown reasons are `end`."""

ErrorKind = Literal[
    "invalid_request", "authentication", "billing", "permission", "not_found", "too_large", "rate_limit", "overloaded",
    "timeout", "api",
]  # fmt: skip


class ProviderError(msgspec.Struct, frozen=True, kw_only=True):
    """An error in a provider's own words. `status` is that of the answer, or the one that its type stands for where the
    error came inside a stream."""

    kind: ErrorKind
    status: int
    message: str
    code: str | None = None
    param: str | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a written answer is known by: the id of our request, which its own ids are made of, and its moment."""

    request_id: str
    created_at_s: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `usage` None says that the provider stated none."""

    model: str
    """That served, as its provider names it."""
    parts: tuple[Text | Thinking | ToolCall, ...]
    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None


# As a provider's stream is heard --------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True):
    """Something that a stream said."""


class Began(Heard, frozen=True):
    """May come late, or never; its usage is what is known of the input by then."""

    model: str
    usage: Usage | None = None


class Said(Heard, frozen=True):
    """Some visible text, never empty."""

    text: str


class Thought(Heard, frozen=True):
    """Some thinking, never empty."""

    text: str


class Called(Heard, frozen=True):
    """A tool call began. `key` tells it from the stream's other calls; the same key again is the same call. Its id may
    be empty."""

    key: str
    id: str
    name: str
    signature: str | None = None
    """Gemini's `thought_signature` of the call."""


class Argued(Heard, frozen=True):
    """Some text of a call's arguments, never empty."""

    key: str
    text: str


class CallDone(Heard, frozen=True):
    """A call's arguments are complete (of dialects that say so)."""

    key: str


class Counted(Heard, frozen=True):
    """The usage of the whole call up to here."""

    usage: Usage


class Stopped(Heard, frozen=True):
    stop: Stop
    stop_sequence: str | None = None


class Finished(Heard, frozen=True):
    """The stream said that it is over, and nothing follows."""


class Failed(Heard, frozen=True):
    """An error in the stream; nothing follows."""

    error: ProviderError


# As it is told to a caller --------------------------------------------------------------------------------


class Told(msgspec.Struct, frozen=True):
    """One step of a stream in strict order: `Start`, then for each block `Open`, any `Write`, `Close`, then `End`.
    `Break` ends it anywhere, even before its start."""


class Start(Told, frozen=True):
    model: str
    usage: Usage | None = None
    """What is known of the input so far, by the provider or by our estimate."""


class Open(Told, frozen=True):
    """Blocks are numbered from 0 without a gap. `call` is set for a tool call: a usable id, and no arguments yet."""

    index: int
    kind: Literal["text", "thinking", "tool_call"]
    call: ToolCall | None = None


class Write(Told, frozen=True):
    """Text of the open block, never empty. A tool call has at least one, and all of them are one JSON object."""

    index: int
    kind: Literal["text", "thinking", "tool_call"]
    text: str


class Close(Told, frozen=True):
    index: int
    kind: Literal["text", "thinking", "tool_call"]


class End(Told, frozen=True):
    """The last word of an answer that came to its end."""

    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None


class Break(Told, frozen=True):
    """The last word of one that did not."""

    error: ProviderError
