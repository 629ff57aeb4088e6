"""A call as every wire format sees it: what was asked, what will be generated, what it uses.

`Ask` is a request without its wire format. `Call` is an ask that a model has accepted: the plan of
what it writes and the usage that follows. A wire format (a `Wire`) turns bytes into an ask and a
call into bytes, and knows nothing of pace, faults, clients or money.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from mock_llm.selling.models import Kind, Model
from mock_llm.selling.tokens import InputCount
from mock_llm.selling.usage import Usage
from mock_llm.writing.plan import Channel, Choice, Tool
from mock_llm.writing.scripts import Script

Frame = tuple[bytes, Channel | None]
"""Bytes to send, and which kind of token they bring; None where they bring none."""


class Request(msgspec.Struct, frozen=True):
    """What a wire format parses: Gemini keeps the model in the path, and the form of the answer in
    the query and in one header."""

    body: bytes
    path_model: str = ""
    is_stream_path: bool = False
    query: str = ""
    field_mask: str = ""


class FieldTree(dict[str, "FieldTree"]):
    """Names of JSON fields with what is wanted below each; an empty tree is all there is."""


class Form(msgspec.Struct, frozen=True):
    """How the caller of Google's native API wants its answer written; the others have one form."""

    is_sse: bool = True
    fields_shown: FieldTree = FieldTree()
    has_numbered_enums: bool = False


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request, whatever its wire format."""

    model: str
    input: InputCount
    is_stream: bool = False
    output_tokens_max: int | None = None
    output_field: str = "max_tokens"
    """The name the caller gave the limit, for error texts."""
    stops: tuple[str, ...] = ()
    choices: int = 1
    tools: tuple[Tool, ...] = ()
    forced: tuple[Tool, ...] = ()
    """The tools of which one has to be called."""
    json_schema: dict[str, object] | None = None
    service_tier: str | None = None
    include_usage: bool = False
    shows_thinking: bool = False
    prediction: str = ""
    """What the caller expects to be written (OpenAI's predicted outputs)."""
    form: Form = Form()
    vectors: tuple[int, ...] = ()
    """One seed for each text to embed."""
    dimensions: int | None = None
    is_base64: bool = False
    echo: dict[str, object] = msgspec.field(default_factory=dict)
    """Request fields that the Responses API repeats in its answer."""


@dataclass(frozen=True)
class Call:
    """An accepted call; `unique` is the tail of every id in its answer."""

    provider: str
    ask: Ask
    model: Model
    script: Script
    choices: tuple[Choice, ...]
    input_usage: Usage
    service_tier: str | None
    seed: int
    unique: str
    created_s: int
    channel_totals: tuple[int, ...]
    accepted_prediction_tokens: int = 0
    turns: int = 1
    """How often the model was asked: once, and once more for each search of a loop that says so."""

    def usage_after(self, channels: tuple[int, ...] | list[int]) -> Usage:
        """What the call used once so many tokens of each channel were generated."""
        return msgspec.structs.replace(
            self.input_usage,
            output_tokens=channels[Channel.TEXT] + channels[Channel.TOOL],
            reasoning_tokens=channels[Channel.REASONING],
            audio_output_tokens=channels[Channel.AUDIO],
        )

    def reported_after(self, channels: tuple[int, ...] | list[int]) -> Usage | None:
        """The usage that the answer states by then, which a script may withhold."""
        match self.script.usage:
            case "missing":
                return None
            case "zero":
                return Usage()
            case _:
                return self.usage_after(channels)

    @cached_property
    def reported(self) -> Usage | None:
        """The usage that the whole answer states."""
        return self.reported_after(self.channel_totals)


@dataclass(frozen=True, slots=True)
class Wire:
    """One endpoint's wire format."""

    name: str
    kind: Kind
    parse: Callable[[Request], Ask]
    answer: Callable[[Call], bytes]
    frames: Callable[[Call], Iterator[Frame]] | None = None
    stream_error: Callable[[Call, str], bytes] | None = None
    shows_web_searches: bool = False
    shows_turns: bool = False
    """Whether the answer states the usage of each turn of a search loop, and is billed so."""
    is_free: bool = False
