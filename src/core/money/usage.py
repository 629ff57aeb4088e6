"""What a call used, as disjoint counts: no unit is in two fields, so a price is a plain sum of products.

Providers disagree (OpenAI's `prompt_tokens` includes cached ones, Anthropic's `input_tokens` does not); each
dialect converts to this shape. A usage that is zero is a fact; a usage that is missing is `None`, never `Usage()`.
"""

from dataclasses import dataclass, fields
from operator import attrgetter

COUNT_MAX = 100_000_000
"""No call has so many tokens or searches of one kind: 128 answers of 128,000 tokens, twenty reads of a window of a
million. A provider that states more is in error, and is charged and recorded as this many."""


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
    """The pictures of a video; its sound is audio."""
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
    longest_prompt_tokens: int | None = None
    """The longest prompt among the turns of the model that these counts sum up, where the provider tells them apart."""

    def __post_init__(self) -> None:
        assert min(_counts_of(self)) >= 0, "a count is negative"
        assert min(self.billed_nanousd or 0, self.longest_prompt_tokens or 0) >= 0, "a bill or a prompt is negative"

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

    @property
    def is_beyond_belief(self) -> bool:
        """Some count was more than any call has, and was lowered."""
        searches = max(self.web_search_calls, self.document_search_calls)
        return max(self.prompt_tokens, self.completion_tokens, searches) >= COUNT_MAX


_counts_of = attrgetter(*(field.name for field in fields(Usage) if field.default == 0))
