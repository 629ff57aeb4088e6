"""A request as no dialect writes it: what every dialect's request is read into, and written from.

Canonical form, which readers produce and writers may rely on. Turns are in the order of the conversation, a system
turn where it stood; neighbours of one role are one turn. The results of tool calls are parts of a user turn, before
whatever else the user says there. In an assistant turn text comes as it was said, calls where they were made. A call's
arguments are the text of one JSON object, never empty; texts that are empty are not there. Pictures and documents hold
base64 as the caller sent it, or an address, never both.

The rule easy to break: what a reader knows and this form has no word for is named in `beyond` (it changes what the
answer means, so another provider cannot stand in) or in `dropped` (it does not); nothing is left out in silence.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How hard to think; `none` is not at all, which is not the same as not saying."""


class Untranslatable(Exception):
    """This request cannot be served by another provider. `feature` is a short name for why, such as `prefill`,
    `documents` or `tool:web_search_20250305`: it is shown in a header, so it never quotes what the caller wrote."""

    def __init__(self, feature: str) -> None:
        super().__init__(feature)
        self.feature = feature


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a turn."""


class Text(Part, frozen=True, tag="text"):
    text: str


class Image(Part, frozen=True, tag="image"):
    """A picture: base64 with its media type, or an address."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str | None = None
    """OpenAI's `low`, `high`, `auto`."""


class Document(Part, frozen=True, tag="document"):
    """A file for the model to read: base64 with its media type, an address, or plain text (`media_type` text/plain and
    `text`)."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    name: str | None = None
    """Its title or file name."""


class Thinking(Part, frozen=True, tag="thinking"):
    """What a model thought before, as a later request repeats it, or as an answer shows it."""

    text: str = ""
    signature: str | None = None
    """Only its maker can read it."""
    sealed: str | None = None
    """Encrypted thinking (Anthropic's `redacted_thinking`, the encrypted content of OpenAI's reasoning items)."""
    maker: str | None = None
    """The provider whose signature or seal it is: `anthropic`, `openai`, `gemini`; None where nobody's."""


class ToolCall(Part, frozen=True, tag="tool_call"):
    id: str
    name: str
    arguments: str
    """The text of a JSON object."""
    signature: str | None = None
    """Gemini's `thought_signature` of the call."""


class ToolResult(Part, frozen=True, tag="tool_result"):
    call_id: str
    parts: tuple[Text | Image | Document, ...]
    is_error: bool = False


AnyPart = Text | Image | Document | Thinking | ToolCall | ToolResult


class Turn(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    parts: tuple[AnyPart, ...]


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the caller runs itself."""

    name: str
    description: str | None = None
    schema: Mapping[str, object] = {}
    """JSON Schema of its arguments, as the caller wrote it."""
    is_strict: bool | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`named` goes with `name`."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str | None = None


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is to be JSON: of any shape (`schema` None), or of one."""

    schema: Mapping[str, object] | None = None
    name: str | None = None
    description: str | None = None
    is_strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the model's thinking. As a reader leaves it: what the caller said. As `fitting` leaves it:
    exactly what is to be written."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    """Anthropic's budget, which the output ceiling includes."""
    is_adaptive: bool = False
    """Anthropic's `adaptive`: the model decides."""
    is_shown: bool | None = None
    """Whether the caller asked to see it (a summary of it, at OpenAI)."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One request. A member that is None was not stated, and is not written."""

    model: str
    turns: tuple[Turn, ...]
    is_streaming: bool = False
    wants_usage: bool = False
    """A stream's caller asked for its usage (chat's `include_usage`; elsewhere it always comes)."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    is_parallel: bool | None = None
    """Whether several calls may come in one answer."""
    output_tokens_max: int | None = None
    """Of visible output and thinking together."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    format: OutputFormat | None = None
    reasoning: Reasoning | None = None
    verbosity: str | None = None
    user: str | None = None
    """An id for the end user: chat's `user` or `safety_identifier`, Anthropic's `metadata.user_id`."""
    cache_key: str | None = None
    """OpenAI's `prompt_cache_key`."""
    calls_as_functions: bool = False
    """The caller knows chat's older way only: one call in an answer, in its `function_call`."""
    beyond: tuple[str, ...] = ()
    """Features that no other provider can stand in for."""
    dropped: tuple[str, ...] = ()
    """Members that were left out because they do not change what the answer means."""
