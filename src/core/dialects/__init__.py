"""The wire formats callers speak: how each writes a request, an answer, a usage and an error.

One frozen value per dialect, in one table. A dialect is not a provider: every provider speaks OpenAI's chat dialect.
Streams are read by `core.streams`.
"""

from typing import Protocol

import msgspec

from core.calls import AnswerFacts, ParsedCall
from core.dialects.anthropic_messages import AnthropicDialect
from core.dialects.gemini import GeminiDialect, GeminiEmbedDialect
from core.dialects.json_body import InvalidAnswer
from core.dialects.openai import (
    ChatDialect,
    CompletionsDialect,
    EmbeddingsDialect,
    ResponsesDialect,
)
from core.dialects.prepared_body import PreparedBody
from core.dialects.rendering import refusal_headers
from core.money.usage import Usage
from core.refusals import Refusal

__all__ = ["DIALECTS", "Dialect", "InvalidAnswer", "refusal_headers"]


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
        AnthropicDialect(),
        GeminiDialect("gemini"),
        GeminiEmbedDialect("gemini_embed"),
    )
}
