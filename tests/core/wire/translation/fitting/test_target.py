"""By which dialect a model is reached."""

import msgspec
import pytest

from core.wire.translation.conversation import Conversation, Reasoning, Text, Tool, Turn
from core.wire.translation.fitting.target import Target, target_of

PLAIN = Conversation(model="m", turns=(Turn("user", (Text(text="Hello"),)),))
TOOLS = msgspec.structs.replace(PLAIN, tools=(Tool(name="Bash"),))


def reasoning(effort: str | None = None, **asked: object) -> Conversation:
    return msgspec.structs.replace(TOOLS, reasoning=Reasoning(effort=effort, **asked))  # type: ignore[arg-type]


CASES = [
    ("anthropic", "claude-opus-4-7", "openai_chat", PLAIN, "anthropic_messages"),
    ("anthropic", "claude-opus-4-7", "openai_responses", PLAIN, "anthropic_messages"),
    ("anthropic", "claude-opus-4-7", "anthropic_messages", PLAIN, "anthropic_messages"),
    ("anthropic", "claude-opus-4-7", "gemini", PLAIN, "anthropic_messages"),
    ("groq", "openai/gpt-oss-120b", "anthropic_messages", TOOLS, "openai_chat"),
    ("xai", "grok-4.5", "openai_responses", TOOLS, "openai_chat"),
    ("gemini", "gemini-2.5-pro", "openai_chat", PLAIN, "openai_chat"),
    ("gemini", "gemini-2.5-pro", "anthropic_messages", PLAIN, "openai_chat"),
    ("gemini", "gemini-2.5-pro", "gemini", PLAIN, "openai_chat"),
    ("openai", "gpt-4o", "openai_chat", TOOLS, "openai_chat"),
    ("openai", "gpt-4o", "openai_responses", TOOLS, "openai_responses"),
    ("openai", "gpt-5.2", "openai_chat", reasoning("high"), "openai_chat"),
    ("openai", "gpt-5.4", "openai_chat", reasoning("high"), "openai_responses"),
    ("openai", "gpt-5.4", "openai_chat", reasoning("none"), "openai_chat"),
    ("openai", "gpt-5.6", "openai_chat", TOOLS, "openai_chat"),
    ("openai", "gpt-5.6", "openai_chat", reasoning("low"), "openai_responses"),
    ("openai", "gpt-5.6", "openai_chat", reasoning(is_adaptive=True), "openai_responses"),
    ("openai", "gpt-5.6", "openai_chat", reasoning(budget_tokens=0), "openai_chat"),
    ("openai", "gpt-5.6", "openai_chat", msgspec.structs.replace(reasoning("low"), tools=()), "openai_chat"),
    ("openai", "gpt-5.6", "openai_chat", None, "openai_chat"),
    ("openai", "gpt-5.4-pro", "openai_chat", PLAIN, "openai_responses"),
    ("openai", "gpt-5.6", "anthropic_messages", PLAIN, "openai_responses"),
    ("openai", "o3", "gemini", TOOLS, "openai_responses"),
    ("openai", "gpt-4o", "anthropic_messages", TOOLS, "openai_chat"),
    ("openai", "gpt-4.1", "gemini", PLAIN, "openai_chat"),
    ("openai", "unheard-of", "anthropic_messages", None, "openai_responses"),
]


@pytest.mark.parametrize(("provider", "model", "spoken", "asks", "dialect"), CASES)
def test_a_model_is_reached_by_the_dialect_that_serves_it(
    provider: str, model: str, spoken: str, asks: Conversation | None, dialect: str
) -> None:
    assert target_of(provider, model, spoken=spoken, asks=asks) == Target(provider, model, dialect)


def test_responses_have_no_word_for_stops_seeds_and_penalties() -> None:
    traits = Target("openai", "gpt-4o", "openai_responses").traits

    assert (traits.stops_max, traits.seed, traits.penalties, traits.sampling) == (0, False, False, "any")
