"""What a call may cost is bounded from above, exactly, and granted money buys exactly the answer length it pays for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.call.costing import Costing, cost_call
from core.call.prompt_tokens import INPUT_TOKENS_MAX_UNKNOWN, media_tokens, search_tokens
from core.money import price_book
from core.money.amount import NANOUSD_MAX
from core.money.price_book import Band, Price
from core.money.pricing import cost_nanousd, rated_units
from core.money.usage import Usage
from core.wire.facts import ParsedCall, PromptSize
from tests.core.call.calls import MINI, a_call, calls, price_of, prices

# Against every usage there can be, priced one by one


def usages_of(call: ParsedCall, price: Price, output_tokens: int, *, is_searched: bool) -> Iterator[Usage]:
    """Every way to bill the call in full, with answers of this length: each part of it as each kind that it may be."""
    prompt, media = call.prompt, media_tokens(call.prompt, price)
    web = call.web_search_calls_max if is_searched else 0
    documents = call.document_search_calls_max if is_searched and price.provider == "xai" else 0
    window = price.input_tokens_max or INPUT_TOKENS_MAX_UNKNOWN
    hidden = (window if prompt.is_of_unknown_size else media.document) * prompt.reads
    hidden += window if prompt.reads > 1 else 0
    given = (prompt.text_tokens + media.image + media.video + media.audio) * prompt.reads + hidden
    found, again = search_tokens(given, price, web + documents)
    texts = ["input_tokens"]
    texts += ["cache_write_5m_tokens"] * (prompt.has_cache_marks or price.provider == "openai")
    texts += ["cache_write_1h_tokens"] * prompt.has_long_cache_marks
    seen = ("image_input_tokens", "video_input_tokens")
    unseen = (*seen, "audio_input_tokens")
    outputs = ("output_tokens", "reasoning_tokens", "audio_output_tokens", "image_output_tokens")
    for text in texts:
        for image, film, any_kind, output in product((text, seen[0]), (text, seen[1]), (text, *unseen), outputs):
            counts = Counter({"cached_input_tokens": again, "audio_input_tokens": media.audio * prompt.reads})
            counts[text] += prompt.text_tokens * prompt.reads + found
            counts[image] += media.image * prompt.reads
            counts[film] += media.video * prompt.reads
            counts[any_kind] += hidden
            counts[output] += output_tokens * call.answers
            longest = given + found
            yield Usage(**counts, web_search_calls=web, document_search_calls=documents, longest_prompt_tokens=longest)


def dearest_nanousd(call: ParsedCall, price: Price, output_tokens: int, *, is_searched: bool = True) -> int:
    """The usage that is dearest in the standard tier, in the dearest tier that the call may be billed in."""
    dearest = max(
        usages_of(call, price, output_tokens, is_searched=is_searched),
        key=lambda usage: rated_units(usage, price, service_tier=None),
    )
    return max(cost_nanousd(dearest, price, service_tier=tier) for tier in (None, call.service_tier))


@given(call=calls, price=prices, length=st.integers(0, 200_000))
def test_answers_of_any_length_cost_what_the_dearest_usage_of_the_call_does(
    call: ParsedCall, price: Price, length: int
) -> None:
    nanousd = cost_call(call, price).nanousd(length)

    assert nanousd == dearest_nanousd(call, price, length + call.unshown_output_tokens)


@given(call=calls, price=prices)
def test_each_amount_is_what_the_dearest_usage_of_its_length_costs(call: ParsedCall, price: Price) -> None:
    costing = cost_call(call, price)
    ceiling = ceiling_of(call, price)
    useful = min(ceiling, call.thinking_tokens + 64)
    unshown = call.unshown_output_tokens

    assert costing.prompt_nanousd == dearest_nanousd(call, price, 0, is_searched=False)
    assert costing.least_nanousd == dearest_nanousd(call, price, useful + unshown)
    assert costing.want_nanousd == dearest_nanousd(call, price, ceiling + unshown)


@given(call=calls, price=prices, remembered=st.integers(0, 600_000))
def test_a_call_with_its_past_known_costs_what_one_with_so_much_more_text_does(
    call: ParsedCall, price: Price, remembered: int
) -> None:
    longer = replace(call.prompt, text_tokens=call.prompt.text_tokens + remembered, earlier_answers=0)

    known = cost_call(call, price).with_remembered(remembered)

    assert known == cost_call(replace(call, prompt=longer), price)


@given(call=calls, price=prices, waited_ms=st.integers(0, 600_000))
def test_an_unheard_attempt_costs_what_its_usage_does_and_never_more_than_the_call(
    call: ParsedCall, price: Price, waited_ms: int
) -> None:
    costing = cost_call(call, price)

    usage, cost = costing.unheard(waited_ms)

    assert cost == max(cost_nanousd(usage, price, service_tier=tier) for tier in (None, call.service_tier))
    assert cost <= costing.want_nanousd
    assert usage.prompt_tokens <= costing.searched_prompt.prompt_tokens


@given(call=calls, price=prices, length=st.integers(0, 200_000))
def test_a_call_that_is_let_through_free_costs_nothing(call: ParsedCall, price: Price, length: int) -> None:
    costing = cost_call(call, price, is_free=True)

    assert costing.is_free and costing.with_remembered(1_000).is_free
    assert amounts_of(costing) == (0, 0, 0)
    assert (costing.nanousd(length), costing.unheard(60_000)[1]) == (0, 0)
    assert costing.unheard(60_000)[0] == cost_call(call, price).unheard(60_000)[0]


def amounts_of(costing: Costing) -> tuple[int, int, int]:
    return costing.prompt_nanousd, costing.least_nanousd, costing.want_nanousd


def prompt_usage(prompt: PromptSize, price: Price) -> Usage:
    return cost_call(a_call(prompt=prompt), price).prompt


def ceiling_of(call: ParsedCall, price: Price) -> int:
    """The longest answer of a call that lacks no money."""
    return cost_call(call, price).output_ceiling_within(10**30)


# Case by case


def test_the_worst_case_is_input_and_the_callers_own_ceiling() -> None:
    costing = cost_call(a_call(answers=2), MINI)

    assert costing.prompt_nanousd == 1_000 * 150
    assert costing.least_nanousd == 1_000 * 150 + 2 * 64 * 600
    assert costing.want_nanousd == 1_000 * 150 + 2 * 500 * 600
    assert ceiling_of(a_call(answers=2), MINI) == 500


def test_without_a_ceiling_of_the_caller_the_models_own_is_the_bound() -> None:
    costing = cost_call(a_call(output_tokens_max=None), MINI)

    assert costing.want_nanousd == 1_000 * 150 + 16_384 * 600
    assert ceiling_of(a_call(output_tokens_max=None), MINI) == 16_384


def test_a_ceiling_shorter_than_a_useful_answer_is_all_that_is_needed() -> None:
    costing = cost_call(a_call(output_tokens_max=10), MINI)

    assert costing.least_nanousd == costing.want_nanousd == 1_000 * 150 + 10 * 600


def test_embeddings_cost_their_input_alone() -> None:
    price = price_of("openai", "text-embedding-3-small")

    call = a_call(has_output=False, output_tokens_max=None)
    costing = cost_call(call, price)

    assert costing.prompt_nanousd == costing.least_nanousd == costing.want_nanousd == 1_000 * 20
    assert ceiling_of(call, price) == 0


def test_marked_input_is_held_at_the_price_of_writing_it_to_the_cache() -> None:
    price = price_of("anthropic", "claude-opus-4-5")

    plain = prompt_usage(PromptSize(1_000), price)
    marked = prompt_usage(PromptSize(1_000, has_cache_marks=True), price)
    long = PromptSize(1_000, has_cache_marks=True, has_long_cache_marks=True)

    assert plain.input_tokens == 1_000
    assert marked.cache_write_5m_tokens == 1_000
    assert prompt_usage(long, price).cache_write_1h_tokens == 1_000


def test_a_provider_that_caches_unasked_is_held_at_its_write_price() -> None:
    usage = prompt_usage(PromptSize(1_000), price_of("openai", "gpt-6-sol"))

    assert (usage.cache_write_5m_tokens, usage.prompt_tokens) == (1_000, 1_000)


def test_an_answer_may_be_audio_where_the_model_speaks() -> None:
    costing = cost_call(a_call(), price_of("openai", "gpt-audio"))

    assert costing.want_nanousd - costing.prompt_nanousd == 500 * 64_000


def test_a_cheap_tier_is_held_at_the_standard_price() -> None:
    price = price_of("openai", "gpt-5")

    assert amounts_of(cost_call(a_call(service_tier="flex"), price)) == amounts_of(cost_call(a_call(), price))


def test_a_dear_tier_is_held_at_its_own_price() -> None:
    price = price_of("openai", "gpt-5")
    asked = a_call(service_tier="priority")

    dear, usual = cost_call(asked, price), cost_call(a_call(), price)

    assert dear.want_nanousd == 2 * usual.want_nanousd


@pytest.mark.parametrize("unknown", ["hidden_inputs", "unsized_media", "earlier_answers"])
def test_an_input_of_unknown_size_is_bounded_by_the_context_window(unknown: str) -> None:
    price = price_of("openai", "gpt-4")

    usage = prompt_usage(replace(PromptSize(10), **{unknown: 3}), price)

    assert usage.prompt_tokens == 10 + 8_192


def test_output_that_is_billed_unshown_is_held_for_beyond_the_ceiling() -> None:
    costing = cost_call(a_call(unshown_output_tokens=12_000), MINI)

    assert costing.least_nanousd == 1_000 * 150 + 12_064 * 600
    assert costing.want_nanousd == 1_000 * 150 + 12_500 * 600


def test_searching_takes_no_call_into_the_rates_of_a_prompt_it_never_has() -> None:
    price = price_of("openai", "gpt-5.4")
    [_, band] = price.tiers["standard"]
    below = a_call(prompt=PromptSize(band.above_prompt_tokens // 2), web_search_calls_max=5)

    usage = prompt_usage(below.prompt, price)
    searched = cost_call(below, price)

    assert usage.prompt_tokens * 3 > band.above_prompt_tokens
    assert searched.prompt_nanousd * 4 > searched.least_nanousd > searched.prompt_nanousd


def test_a_prompt_that_searching_makes_long_has_the_rates_of_a_long_one() -> None:
    price = price_of("openai", "gpt-5.4")
    [short, long] = price.tiers["standard"]
    call = a_call(prompt=PromptSize(long.above_prompt_tokens - 1_000), web_search_calls_max=1)

    searched, unsearched = cost_call(call, price), cost_call(replace(call, web_search_calls_max=0), price)

    assert unsearched.nanousd(2) - unsearched.nanousd(1) == short.rates.output_nanousd_per_mtok // 10**6
    assert searched.nanousd(2) - searched.nanousd(1) == long.rates.output_nanousd_per_mtok // 10**6
    assert searched.prompt_nanousd == unsearched.prompt_nanousd


def test_pictures_at_the_price_of_text_are_counted_as_text() -> None:
    assert prompt_usage(PromptSize(1_000, images=1), MINI).input_tokens == 1_000 + 48_200


def test_money_that_lacks_for_the_input_buys_no_answer_though_answers_cost_nothing() -> None:
    [band] = MINI.tiers["standard"]
    rates = msgspec.structs.replace(
        band.rates,
        output_nanousd_per_mtok=0,
        reasoning_nanousd_per_mtok=0,
        audio_output_nanousd_per_mtok=0,
        image_output_nanousd_per_mtok=0,
    )
    costing = cost_call(a_call(), replace(MINI, tiers={"standard": (Band(0, rates),)}))

    assert costing.output_ceiling_within(costing.prompt_nanousd - 1) == 0
    assert costing.output_ceiling_within(costing.prompt_nanousd) == 500


def test_only_a_provider_that_searches_documents_is_held_for_it() -> None:
    call = a_call(document_search_calls_max=10)
    grok, mini = price_of("xai", "grok-4"), MINI

    assert cost_call(call, grok).unheard(60_000)[0].document_search_calls == 10
    assert cost_call(call, mini).unheard(60_000)[0].document_search_calls == 0


def test_film_is_held_at_its_own_rate_and_pictures_at_theirs() -> None:
    """Gemini's embeddings: $12 per million tokens of film, $0.45 of pictures."""
    price = price_of("gemini", "gemini-embedding-2")

    film = prompt_usage(PromptSize(0, video_ms=1_000), price)
    picture = prompt_usage(PromptSize(0, images=1), price)

    assert cost_nanousd(Usage(video_input_tokens=film.video_input_tokens), price) == film.video_input_tokens * 12_000
    assert (film.video_input_tokens > 0, film.image_input_tokens) == (True, 0)
    assert cost_nanousd(picture, price) == picture.image_input_tokens * 450 > 0


def test_no_worst_case_exceeds_what_an_account_can_hold() -> None:
    costing = cost_call(a_call(output_tokens_max=2**50), MINI)

    assert costing.want_nanousd == NANOUSD_MAX


@given(call=calls, price=prices)
def test_input_costs_no_more_than_a_short_answer_and_that_no_more_than_a_full_one(
    call: ParsedCall, price: Price
) -> None:
    costing = cost_call(call, price)

    assert costing.prompt_nanousd <= costing.least_nanousd <= costing.want_nanousd


@given(call=calls, price=prices, part=st.fractions(0, 2))
def test_granted_money_buys_the_longest_answer_it_pays_for(call: ParsedCall, price: Price, part: object) -> None:
    assume(call.has_output)
    full = cost_call(call, price)
    granted = int(full.want_nanousd * part)  # type: ignore[operator]

    ceiling = cost_call(call, price).output_ceiling_within(granted)

    assert 0 <= ceiling <= ceiling_of(call, price)
    if ceiling > 0:
        assert _want(call, price, ceiling) <= granted
    if ceiling < ceiling_of(call, price):
        assert _want(call, price, ceiling + 1) > granted


def _want(call: ParsedCall, price: Price, ceiling: int) -> int:
    return dearest_nanousd(call, price, ceiling + call.unshown_output_tokens)


@given(call=calls, price=prices, data=st.data())
def test_no_usage_within_a_call_costs_more_than_its_worst_case(
    call: ParsedCall, price: Price, data: st.DataObject
) -> None:
    call = replace(call, service_tier=data.draw(st.sampled_from([None, "flex", "priority"])))
    bound = cost_call(call, price)
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
    usage, cost = cost_call(call, price).unheard(waited_ms)
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


def test_of_a_film_an_unheard_attempt_used_as_much_as_can_have_been_watched() -> None:
    price = price_book.find("gemini", "gemini-2.5-flash", at_ms=0)
    assert isinstance(price, Price)
    film = replace(UNHEARD_CALL, model=price.model, prompt=PromptSize(text_tokens=0, video_ms=3_000_000))

    used = cost_call(film, price).unheard(1_000)[0].prompt_tokens

    assert 100_000 <= used < 100_010 < cost_call(film, price).prompt.prompt_tokens


def test_of_an_unheard_attempt_s_searches_as_many_count_as_of_its_input() -> None:
    searching = replace(UNHEARD_CALL, web_search_calls_max=10)

    assert 0 < unheard(200, searching).web_search_calls < 10 == unheard(60_000, searching).web_search_calls


def test_an_unheard_embedding_costs_its_input_alone() -> None:
    embedding = replace(UNHEARD_CALL, model="text-embedding-3-small", has_output=False, output_tokens_max=None)

    assert unheard(60_000, embedding).completion_tokens == 0 < unheard(60_000, embedding).prompt_tokens


def test_an_unheard_attempt_may_have_used_output_that_is_billed_unshown() -> None:
    predicting = replace(UNHEARD_CALL, unshown_output_tokens=12_000)

    assert unheard(60_000, predicting).completion_tokens == 4_000 + 12_000
