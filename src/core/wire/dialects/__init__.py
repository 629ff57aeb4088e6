"""The wire formats callers speak: how each writes a request, an answer, a usage and an error.

One frozen value per dialect, in one table. A dialect is not a provider: every provider speaks OpenAI's chat dialect.
What comes in are whole bodies (streams are read by `core.wire.streams`). A dialect never knows a price or a caller.
"""

from typing import Protocol

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.dialects.anthropic_messages import AnthropicDialect
from core.wire.dialects.gemini import GeminiDialect, GeminiEmbedDialect
from core.wire.dialects.openai import (
    ChatDialect,
    CompactionDialect,
    CompletionsDialect,
    EmbeddingsDialect,
    ResponsesDialect,
)
from core.wire.dialects.prepared_body import PreparedBody
from core.wire.dialects.rendering import rate_headers, refusal_headers
from core.wire.facts import AnswerFacts, ParsedCall
from core.wire.json_body import InvalidAnswer

__all__ = ["DIALECTS", "Dialect", "InvalidAnswer", "rate_headers", "refusal_headers"]


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str: ...

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        """What pricing and holding need to know. Raises `InvalidRequest` naming the field."""
        ...

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        """The request as it will be sent: with another model, with stream usage asked for, and open for a lower
        output ceiling. Raises `InvalidRequest`."""
        ...

    def read_answer(self, body: bytes) -> AnswerFacts:
        """What a complete answer says of itself. Raises `InvalidAnswer`."""
        ...

    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None:
        """A usage object as disjoint counts; None when it counts nothing."""
        ...

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """A refusal as the body of a response."""
        ...


DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        ChatDialect("openai_chat"),
        CompletionsDialect("openai_completions"),
        ResponsesDialect("openai_responses"),
        EmbeddingsDialect("openai_embeddings"),
        CompactionDialect("openai_compaction"),
        AnthropicDialect(),
        GeminiDialect("gemini"),
        GeminiEmbedDialect("gemini_embed"),
    )
}
