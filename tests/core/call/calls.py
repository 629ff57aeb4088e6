"""Calls and prices to cost: of every kind that a request may be read as, at every price of the book."""

from dataclasses import replace

from hypothesis import strategies as st

from core.money import price_book
from core.money.price_book import Price
from core.wire.facts import ParsedCall, PromptSize

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

listed_prices = st.sampled_from(
    [
        (provider, model)
        for provider in ("openai", "anthropic", "gemini", "groq", "xai")
        for model in price_book.models(provider)
    ]
).map(lambda key: price_of(*key))
stand_ins = st.builds(
    price_book.stand_in,
    st.sampled_from(["openai", "anthropic", "gemini", "groq", "xai", "nobody"]),
    st.sampled_from(["gpt-9", "gpt-audio-9", "claude-9-opus", "gemini-9-flash-image", "unheard-of"]),
)
prices = st.one_of(listed_prices, stand_ins)
around_bands = st.builds(
    int.__add__, st.sampled_from([0, 32_000, 128_000, 200_000, 272_000]), st.integers(-20_000, 20_000)
)
"""Sizes of prompts from which on some model is dearer."""

prompts = st.builds(
    PromptSize,
    text_tokens=st.one_of(st.integers(0, 400_000), around_bands.map(lambda tokens: max(0, tokens))),
    images=st.integers(0, 5),
    image_sizes=st.lists(st.tuples(st.integers(1, 9_000), st.integers(1, 9_000)), max_size=2).map(tuple),
    audio_ms=st.integers(0, 5_000_000),
    video_ms=st.integers(0, 500_000),
    pdf_pages=st.integers(0, 100),
    pdf_text_bytes=st.integers(0, 1_000_000),
    has_cache_marks=st.booleans(),
    has_long_cache_marks=st.booleans(),
    hidden_inputs=st.sampled_from([0, 0, 0, 3]),
    unsized_media=st.sampled_from([0, 0, 0, 1]),
    earlier_answers=st.integers(0, 1),
    reads=st.sampled_from([1, 1, 1, 6]),
).map(lambda prompt: replace(prompt, images=prompt.images + len(prompt.image_sizes)))
calls = st.builds(
    ParsedCall,
    model=st.just("any"),
    is_streaming=st.booleans(),
    prompt=prompts,
    output_tokens_max=st.one_of(st.none(), st.integers(0, 200_000)),
    answers=st.integers(1, 8),
    has_output=st.booleans(),
    service_tier=st.sampled_from([None, "auto", "batch", "flex", "priority", "fast"]),
    web_search_calls_max=st.integers(0, 10),
    document_search_calls_max=st.integers(0, 10),
    thinking_tokens=st.integers(0, 32_000),
    unshown_output_tokens=st.integers(0, 20_000),
)


def price_of(provider: str, model: str) -> Price:
    price = price_book.find(provider, model, at_ms=NOW_MS)
    assert isinstance(price, Price)
    return price


def a_call(**changes: object) -> ParsedCall:
    call = ParsedCall("gpt-4o-mini", False, PromptSize(1_000), 500)
    return replace(call, **changes)  # type: ignore[arg-type]


MINI = price_of("openai", "gpt-4o-mini")
