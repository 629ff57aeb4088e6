"""Readers of streamed answers, one per dialect: bytes to events, events to what was generated, and how to end early.

What comes in are chunks as the network cuts them. A reader never knows what the words cost.
"""

from core.wire.streams.anthropic_messages import AnthropicReader
from core.wire.streams.gemini import GeminiReader
from core.wire.streams.observation import Observation, StreamDialect, StreamReader
from core.wire.streams.openai_chunks import CHAT, COMPLETIONS, OpenAIChunkReader
from core.wire.streams.openai_responses import OpenAIResponsesReader

__all__ = ["Observation", "StreamDialect", "StreamReader", "open_reader"]


def open_reader(dialect: StreamDialect) -> StreamReader:
    """A fresh reader for one stream of this dialect. Embeddings have none."""
    match dialect.name:
        case "openai_chat":
            return OpenAIChunkReader(dialect, CHAT)
        case "openai_completions":
            return OpenAIChunkReader(dialect, COMPLETIONS)
        case "openai_responses":
            return OpenAIResponsesReader(dialect)
        case "anthropic_messages":
            return AnthropicReader(dialect)
        case "gemini":
            return GeminiReader(dialect)
    raise AssertionError(f"{dialect.name} has no streams")
