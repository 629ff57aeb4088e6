"""How hard to think, from each way of asking to each way of taking it."""

import pytest

from core.wire.translation.conversation import Reasoning
from core.wire.translation.fitting.reasoning import BUDGETS, Circumstances, effort_of, fitted_reasoning, nearest
from core.wire.translation.fitting.traits import traits_of

LOW, HIGH, NONE = Reasoning(effort="low"), Reasoning(effort="high"), Reasoning(effort="none")
ADAPTIVE = Reasoning(is_adaptive=True)


def budget(tokens: int) -> Reasoning:
    return Reasoning(budget_tokens=tokens)


def effort(level: str) -> Reasoning:
    return Reasoning(effort=level)  # type: ignore[arg-type]


def thinks(level: str) -> Reasoning:
    return Reasoning(effort=level, is_adaptive=True)  # type: ignore[arg-type]


CASES = [
    # provider, model, asked, sent, changes
    ("openai", "gpt-4o", None, None, ()),
    ("openai", "gpt-4o", HIGH, None, ("effort",)),
    ("openai", "gpt-4o", NONE, None, ()),
    ("openai", "gpt-5", HIGH, HIGH, ()),
    ("openai", "gpt-5", NONE, effort("minimal"), ("thinking_on",)),
    ("openai", "gpt-5", effort("xhigh"), HIGH, ("effort",)),
    ("openai", "gpt-5.2", NONE, NONE, ()),
    ("openai", "gpt-5.2", effort("minimal"), LOW, ()),
    ("openai", "gpt-5.6", effort("max"), effort("xhigh"), ("effort",)),
    ("openai", "gpt-5.6", budget(1_024), LOW, ()),
    ("openai", "gpt-5.6", budget(10_000), effort("medium"), ()),
    ("openai", "gpt-5.6", budget(31_999), HIGH, ()),
    ("openai", "gpt-5.6", budget(0), NONE, ()),
    ("openai", "gpt-5.6", ADAPTIVE, effort("medium"), ()),
    ("openai", "gpt-5-pro", LOW, HIGH, ("effort",)),
    ("gemini", "gemini-2.5-flash", NONE, NONE, ()),
    ("gemini", "gemini-2.5-pro", NONE, LOW, ("thinking_on",)),
    ("gemini", "gemini-3.1-pro-preview", effort("minimal"), LOW, ()),
    ("groq", "qwen/qwen3-32b", NONE, NONE, ()),
    ("groq", "qwen/qwen3-32b", HIGH, None, ("effort",)),
    ("groq", "llama-3.3-70b-versatile", HIGH, None, ("effort",)),
    ("xai", "grok-4.5", NONE, LOW, ("thinking_on",)),
    ("xai", "grok-4.3", NONE, NONE, ()),
    ("xai", "grok-3-mini", effort("medium"), LOW, ("effort",)),
    ("xai", "grok-4-0709", LOW, None, ("effort",)),
    ("anthropic", "claude-3-haiku-20240307", HIGH, None, ("effort",)),
    ("anthropic", "claude-sonnet-4-5", None, None, ()),
    ("anthropic", "claude-sonnet-4-5", LOW, budget(2_048), ()),
    ("anthropic", "claude-sonnet-4-5", HIGH, budget(16_384), ()),
    ("anthropic", "claude-sonnet-4-5", budget(5_000), budget(5_000), ()),
    ("anthropic", "claude-sonnet-4-5", budget(500), budget(1_024), ("thinking_budget",)),
    ("anthropic", "claude-sonnet-4-5", NONE, NONE, ()),
    ("anthropic", "claude-opus-4-6", HIGH, thinks("high"), ()),
    ("anthropic", "claude-opus-4-6", effort("xhigh"), thinks("high"), ("effort",)),
    ("anthropic", "claude-opus-4-6", budget(5_000), budget(5_000), ()),
    ("anthropic", "claude-opus-4-7", budget(31_999), thinks("high"), ()),
    ("anthropic", "claude-opus-4-7", effort("minimal"), thinks("low"), ()),
    ("anthropic", "claude-opus-4-7", NONE, None, ()),
    ("anthropic", "claude-opus-4-7", ADAPTIVE, ADAPTIVE, ()),
    ("anthropic", "claude-opus-5", NONE, NONE, ()),
    ("anthropic", "claude-fable-5", NONE, thinks("low"), ("thinking_on",)),
    ("anthropic", "claude-unheard-of", HIGH, None, ("effort",)),
]


@pytest.mark.parametrize(("provider", "model", "asked", "sent", "changes"), CASES)
def test_what_is_asked_is_said_in_the_model_s_way(
    provider: str, model: str, asked: Reasoning | None, sent: Reasoning | None, changes: tuple[str, ...]
) -> None:
    fitted = fitted_reasoning(asked, traits_of(provider, model), Circumstances(output_tokens_max=64_000))

    assert (fitted.reasoning, fitted.changes) == (sent, changes)


ON_CHAT_WITH_TOOLS = [
    ("gpt-5.2", HIGH, HIGH, ()),
    ("gpt-5.4", None, None, ()),
    ("gpt-5.4", HIGH, NONE, ("thinking_off",)),
    ("gpt-5.5", None, NONE, ("thinking_off",)),
    ("gpt-5.5", HIGH, NONE, ("thinking_off",)),
    ("gpt-5.5", NONE, NONE, ()),
    ("gpt-4o", None, None, ()),
]


@pytest.mark.parametrize(("model", "asked", "sent", "changes"), ON_CHAT_WITH_TOOLS)
def test_tools_on_chat_completions_turn_thinking_off_in_words(
    model: str, asked: Reasoning | None, sent: Reasoning | None, changes: tuple[str, ...]
) -> None:
    fitted = fitted_reasoning(asked, traits_of("openai", model), Circumstances(has_tools=True, is_chat=True))

    assert (fitted.reasoning, fitted.changes) == (sent, changes)


@pytest.mark.parametrize(
    ("model", "asked", "sent", "changes"),
    [
        ("claude-sonnet-4-5", HIGH, NONE, ("thinking_off",)),
        ("claude-opus-4-6", HIGH, NONE, ("thinking_off",)),
        ("claude-opus-4-7", HIGH, None, ("thinking_off",)),
        ("claude-opus-4-7", None, None, ()),
        ("claude-opus-5", None, NONE, ("thinking_off",)),
        ("claude-fable-5", HIGH, None, ("thinking",)),
        ("claude-fable-5", NONE, None, ("thinking",)),
        ("claude-opus-5", NONE, NONE, ()),
        ("claude-fable-5", None, None, ()),
    ],
)
def test_a_forced_tool_turns_thinking_off(
    model: str, asked: Reasoning | None, sent: Reasoning | None, changes: tuple[str, ...]
) -> None:
    fitted = fitted_reasoning(asked, traits_of("anthropic", model), Circumstances(has_tools=True, is_tool_forced=True))

    assert (fitted.reasoning, fitted.changes) == (sent, changes)


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("claude-sonnet-4-5", HIGH, NONE),
        ("claude-opus-4-6", budget(2_000), NONE),
        ("claude-opus-4-6", HIGH, thinks("high")),
    ],
)
def test_a_turn_that_calls_without_thinking_turns_a_budget_off(model: str, asked: Reasoning, sent: Reasoning) -> None:
    fitted = fitted_reasoning(asked, traits_of("anthropic", model), Circumstances(goes_on_unthought=True))

    assert fitted.reasoning == sent


@pytest.mark.parametrize(
    ("asked", "output_tokens_max", "sent"),
    [
        (HIGH, 64_000, budget(16_384)),
        (HIGH, 16_385, budget(16_384)),
        (HIGH, 16_384, budget(12_288)),
        (HIGH, 4_096, budget(3_072)),
        (HIGH, 1_366, budget(1_024)),
        (HIGH, 1_365, NONE),
        (budget(31_999), 32_000, budget(31_999)),
        (budget(31_999), 8_192, budget(6_144)),
        (HIGH, 1, NONE),
        (HIGH, None, budget(16_384)),
    ],
)
def test_a_budget_leaves_room_for_the_answer(asked: Reasoning, output_tokens_max: int | None, sent: Reasoning) -> None:
    given = Circumstances(output_tokens_max=output_tokens_max)

    assert fitted_reasoning(asked, traits_of("anthropic", "claude-sonnet-4-5"), given).reasoning == sent


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_a_level_comes_back_from_its_budget(level: str) -> None:
    assert effort_of(budget(BUDGETS[level])) == level  # type: ignore[index]


def test_a_missing_level_never_turns_thinking_off() -> None:
    assert nearest("low", ("none", "high")) == "high"
    assert nearest("low", ("none",)) is None


def test_a_summary_is_asked_of_responses_and_shown_by_adaptive_thinking_only() -> None:
    asked = Reasoning(effort="high", is_shown=True)

    sent = [
        fitted_reasoning(asked, traits_of("openai", "gpt-5"), Circumstances(is_chat=is_chat)).reasoning
        for is_chat in (True, False)
    ] + [
        fitted_reasoning(asked, traits_of("anthropic", model), Circumstances()).reasoning
        for model in ("claude-opus-4-5", "claude-opus-4-7")
    ]

    assert [reasoning.is_shown for reasoning in sent if reasoning] == [None, True, None, True]
