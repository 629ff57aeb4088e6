"""The token estimate against real vocabularies: high on at least 99 % of varied text, and not wastefully high."""

import json
from pathlib import Path

import pytest

from core.money.text_size import RunningText, json_text_tokens, text_tokens
from tests.calibration import media, rare_characters, real_counts, texts
from tests.calibration.figures import (
    KINDS,
    TEXT_KINDS,
    figures,
    kind_row,
    media_rows,
    of_languages,
    part_high,
    text_kind_rows,
    together,
)

PAIRS = [("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base"), ("claude-3-haiku", "claude_2")]
"""A model of each kind of vocabulary, and the real one it is held against."""

MODELS_OF_THE_LARGE_KIND = [
    "gpt-5.1",
    "gemini-2.5-pro",
    "grok-4.6",
    "openai/gpt-oss-120b",
    "",
    "claude-opus-5",
]


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [*PAIRS, *((model, "o200k_base") for model in MODELS_OF_THE_LARGE_KIND)],
)
def test_the_estimate_is_high_on_at_least_99_percent_of_varied_text(model: str, vocabulary: str) -> None:
    assert part_high(of_languages(figures(model, vocabulary))) >= 0.99


@pytest.mark.parametrize(("model", "vocabulary"), PAIRS)
def test_the_estimate_is_high_on_text_it_was_not_fitted_to(model: str, vocabulary: str) -> None:
    assert part_high(of_languages(figures(model, vocabulary), "unseen_")) >= 0.99


VARIED = [
    "english", "unseen_english", "chat_body", "python", "typescript", "chinese", "japanese", "korean", "arabic", "hindi",
    "russian", "json_compact", "json_pretty", "base64", "whitespace", "emoji",
]  # fmt: skip


@pytest.mark.parametrize("name", VARIED)
@pytest.mark.parametrize(("_kind", "model", "vocabulary"), KINDS)
def test_no_single_class_of_real_text_is_low_more_than_once(_kind: str, model: str, vocabulary: str, name: str) -> None:
    one = figures(model, vocabulary)[name]

    assert one.low <= 1


@pytest.mark.parametrize(("kind", "model", "vocabulary"), KINDS)
def test_the_prices_page_states_the_figures_as_they_are(kind: str, model: str, vocabulary: str) -> None:
    page = (Path(__file__).parents[2] / "docs/prices.md").read_text()

    assert kind_row(kind, model, vocabulary) in page


def test_the_prices_page_states_the_figures_of_every_kind_of_input() -> None:
    page = (Path(__file__).parents[2] / "docs/prices.md").read_text()

    assert [row for row in (*text_kind_rows(), *media_rows()) if row not in page] == []


def test_every_kind_of_media_is_estimated_high() -> None:
    for kind, pairs in media.kinds().items():
        assert all(estimate >= true for estimate, true in pairs), kind


KINDS_OF_PEOPLE = list(TEXT_KINDS)[: list(TEXT_KINDS).index("digits")]


@pytest.mark.parametrize("kind", KINDS_OF_PEOPLE)
@pytest.mark.parametrize(("_kind", "model", "vocabulary"), KINDS)
def test_what_people_write_is_low_once_in_a_hundred_times_at_most(
    _kind: str, model: str, vocabulary: str, kind: str
) -> None:
    one = together(figures(model, vocabulary)[name] for name in TEXT_KINDS[kind])

    assert one.low <= len(one.ratios) // 100


LIMITS_GPT_4O = {
    "english": 1.38,
    "unseen_english": 1.45,
    "chat_body": 1.45,
    "python": 1.5,
    "json_compact": 1.6,
    "json_pretty": 1.2,
    "base64": 1.35,
    "chinese": 1.45,
    "arabic": 1.45,
    "russian": 1.8,
    "hindi": 2.0,
    "whitespace": 1.5,
}


@pytest.mark.parametrize(("name", "limit"), LIMITS_GPT_4O.items())
def test_the_estimate_is_not_wastefully_high(name: str, limit: float) -> None:
    assert figures("gpt-4o", "o200k_base")[name].ratio <= limit


def test_the_estimate_of_any_real_text_is_below_two_and_a_half_times_the_truth() -> None:
    by_class = figures("gpt-4o", "o200k_base")
    repetitions = {"repeated", "repeated_unit"}

    worst = max(one.ratio for name, one in by_class.items() if name not in repetitions)

    assert worst <= 2.5


FLOORS = [(texts.DRAWN_EVENLY, 0.75), (texts.SOUGHT, 0.5)]


@pytest.mark.parametrize(("names", "floor"), FLOORS)
@pytest.mark.parametrize(("_kind", "model", "vocabulary"), KINDS)
def test_what_is_no_language_is_underestimated_by_no_more_than_stated(
    _kind: str, model: str, vocabulary: str, names: frozenset[str], floor: float
) -> None:
    by_class = figures(model, vocabulary)

    assert min(min(by_class[name].ratios) for name in names) >= floor


@pytest.mark.parametrize("name", sorted(texts.NOT_LANGUAGE))
@pytest.mark.parametrize("model", [model for model, _ in PAIRS])
def test_a_stream_of_what_is_no_language_is_not_sized_lower_for_being_cut(model: str, name: str) -> None:
    whole = next(text for kind, text in reversed(texts.samples()) if kind == name)
    running = RunningText(model)

    for start in range(0, len(whole), 7):
        running.add(whole[start : start + 7].encode())

    assert running.tokens >= 0.97 * text_tokens(whole.encode(), model) - 4


def test_a_json_text_is_sized_as_its_strings_are_read_whichever_way_they_are_escaped() -> None:
    for name, text in texts.samples()[::17]:
        plain = text_tokens(text.encode(), "gpt-4o")

        for is_ascii in (True, False):
            sized = json_text_tokens(json.dumps({"text": text}, ensure_ascii=is_ascii).encode(), "gpt-4o")
            assert plain <= sized + 1 <= 1.7 * plain + 12, name


FRAMES = [
    ("gpt-4o", {"role": "user", "content": "ok"}),
    ("claude-sonnet-4-5", {"role": "user", "content": [{"type": "text", "text": "ok"}]}),
    ("gemini-2.5-flash", {"role": "user", "parts": [{"text": "ok"}]}),
]


@pytest.mark.parametrize(("model", "message"), FRAMES)
def test_the_json_around_a_message_covers_the_tokens_that_frame_it(model: str, message: object) -> None:
    body = json.dumps({"messages": [message] * 200}, separators=(",", ":")).encode()

    content, frame, answer_frame = 1, 4, 3
    assert json_text_tokens(body, model) >= 200 * (content + frame) + answer_frame


NAMED = [
    ("anthropic/claude-opus-5", "claude-opus-5"),
    ("Claude-Opus-5", "claude-opus-5"),
    ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
    ("models/gemini-2.5-pro", "gemini-2.5-pro"),
    ("xai/grok-4.6", "grok-4.6"),
    ("groq/openai/gpt-oss-120b", "openai/gpt-oss-120b"),
    ("openai/gpt-5.1", "gpt-5.1"),
]


@pytest.mark.parametrize(("name", "model"), NAMED)
def test_a_text_has_its_model_s_size_whoever_is_named_before_the_model(name: str, model: str) -> None:
    text = b"1 2 3 4 and some words about 5 6 7 8, " * 100

    assert text_tokens(text, name) == text_tokens(text, model)


def test_an_escape_that_is_itself_escaped_is_text() -> None:
    inner = json.dumps({"city": "北京市朝阳区"})

    sized = json_text_tokens(json.dumps(inner).encode(), "gpt-4o")

    assert sized >= text_tokens(inner.encode(), "gpt-4o")


def test_a_lone_surrogate_is_sized_without_complaint() -> None:
    assert json_text_tokens(rb'"\ud83d\ude00 \ud83d x"', "gpt-4o") > 0


@pytest.mark.parametrize("size", [1, 4, 7, 50])
def test_a_stream_is_sized_like_its_whole_text_however_it_is_cut(size: int) -> None:
    for name, text in texts.samples()[::29]:
        whole = text.encode()
        running = RunningText("gpt-4o")

        for start in range(0, len(text), size):
            running.add(text[start : start + size].encode())

        assert abs(running.tokens - text_tokens(whole, "gpt-4o")) <= 4 + len(whole) // 100, name


def test_a_stream_without_text_has_no_tokens() -> None:
    assert RunningText("gpt-4o").tokens == 0


def test_an_estimate_never_exceeds_one_token_for_each_byte() -> None:
    for _, text in texts.samples():
        assert text_tokens(text.encode(), "claude-opus-5") <= len(text.encode())


@pytest.mark.stack
@pytest.mark.parametrize("name", real_counts.SETS)
def test_the_kept_counts_are_those_of_the_real_vocabularies(name: str) -> None:
    assert real_counts.count(real_counts.SETS[name]()) == real_counts.kept(name)


@pytest.mark.stack
def test_the_rare_characters_are_those_of_the_real_vocabulary() -> None:
    assert rare_characters.PLACE.read_text() == rare_characters.written()
