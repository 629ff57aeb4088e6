"""What a call may cost is bounded from above, and granted money buys exactly the answer length it pays for."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.call import estimate
from core.money import price_book
from core.money.amount import NANOUSD_MAX
from core.money.price_book import Price
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.wire.facts import ParsedCall, PromptSize

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

prices = st.sampled_from(
    [
        (provider, model)
        for provider in ("openai", "anthropic", "gemini", "groq", "xai")
        for model in price_book.models(provider)
    ]
).map(lambda key: price_of(*key))
prompts = st.builds(
    PromptSize,
    text_tokens=st.integers(0, 400_000),
    images=st.integers(0, 5),
    audio_ms=st.integers(0, 5_000_000),
    video_ms=st.integers(0, 500_000),
    pdf_pages=st.integers(0, 100),
    pdf_text_bytes=st.integers(0, 1_000_000),
    has_cache_marks=st.booleans(),
    has_long_cache_marks=st.booleans(),
    hidden_inputs=st.integers(0, 3),
    unsized_media=st.integers(0, 1),
    earlier_answers=st.integers(0, 1),
)
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
    unshown_output_tokens=st.integers(0, 20_000),
)


def price_of(provider: str, model: str) -> Price:
    price = price_book.find(provider, model, at_ms=NOW_MS)
    assert isinstance(price, Price)
    return price


def a_call(**changes: object) -> ParsedCall:
    call = ParsedCall("gpt-4o-mini", False, PromptSize(1_000), 500)
    return replace(call, **changes)  # type: ignore[arg-type]


def ceiling_of(call: ParsedCall, price: Price) -> int:
    """The longest answer of a call that lacks no money."""
    return estimate.output_ceiling_within(call, price, 10**30)


MINI = price_of("openai", "gpt-4o-mini")


def test_the_worst_case_is_input_and_the_callers_own_ceiling() -> None:
    worst = estimate.worst_case(a_call(answers=2), MINI)

    assert worst.prompt_nanousd == 1_000 * 150
    assert worst.least_nanousd == 1_000 * 150 + 2 * 64 * 600
    assert worst.want_nanousd == 1_000 * 150 + 2 * 500 * 600
    assert ceiling_of(a_call(answers=2), MINI) == 500


def test_without_a_ceiling_of_the_caller_the_models_own_is_the_bound() -> None:
    worst = estimate.worst_case(a_call(output_tokens_max=None), MINI)

    assert worst.want_nanousd == 1_000 * 150 + 16_384 * 600
    assert ceiling_of(a_call(output_tokens_max=None), MINI) == 16_384


def test_a_ceiling_shorter_than_a_useful_answer_is_all_that_is_needed() -> None:
    worst = estimate.worst_case(a_call(output_tokens_max=10), MINI)

    assert worst.least_nanousd == worst.want_nanousd == 1_000 * 150 + 10 * 600


def test_embeddings_cost_their_input_alone() -> None:
    price = price_of("openai", "text-embedding-3-small")

    call = a_call(has_output=False, output_tokens_max=None)
    worst = estimate.worst_case(call, price)

    assert worst.prompt_nanousd == worst.least_nanousd == worst.want_nanousd == 1_000 * 20
    assert ceiling_of(call, price) == 0


def test_marked_input_is_held_at_the_price_of_writing_it_to_the_cache() -> None:
    price = price_of("anthropic", "claude-opus-4-5")

    plain = estimate.prompt_usage(PromptSize(1_000), price)
    marked = estimate.prompt_usage(PromptSize(1_000, has_cache_marks=True), price)
    long = PromptSize(1_000, has_cache_marks=True, has_long_cache_marks=True)

    assert plain.input_tokens == 1_000
    assert marked.cache_write_5m_tokens == 1_000
    assert estimate.prompt_usage(long, price).cache_write_1h_tokens == 1_000


def test_a_provider_that_caches_unasked_is_held_at_its_write_price() -> None:
    usage = estimate.prompt_usage(PromptSize(1_000), price_of("openai", "gpt-6-sol"))

    assert (usage.cache_write_5m_tokens, usage.prompt_tokens) == (1_000, 1_000)


def test_an_answer_may_be_audio_where_the_model_speaks() -> None:
    worst = estimate.worst_case(a_call(), price_of("openai", "gpt-audio"))

    assert worst.want_nanousd - worst.prompt_nanousd == 500 * 64_000


def test_a_cheap_tier_is_held_at_the_standard_price() -> None:
    price = price_of("openai", "gpt-5")

    assert estimate.worst_case(a_call(service_tier="flex"), price) == estimate.worst_case(a_call(), price)


def test_a_dear_tier_is_held_at_its_own_price() -> None:
    price = price_of("openai", "gpt-5")
    asked = a_call(service_tier="priority")

    dear, usual = estimate.worst_case(asked, price), estimate.worst_case(a_call(), price)

    assert dear.want_nanousd == 2 * usual.want_nanousd


@pytest.mark.parametrize("unknown", ["hidden_inputs", "unsized_media", "earlier_answers"])
def test_an_input_of_unknown_size_is_bounded_by_the_context_window(unknown: str) -> None:
    price = price_of("openai", "gpt-4")

    usage = estimate.prompt_usage(replace(PromptSize(10), **{unknown: 3}), price)

    assert usage.prompt_tokens == 10 + 8_192


def test_output_that_is_billed_unshown_is_held_for_beyond_the_ceiling() -> None:
    worst = estimate.worst_case(a_call(unshown_output_tokens=12_000), MINI)

    assert worst.least_nanousd == 1_000 * 150 + 12_064 * 600
    assert worst.want_nanousd == 1_000 * 150 + 12_500 * 600


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
    assert estimate.search_tokens(prompt, price_of(provider, model), searches) == tokens


@given(price=prices, prompt=st.integers(0, 2_000_000), searches=st.integers(0, 40))
def test_no_turn_of_a_search_reads_more_than_the_window(price: Price, prompt: int, searches: int) -> None:
    window = price.input_tokens_max or estimate.INPUT_TOKENS_MAX_UNKNOWN
    each = estimate.WEB_SEARCH_INPUT_TOKENS.get(price.provider, estimate.WEB_SEARCH_INPUT_TOKENS_OTHERS)
    turns = [min(window, min(prompt, window) + turn * each) for turn in range(searches)]

    found, again = estimate.search_tokens(prompt, price, searches)

    assert found == min(searches * each, window)
    assert again == (0 if price.provider == "gemini" else sum(turns))


def test_searching_takes_no_call_into_the_rates_of_a_prompt_it_never_has() -> None:
    price = price_of("openai", "gpt-5.4")
    [_, band] = price.tiers["standard"]
    below = a_call(prompt=PromptSize(band.above_prompt_tokens // 2), web_search_calls_max=5)

    usage = estimate.prompt_usage(below.prompt, price)
    searched = estimate.worst_case(below, price)

    assert usage.prompt_tokens * 3 > band.above_prompt_tokens
    assert searched.prompt_nanousd * 4 > searched.least_nanousd > searched.prompt_nanousd


def test_only_a_provider_that_searches_documents_is_held_for_it() -> None:
    call = a_call(document_search_calls_max=10)
    grok, mini = price_of("xai", "grok-4"), MINI

    assert estimate.unheard(call, grok, 60_000)[0].document_search_calls == 10
    assert estimate.unheard(call, mini, 60_000)[0].document_search_calls == 0


def test_film_is_held_at_its_own_rate_and_pictures_at_theirs() -> None:
    """Gemini's embeddings: $12 per million tokens of film, $0.45 of pictures."""
    price = price_of("gemini", "gemini-embedding-2")

    film = estimate.prompt_usage(PromptSize(0, video_ms=1_000), price)
    picture = estimate.prompt_usage(PromptSize(0, images=1), price)

    assert cost_nanousd(Usage(video_input_tokens=film.video_input_tokens), price) == film.video_input_tokens * 12_000
    assert (film.video_input_tokens > 0, film.image_input_tokens) == (True, 0)
    assert cost_nanousd(picture, price) == picture.image_input_tokens * 450 > 0


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
    assert estimate.prompt_usage(prompt, price_of(provider, model)).prompt_tokens == tokens


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

    usage = estimate.prompt_usage(PromptSize(0, images=2, image_sizes=(size, size)), price)

    assert usage.prompt_tokens == 2 * tokens


def test_of_two_images_the_one_that_tells_no_size_is_held_as_the_largest() -> None:
    prompt = PromptSize(0, images=2, image_sizes=((750, 210),))

    assert estimate.prompt_usage(prompt, price_of("anthropic", "claude-opus-5")).prompt_tokens == 27 * 8 + 4_800


def test_no_worst_case_exceeds_what_an_account_can_hold() -> None:
    worst = estimate.worst_case(a_call(output_tokens_max=2**50), MINI)

    assert worst.want_nanousd == NANOUSD_MAX


@given(call=calls, price=prices)
def test_input_costs_no_more_than_a_short_answer_and_that_no_more_than_a_full_one(
    call: ParsedCall, price: Price
) -> None:
    worst = estimate.worst_case(call, price)

    assert worst.prompt_nanousd <= worst.least_nanousd <= worst.want_nanousd


@given(call=calls, price=prices, part=st.fractions(0, 2))
def test_granted_money_buys_the_longest_answer_it_pays_for(call: ParsedCall, price: Price, part: object) -> None:
    assume(call.has_output)
    full = estimate.worst_case(call, price)
    granted = int(full.want_nanousd * part)  # type: ignore[operator]

    ceiling = estimate.output_ceiling_within(call, price, granted)

    assert 0 <= ceiling <= ceiling_of(call, price)
    if ceiling > 0:
        assert _want(call, price, ceiling) <= granted
    if ceiling < ceiling_of(call, price):
        assert _want(call, price, ceiling + 1) > granted


def _want(call: ParsedCall, price: Price, ceiling: int) -> int:
    return estimate.worst_case(replace(call, output_tokens_max=ceiling), price).want_nanousd


@given(call=calls, price=prices, data=st.data())
def test_no_usage_within_a_call_costs_more_than_its_worst_case(
    call: ParsedCall, price: Price, data: st.DataObject
) -> None:
    call = replace(call, service_tier=data.draw(st.sampled_from([None, "flex", "priority"])))
    bound = estimate.worst_case(call, price)
    usage = data.draw(usages_within(call, price, ceiling_of(call, price)))
    served = data.draw(st.sampled_from([None, "default", call.service_tier]))

    cost = cost_nanousd(usage, price, service_tier=served)

    assert cost <= bound.want_nanousd


@st.composite
def usages_within(draw: st.DrawFn, call: ParsedCall, price: Price, ceiling: int) -> Usage:
    """What a provider may report of the call: its input in any classes it may be billed as, any answers."""
    text = call.prompt.text_tokens
    cached = draw(st.integers(0, text))
    written = draw(st.integers(0, text - cached))
    is_marked = call.prompt.has_cache_marks
    short = written if is_marked or price.provider == "openai" else 0
    long = draw(st.integers(0, text - cached - short)) if call.prompt.has_long_cache_marks else 0
    output = ceiling * call.answers
    thought = draw(st.integers(0, output))
    spoken = draw(st.integers(0, output - thought))
    return Usage(
        input_tokens=text - cached - short - long,
        cached_input_tokens=cached,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        reasoning_tokens=thought,
        audio_output_tokens=spoken,
        output_tokens=output - thought - spoken,
        web_search_calls=draw(st.integers(0, call.web_search_calls_max)),
    )


UNHEARD_CALL = ParsedCall(
    model="gpt-4o-mini", is_streaming=False, prompt=PromptSize(text_tokens=50_000), output_tokens_max=4_000
)


def unheard(waited_ms: int, call: ParsedCall = UNHEARD_CALL) -> Usage:
    price = price_book.find("openai", call.model, at_ms=0)
    assert isinstance(price, Price)
    usage, cost = estimate.unheard(call, price, waited_ms)
    assert cost == cost_nanousd(usage, price)
    return usage


UNHEARD = {
    "nothing before a first token": (100, (0, 0)),
    "little of either just after": (101, (10_100, 1)),
    "all of the input once it can be read": (500, (50_000, 400)),
    "the output that its time allows": (2_100, (50_000, 2_000)),
    "never more output than was asked for": (60_000, (50_000, 4_000)),
}


@pytest.mark.parametrize(("waited_ms", "counts"), UNHEARD.values(), ids=UNHEARD)
def test_an_unheard_attempt_used_what_its_time_allows(waited_ms: int, counts: tuple[int, int]) -> None:
    usage = unheard(waited_ms)

    assert (usage.prompt_tokens, usage.completion_tokens) == counts


def test_of_an_unheard_attempt_s_searches_as_many_count_as_of_its_input() -> None:
    searching = replace(UNHEARD_CALL, web_search_calls_max=10)

    assert 0 < unheard(200, searching).web_search_calls < 10 == unheard(60_000, searching).web_search_calls


def test_an_unheard_embedding_costs_its_input_alone() -> None:
    embedding = replace(UNHEARD_CALL, model="text-embedding-3-small", has_output=False, output_tokens_max=None)

    assert unheard(60_000, embedding).completion_tokens == 0 < unheard(60_000, embedding).prompt_tokens
