"""What a call used, as disjoint counts: no unit is in two fields, so a price is a plain sum of products.

Providers disagree (OpenAI's `prompt_tokens` includes cached ones, Anthropic's `input_tokens` does not); each
dialect converts to this shape. A usage that is zero is a fact; a usage that is missing is `None`, never `Usage()`.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Usage:
    """Disjoint counts in tokens (calls for `…_calls`), all non-negative."""

    input_tokens: int = 0
    """Plain text input, neither cached nor written to a cache, not audio, image or video."""
    cached_input_tokens: int = 0
    """Input read from the provider's prompt cache."""
    cache_write_5m_tokens: int = 0
    """Input written to a cache that lives five minutes (or the provider's default lifetime)."""
    cache_write_1h_tokens: int = 0
    """Input written to a cache that lives an hour."""
    audio_input_tokens: int = 0
    """Audio input that was not read from a cache."""
    cached_audio_input_tokens: int = 0
    """Audio input read from the provider's prompt cache."""
    image_input_tokens: int = 0
    video_input_tokens: int = 0
    """Video input, which an embedding model prices apart from pictures."""
    output_tokens: int = 0
    """Visible text output, tool-call arguments included; reasoning, audio and images excluded."""
    reasoning_tokens: int = 0
    """Hidden or shown thinking, billed as output everywhere but counted apart."""
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    """Images a chat model draws as tokens, which cost many times its text."""
    web_search_calls: int = 0
    document_search_calls: int = 0
    """Searches of attached or stored documents, billed by the call."""
    billed_nanousd: int | None = None
    """The provider's own exact bill for all of this, fees and discounts included, where it states one."""

    def __post_init__(self) -> None:
        for field in fields(self):
            assert (getattr(self, field.name) or 0) >= 0, f"{field.name} is negative"

    @property
    def prompt_tokens(self) -> int:
        """Everything that was sent, cached or not: what telemetry and budget checks call prompt tokens."""
        return (
            self.input_tokens
            + self.cached_input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.audio_input_tokens
            + self.cached_audio_input_tokens
            + self.image_input_tokens
            + self.video_input_tokens
        )

    @property
    def completion_tokens(self) -> int:
        """Everything that was generated, reasoning, audio and images included."""
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens + self.image_output_tokens

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens
