"""What the input of a call comes to in tokens is bounded from above: its media, by its provider's rules, and what
searching adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.call.prompt_tokens import (
    INPUT_TOKENS_MAX_UNKNOWN,
    WEB_SEARCH_INPUT_TOKENS,
    WEB_SEARCH_INPUT_TOKENS_OTHERS,
    MediaTokens,
    hidden_tokens,
    media_tokens,
    search_tokens,
)
from core.money import price_book
from core.money.price_book import Price
from core.wire.facts import PromptSize
from tests.core.call.calls import price_of, prices

NO_MEDIA = MediaTokens()


def tokens_of(prompt: PromptSize, price: Price) -> int:
    media = media_tokens(prompt, price)
    return media.image + media.video + media.audio + media.document


SEARCHED = [
    ("anthropic", "claude-opus-4-5", 3, 1_000, (30_000, 3 * 1_000 + 3 * 10_000)),
    ("anthropic", "claude-opus-4-5", 1, 150_000, (10_000, 150_000)),
    ("anthropic", "claude-opus-4-5", 4, 190_000, (40_000, 190_000 + 3 * 200_000)),
    ("openai", "gpt-5", 2, 1_000, (16_000, 2 * 1_000 + 8_000)),
    ("gemini", "gemini-3-pro-preview", 4, 100_000, (2_000, 0)),
]


@pytest.mark.parametrize(("provider", "model", "searches", "prompt", "tokens"), SEARCHED)
def test_a_search_adds_what_it_finds_and_reads_the_rest_again(
    provider: str, model: str, searches: int, prompt: int, tokens: tuple[int, int]
) -> None:
    assert search_tokens(prompt, price_of(provider, model), searches) == tokens


@given(price=prices, prompt=st.integers(0, 2_000_000), searches=st.integers(0, 40))
def test_no_turn_of_a_search_reads_more_than_the_window(price: Price, prompt: int, searches: int) -> None:
    window = price.input_tokens_max or INPUT_TOKENS_MAX_UNKNOWN
    each = WEB_SEARCH_INPUT_TOKENS.get(price.provider, WEB_SEARCH_INPUT_TOKENS_OTHERS)
    turns = [min(window, min(prompt, window) + turn * each) for turn in range(searches)]

    found, again = search_tokens(prompt, price, searches)

    assert found == min(searches * each, window)
    assert again == (0 if price.provider == "gemini" else sum(turns))


MEDIA = [
    ("openai", "gpt-4o-mini", PromptSize(0, images=1), 48_200),
    ("openai", "ft:gpt-4o-mini-2024-07-18", PromptSize(0, images=1), 48_200),
    ("openai", "gpt-4o", PromptSize(0, images=1), 1_500),
    ("openai", "gpt-4.1-mini", PromptSize(0, images=1), 4_000),
    ("openai", "gpt-5.4", PromptSize(0, images=1), 12_000),
    ("anthropic", "claude-opus-5", PromptSize(0, images=2), 9_600),
    ("anthropic", "claude-sonnet-4-5", PromptSize(0, images=2), 3_300),
    ("anthropic", "claude-opus-4-7", PromptSize(0, images=1), 4_800),
    ("gemini", "gemini-2.5-flash", PromptSize(0, images=1), 4_200),
    ("openai", "gpt-audio", PromptSize(0, audio_ms=48_000), 480),
    ("gemini", "gemini-2.5-flash", PromptSize(0, audio_ms=4_001), 160),
    ("gemini", "gemini-2.5-flash", PromptSize(0, video_ms=60_000), 60 * (290 + 32)),
    ("gemini", "gemini-2.5-flash", PromptSize(0, pdf_pages=10), 2_580),
    ("gemini", "gemini-2.5-flash", PromptSize(0, pdf_pages=10, pdf_text_bytes=30_000), 2_580),
    ("gemini", "gemini-3-pro-preview", PromptSize(0, pdf_pages=10), 12_000),
    ("anthropic", "claude-opus-5", PromptSize(0, pdf_pages=10, pdf_text_bytes=30_001), 63_001),
    ("openai", "gpt-5.4", PromptSize(0, pdf_pages=10, pdf_text_bytes=30_000), 55_000),
    ("openai", "gpt-4o-mini", PromptSize(0, pdf_pages=2), 96_400),
    ("openai", "gpt-4o", PromptSize(0, pdf_pages=100), 128_000),
    ("gemini", "gemini-2.5-flash", PromptSize(0, audio_ms=10**9), 1_048_576),
]


@pytest.mark.parametrize(("provider", "model", "prompt", "tokens"), MEDIA)
def test_media_is_held_at_a_fixed_high_size(provider: str, model: str, prompt: PromptSize, tokens: int) -> None:
    assert tokens_of(prompt, price_of(provider, model)) == tokens


SIZED_IMAGES = [
    ("anthropic", "claude-opus-5", (1_280, 800), 1_366, "a token for 750 pixels"),
    ("anthropic", "claude-opus-5", (9_000, 9_000), 4_800, "scaled down"),
    ("anthropic", "claude-sonnet-4-5", (1_568, 1_568), 1_650, "scaled down"),
    ("anthropic", "claude-opus-5", (225, 225), 81, "9 x 9 patches"),
    ("anthropic", "claude-opus-5", (1, 7_500), 2_144, "an edge is 200 at least"),
    ("openai", "gpt-5.4", (1_280, 801), 2_559, "40 x 26 patches at 2.46"),
    ("openai", "gpt-5.4", (9_000, 9_000), 12_000, "scaled down"),
    ("openai", "gpt-6", (10, 10), 1_500, "as tiles"),
    ("openai", "gpt-4o-mini", (10, 10), 48_200, "tiles of 5,667"),
    ("gemini", "gemini-2.5-flash", (10, 10), 4_200, "of any size"),
]


@pytest.mark.parametrize(("provider", "model", "size", "tokens", "_why"), SIZED_IMAGES)
def test_an_image_that_tells_its_size_is_held_by_its_provider_s_formula(
    provider: str, model: str, size: tuple[int, int], tokens: int, _why: str
) -> None:
    price = price_book.find(provider, model, at_ms=0)
    price = price if isinstance(price, Price) else price_book.stand_in(provider, model)

    assert media_tokens(PromptSize(0, images=2, image_sizes=(size, size)), price) == MediaTokens(image=2 * tokens)


def test_of_two_images_the_one_that_tells_no_size_is_held_as_the_largest() -> None:
    prompt = PromptSize(0, images=2, image_sizes=((750, 210),))

    assert tokens_of(prompt, price_of("anthropic", "claude-opus-5")) == 27 * 8 + 4_800


@given(price=prices, text=st.integers(0, 400_000))
def test_text_alone_has_neither_media_nor_anything_hidden(price: Price, text: int) -> None:
    media = media_tokens(PromptSize(text), price)

    assert (media, hidden_tokens(PromptSize(text), media, price)) == (NO_MEDIA, 0)
