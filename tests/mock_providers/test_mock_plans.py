"""The pure parts: prices, bills, the tokenizer, what is written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.mock_providers.models import MODELS, Kind, Model, Rates, find_model, models_of
from local.mock_providers.plan import Finish, Wanted, channel_totals, make_plan, steps
from local.mock_providers.prose import write_json, write_words
from local.mock_providers.scripts import Script
from local.mock_providers.surfaces import PROVIDERS
from local.mock_providers.tokens import count_content, split_text
from local.mock_providers.usage import Usage, billed_nanousd

PLAIN = Wanted(choices=1, tokens_max=1000, stops=(), tools=(), json_schema=None)


def a_model(**more: object) -> Model:
    rates = Rates(input=3, output=7, cached_input=1)
    return Model("openai", "m", rates, 100, **more)  # type: ignore[arg-type]


def test_a_bill_is_rounded_up_once() -> None:
    usage = Usage(input_tokens=1, cached_input_tokens=1, output_tokens=1)

    assert billed_nanousd(usage, a_model(), None) == 1


def test_reasoning_costs_what_output_costs() -> None:
    usage = Usage(reasoning_tokens=1_000_000)

    assert billed_nanousd(usage, a_model(), None) == 7


def test_what_a_model_does_not_sell_cannot_be_billed() -> None:
    with pytest.raises(AssertionError):
        billed_nanousd(Usage(audio_input_tokens=1), a_model(), None)


def test_cached_tokens_count_towards_a_long_context() -> None:
    model = a_model(
        long_context_above_tokens=10,
        long_context_rates=Rates(input=1_000_000, output=0, cached_input=0),
    )

    assert billed_nanousd(Usage(input_tokens=1, cached_input_tokens=10), model, None) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_sells_at_least_three_models(provider: str) -> None:
    assert len(models_of(provider)) >= 3


def test_the_name_an_answer_has_finds_the_same_model() -> None:
    for model in MODELS:
        assert find_model(model.provider, model.answers_as, model.kind) is model


def test_cheaper_input_comes_from_the_cache() -> None:
    for model in MODELS:
        if model.rates.cached_input is not None:
            assert model.rates.cached_input < model.rates.input


def test_only_the_prefix_makes_a_model_unpriced() -> None:
    assert find_model("groq", "unpriced-x", Kind.CHAT) is not None
    assert find_model("groq", "x-unpriced-x", Kind.CHAT) is None


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(split_text(text)) == text


@given(st.integers(min_value=0, max_value=2**32), st.integers(min_value=0, max_value=400))
def test_written_words_are_as_many_tokens_when_read_back(seed: int, count: int) -> None:
    pieces = write_words(seed, count)

    assert split_text("".join(pieces)) == pieces
    assert len(pieces) == count


def test_a_self_referring_schema_still_ends() -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
    }

    written = json.loads("".join(write_json(1, schema, 40)))

    assert written["child"]["child"] is not None


@given(st.integers(min_value=1, max_value=60), st.integers(min_value=0, max_value=60))
def test_no_choice_is_longer_than_the_limit(tokens_max: int, reasoning_tokens: int) -> None:
    script = Script(reasoning_tokens=reasoning_tokens, output_tokens=20)
    wanted = Wanted(2, tokens_max, (), (), None)

    choices = make_plan(wanted, script, 5)

    each = min(tokens_max, reasoning_tokens + 20)
    is_cut = reasoning_tokens + 20 > tokens_max
    assert [sum(channel_totals((choice,))) for choice in choices] == [each, each]
    assert all((choice.finish is Finish.LENGTH) == is_cut for choice in choices)
    assert len(list(steps(choices))) == 2 * each


@pytest.mark.parametrize(("stop", "text"), [("two", "one "), ("e t", "on"), ("one", ""), ("zzz", "one two three")])
def test_a_stop_sequence_may_begin_anywhere(stop: str, text: str) -> None:
    wanted = Wanted(1, 1000, (stop,), (), None)

    (choice,) = make_plan(wanted, Script(content="one two three"), 1)

    assert "".join(choice.text) == text


@pytest.mark.parametrize(
    ("content", "text", "image", "audio"),
    [
        ("one two", 2, 0, 0),
        ([{"type": "text", "text": "one two"}], 2, 0, 0),
        ([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}], 0, 765, 0),
        ([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}], 0, 0, 100),
        ([{"type": "tool_result", "tool_use_id": "x", "content": "one two"}], 2, 0, 0),
        ({"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]}, 0, 0, 100),
        ("四五六", 3, 0, 0),
        (None, 0, 0, 0),
    ],
)
def test_content_is_counted_by_modality(content: object, text: int, image: int, audio: int) -> None:
    assert count_content(content) == (text, image, audio)
