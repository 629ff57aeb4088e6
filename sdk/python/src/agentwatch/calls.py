"""One logical call as values: what is known of it before it is sent, and how it ended.

Numbers and names only: no text of a prompt or an answer is in here, so none can be sent, logged or kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal["openai_chat", "openai_responses", "openai_completions", "openai_embeddings", "anthropic_messages"]

Outcome = Literal["complete", "client_disconnected", "failed"]
"""As the records have it: a stream that its user leaves is `client_disconnected`, an error of the provider `failed`."""


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What a request says of the call, read once, before anything is sent."""

    provider: str | None
    """By the client's base URL: openai, anthropic, gemini, groq, xai; None where the address tells none."""
    dialect: Dialect
    path: str
    """Below the provider's root: `chat/completions`."""
    model: str
    is_streaming: bool
    input_bytes: int
    """UTF-8 bytes of the request as JSON, media left out."""
    images: int = 0
    has_unsized_input: bool = False
    """Files, sound, film, or something that is not in the request: an earlier answer, a stored prompt."""
    output_tokens_max: int | None = None
    """The ceiling that the caller set."""
    choices: int = 1
    provider_tools: tuple[str, ...] = ()
    """Types of tools that the provider would run."""
    web_search_calls_max: int | None = None
    """The request's own bound on what the provider may search."""
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Counts as `POST /v1/ingest` takes them: `prompt_tokens` and `completion_tokens` are everything that was sent and
    generated, the others what part of that has a rate of its own."""

    prompt_tokens: int
    completion_tokens: int
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    cached_audio_input_tokens: int = 0
    image_input_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    web_search_calls: int = 0
    """Searches that the provider ran and bills by the call."""


@dataclass(frozen=True, kw_only=True)
class CallEnd:
    """How a call ended. `usage` None: nothing was billed, as far as is known."""

    outcome: Outcome
    usage: Usage | None
    is_estimated: bool = False
    """The provider did not say, so the counts are the SDK's."""
    model: str | None = None
    """That the answer names; None where there was none."""
    status: int | None = None
    error_code: str | None = None
    ttfb_ms: float | None = None
    attempts: int = 1
    risks: tuple[str, ...] = field(default=())
    """Found in the answer."""
