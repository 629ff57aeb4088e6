"""The meter: what may pass, when it asks, waits and cuts, and what a stream comes to."""

import msgspec
import pytest

from core.bounds import SSE_EVENT_BYTES_MAX, STREAM_WITHHELD_BYTES_MAX
from core.call.meter import Cut, Extend, Forward, StreamMeter, Wait
from core.money.price_book import STANDARD, Band, Price
from core.money.usage import Usage
from tests.core.wire.streams.builders import (
    GOLDEN,
    OUTPUT_NANOUSD,
    PROMPT,
    PROMPT_NANOUSD,
    REFUSAL,
    REQUEST_ID,
    a_meter,
    a_price,
    a_reader,
    grants_all,
    has_left,
    play,
    refuses,
    sse,
)

DONE = b"data: [DONE]\n\n"


def a_chunk(content: str) -> bytes:
    return sse(
        {
            "id": "chatcmpl-1",
            "created": 1,
            "model": "gpt-4o",
            "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}],
        }
    )


def a_finish() -> bytes:
    return sse({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})


def a_usage(prompt: int, completion: int) -> bytes:
    return sse({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})


WORD = a_chunk(" budget")
"""One to three tokens, by estimate."""


def with_output(tokens: int) -> int:
    """A hold for the prompt and some output."""
    return PROMPT_NANOUSD + tokens * OUTPUT_NANOUSD


def fed_until(meter: StreamMeter, kind: type) -> tuple[object, int]:
    """Feed one word at a time until the meter does more than forward; the action, and how many words passed."""
    for words in range(1_000):
        step = meter.feed(WORD)
        if not isinstance(step.action, Forward):
            assert isinstance(step.action, kind)
            return step.action, words + (step.forward != b"")
    raise AssertionError("the meter only ever forwarded")


# Asking ---------------------------------------------------------------------------------------------------


def test_the_next_slice_is_asked_for_when_half_of_this_one_is_used() -> None:
    meter = a_meter(granted_nanousd=with_output(100), slice_tokens=100)

    action, words = fed_until(meter, Extend)

    assert with_output(50) <= meter.metered_nanousd <= with_output(55)
    assert isinstance(action, Extend)
    assert action.want_nanousd == with_output(200)
    assert action.metered_nanousd == meter.metered_nanousd
    assert words > 20


def test_no_word_waits_while_the_answer_is_on_its_way() -> None:
    meter = a_meter(granted_nanousd=with_output(100), slice_tokens=100)
    fed_until(meter, Extend)

    step = meter.feed(WORD)

    assert (step.forward, step.action) == (WORD, Forward())


def test_slices_grow_so_that_long_answers_ask_seldom() -> None:
    meter = a_meter(granted_nanousd=with_output(50), slice_tokens=50)

    played = play(meter, [WORD] * 5_000 + [a_finish(), DONE], grants_all)

    wants = [
        ask.want_nanousd - before
        for ask, before in zip(played.asked[1:], (a.want_nanousd for a in played.asked), strict=False)
    ]
    assert wants[:4] == [n * OUTPUT_NANOUSD for n in (100, 200, 400, 400)]
    assert len(played.asked) < 30


def test_a_hold_in_full_asks_for_nothing() -> None:
    meter = a_meter(granted_nanousd=with_output(1), is_full=True)

    played = play(meter, [WORD] * 100, refuses)

    assert (played.forwarded, played.asked) == (WORD * 100, ())


def test_nothing_is_asked_for_once_the_provider_has_finished() -> None:
    meter = a_meter(granted_nanousd=with_output(9), slice_tokens=9)

    step = meter.feed(a_chunk("A few words") + a_finish())

    assert step.action == Forward()


# Running out ----------------------------------------------------------------------------------------------


def test_what_the_hold_does_not_pay_for_waits_for_the_answer() -> None:
    meter = a_meter(granted_nanousd=with_output(20), slice_tokens=20)
    fed_until(meter, Extend)
    passed = b""

    while not isinstance((step := meter.feed(WORD)).action, Wait):
        passed += step.forward
    assert step.forward == b""

    released = meter.granted(with_output(100), is_full=False)
    assert released.forward == WORD
    assert passed + released.forward == WORD * ((len(passed) + len(released.forward)) // len(WORD))


def test_everything_withheld_passes_in_order_once_it_is_paid_for() -> None:
    words = [a_chunk(f" {number}") for number in range(40)]
    meter = a_meter(granted_nanousd=with_output(8), slice_tokens=8)
    out = b"".join(meter.feed(word).forward for word in words)

    out += meter.granted(with_output(1_000), is_full=False).forward

    assert out == b"".join(words)


def test_a_grant_that_pays_for_part_of_what_waits_asks_again() -> None:
    meter = a_meter(granted_nanousd=with_output(8), slice_tokens=8)
    for _ in range(100):
        meter.feed(WORD)

    step = meter.granted(with_output(40), is_full=False)

    assert step.forward and step.forward == WORD * (len(step.forward) // len(WORD))
    assert isinstance(step.action, Wait)
    assert isinstance(step.action.ask, Extend)


def test_a_denial_while_money_is_left_is_asked_about_again_when_it_is_not() -> None:
    meter = a_meter(granted_nanousd=with_output(50), slice_tokens=50)
    fed_until(meter, Extend)

    assert meter.denied().action == Forward()
    action, _ = fed_until(meter, Wait)

    assert isinstance(action, Wait)
    assert isinstance(action.ask, Extend)
    released = meter.granted(with_output(150), is_full=False)
    assert (released.forward, released.action) == (WORD, Forward())


def test_a_denial_when_nothing_is_left_cuts() -> None:
    meter = a_meter(granted_nanousd=with_output(50), slice_tokens=50)
    fed_until(meter, Extend)
    meter.denied()
    fed_until(meter, Wait)

    assert meter.denied().action == Cut("budget")
    assert meter.feed(WORD).forward == b""
    assert meter.close().is_cut


def test_events_without_output_pass_an_empty_hold() -> None:
    meter = a_meter("anthropic_messages", prompt=Usage(), granted_nanousd=0)
    start = b'event: ping\ndata: {"type":"ping"}\n\n'

    assert meter.feed(start).forward == start


def test_the_last_words_of_the_provider_pass_whatever_they_cost() -> None:
    meter = a_meter(granted_nanousd=with_output(100))

    step = meter.feed(WORD + a_finish() + a_usage(100, 9_000) + DONE)

    assert step.forward.endswith(DONE)
    assert meter.close().cost_nanousd == with_output(9_000)


def test_a_stream_that_piles_up_without_an_answer_is_cut() -> None:
    meter = a_meter(granted_nanousd=PROMPT_NANOUSD)
    chunk = a_chunk("x" * 50_000)

    actions = [meter.feed(chunk).action for _ in range(STREAM_WITHHELD_BYTES_MAX // 50_000 + 2)]

    assert isinstance(actions[0], Wait)
    assert actions[-1] == Cut("budget")


def test_an_event_too_large_to_read_is_cut_and_charged_with_the_whole_hold() -> None:
    meter = a_meter(granted_nanousd=with_output(100))
    meter.feed(b"data: " + b"x" * 1_000)

    step = meter.feed(b"x" * SSE_EVENT_BYTES_MAX)

    assert (step.forward, step.action) == (b"", Cut("unreadable"))
    assert meter.feed(b"x\n\n" + WORD).forward == b""
    assert meter.close().cost_nanousd == with_output(100)


def test_a_cut_inside_one_chunk_forwards_the_events_before_it() -> None:
    meter = a_meter(granted_nanousd=with_output(10))

    played = play(meter, [WORD * 50], refuses)

    assert played.is_cut
    assert played.forwarded == WORD * (len(played.forwarded) // len(WORD))
    assert 0 < len(played.forwarded) < len(WORD * 10)


# The end --------------------------------------------------------------------------------------------------


def test_the_providers_usage_replaces_the_estimate() -> None:
    played = play(a_meter(), [WORD, WORD, a_finish(), a_usage(7, 2), DONE], grants_all)

    assert played.result.usage == Usage(input_tokens=7, output_tokens=2)
    assert played.result.cost_nanousd == 7_000 + 2 * OUTPUT_NANOUSD
    assert played.result.is_provider_usage


def test_a_usage_of_zero_is_not_missing() -> None:
    played = play(a_meter(), [WORD, a_finish(), a_usage(0, 0), DONE], grants_all)

    assert (played.result.cost_nanousd, played.result.is_provider_usage) == (0, True)


def test_without_usage_the_estimate_stands() -> None:
    played = play(a_meter(), [WORD, a_finish(), DONE], grants_all)

    assert not played.result.is_provider_usage
    assert played.result.usage.input_tokens == PROMPT.input_tokens
    assert 1 <= played.result.usage.output_tokens <= 7


def test_every_piece_counts_for_a_token_at_least() -> None:
    played = play(a_meter(), [a_chunk("a") for _ in range(200)], grants_all)

    assert played.result.usage.output_tokens >= 200


def test_a_running_count_is_believed_where_it_is_plausible() -> None:
    chunk = sse(
        {
            "choices": [{"index": 0, "delta": {"content": "many words of text " * 20}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 77},
        }
    )

    played = play(a_meter(), [chunk], grants_all)

    assert played.result.usage == Usage(input_tokens=9, output_tokens=77)
    assert not played.result.is_provider_usage


def test_a_running_count_that_stands_still_does_not_hide_output() -> None:
    chunk = sse(
        {
            "choices": [{"index": 0, "delta": {"content": "many words of text " * 5}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1},
        }
    )

    played = play(a_meter(), [chunk] * 50, grants_all)

    assert played.result.usage.output_tokens > 1_000
    assert played.result.usage.input_tokens == 9


def test_output_after_a_final_count_is_charged_on_top() -> None:
    played = play(a_meter(), [a_finish(), a_usage(7, 2), WORD * 10], grants_all)

    assert played.result.usage.output_tokens > 10
    assert not played.result.is_provider_usage


def test_an_estimate_never_exceeds_a_hold_in_full() -> None:
    meter = a_meter(granted_nanousd=with_output(5), is_full=True)

    played = play(meter, [WORD * 100], refuses)

    assert played.result.cost_nanousd == with_output(5)


def test_a_providers_count_above_the_hold_is_charged_as_it_is() -> None:
    meter = a_meter(granted_nanousd=with_output(5), is_full=True)

    played = play(meter, [WORD, a_finish(), a_usage(100, 500), DONE], refuses)

    assert played.result.cost_nanousd == with_output(500)


def test_what_was_generated_is_charged_although_it_was_withheld() -> None:
    played = play(a_meter(granted_nanousd=with_output(10)), [WORD * 50], refuses)

    assert played.result.usage.output_tokens > 50


def test_what_comes_after_a_cut_is_charged_too() -> None:
    at_once, later = a_meter(granted_nanousd=with_output(10)), a_meter(granted_nanousd=with_output(10))
    for meter in (at_once, later):
        meter.feed(WORD * 20)
        assert meter.denied().action == Cut("budget")

    later.feed(WORD * 100)

    assert later.close().cost_nanousd >= at_once.close().cost_nanousd + 100 * OUTPUT_NANOUSD


def test_reasoning_out_of_sight_is_charged_by_the_time_it_can_have_taken() -> None:
    left_early, left_late = a_meter(is_full=True), a_meter(is_full=True)

    early, late = left_early.close(unseen_ms=100), left_late.close(unseen_ms=10_000)

    assert early.usage.reasoning_tokens == 50
    assert late.usage.reasoning_tokens == 5_000
    assert late.cost_nanousd == with_output(5_000)


def test_reasoning_out_of_sight_never_costs_more_than_the_hold() -> None:
    meter = a_meter(granted_nanousd=with_output(200), is_full=True)

    assert meter.close(unseen_ms=60_000).cost_nanousd == with_output(200)


def test_thinking_that_was_shown_is_not_charged_again_as_unseen() -> None:
    meter = a_meter(is_full=True)
    meter.feed(sse({"choices": [{"index": 0, "delta": {"reasoning": "a"}}]}) * 80)

    assert meter.close(unseen_ms=200).usage.reasoning_tokens == 100


def test_thinking_is_over_when_the_answer_begins() -> None:
    meter = a_meter(is_full=True)

    meter.feed(sse({"choices": [{"index": 0, "delta": {"reasoning": "a"}}]}))
    before = meter.has_written
    meter.feed(WORD)

    assert (before, meter.has_written) == (False, True)


def test_nothing_is_unseen_once_the_provider_has_counted() -> None:
    final, running = a_meter(is_full=True), a_meter("gemini", is_full=True)
    final.feed(WORD + a_finish() + a_usage(7, 2))
    running.feed((GOLDEN / "gemini" / "truncated" / "upstream.sse").read_bytes())

    assert final.close(unseen_ms=9_000).usage.completion_tokens == 2
    assert running.close(unseen_ms=9_000).usage.completion_tokens == 17


def test_closing_twice_gives_the_first_result() -> None:
    meter = a_meter()
    meter.feed(WORD)
    first = meter.close()

    meter.feed(WORD * 100)

    assert meter.close() is first


def test_a_special_tier_is_metered_at_the_dearer_of_two_prices() -> None:
    rates = a_price().tiers[STANDARD][0].rates
    dearer = msgspec.structs.replace(rates, output_nanousd_per_mtok=2 * rates.output_nanousd_per_mtok)
    price = Price("openai", "m", {STANDARD: (Band(0, rates),), "priority": (Band(0, dearer),)}, None, None)
    meter = StreamMeter(
        a_reader(), price, PROMPT, model="gpt-4o", granted_nanousd=10**9, is_full=False,
        slice_nanousd=10**6, service_tier="priority", strips_usage=False,
    )  # fmt: skip
    served = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "service_tier": "default"})

    meter.feed(WORD)
    metered = meter.metered_nanousd
    meter.feed(served)

    assert metered - PROMPT_NANOUSD == 2 * (meter.close().cost_nanousd - PROMPT_NANOUSD)


# Bytes ----------------------------------------------------------------------------------------------------


def test_an_injected_usage_chunk_is_taken_out_to_the_byte() -> None:
    asked = (GOLDEN / "openai_chat" / "text_with_injected_usage" / "upstream.sse").read_bytes()
    unasked = (GOLDEN / "openai_chat" / "text_without_usage" / "upstream.sse").read_bytes()

    played = play(a_meter(strips_usage=True), [asked], grants_all)

    assert played.forwarded == unasked
    assert played.result.is_provider_usage


@pytest.mark.parametrize("dress", [b"id: 7\n", b"event: message\n", b": ping\n", b"retry: 5\nid: 7\n"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_injected_usage_chunk_is_taken_out_however_its_event_is_dressed(dress: bytes, end: bytes) -> None:
    dressed = {
        name: (GOLDEN / "openai_chat" / name / "upstream.sse")
        .read_bytes()
        .replace(b"data: ", dress + b"data: ")
        .replace(b"\n", end)
        for name in ("text_with_injected_usage", "text_without_usage")
    }

    played = play(a_meter(strips_usage=True), [dressed["text_with_injected_usage"]], grants_all)

    assert played.forwarded == dressed["text_without_usage"]


def test_what_was_withheld_is_stripped_of_its_null_usage_too() -> None:
    asked = (GOLDEN / "openai_chat" / "text_with_injected_usage" / "upstream.sse").read_bytes()
    unasked = (GOLDEN / "openai_chat" / "text_without_usage" / "upstream.sse").read_bytes()
    meter = a_meter(strips_usage=True, granted_nanousd=with_output(1), slice_tokens=1)

    played = play(meter, [asked], grants_all)

    assert len(played.asked) > 1
    assert played.forwarded == unasked


def test_a_usage_the_caller_asked_for_stays() -> None:
    asked = (GOLDEN / "openai_chat" / "text_with_injected_usage" / "upstream.sse").read_bytes()

    assert play(a_meter(strips_usage=False), [asked], grants_all).forwarded == asked


def test_text_that_looks_like_a_null_usage_is_left_alone() -> None:
    said = a_chunk('write ,"usage":null} please')

    assert play(a_meter(strips_usage=True), [said], grants_all).forwarded == said


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b'data: {"choices":[]}\n'], ids=repr)
def test_a_last_event_without_its_blank_line_still_passes(end: bytes) -> None:
    played = play(a_meter(), [WORD + a_finish() + end], grants_all)

    assert played.forwarded == WORD + a_finish() + end + b"\n\n"


def test_half_an_event_does_not_pass() -> None:
    played = play(a_meter(), [WORD, WORD[:-20]], grants_all)

    assert played.forwarded == WORD
    assert played.result.is_truncated


def test_a_stream_that_has_ended_is_not_ended_again() -> None:
    meter = a_meter()
    play(meter, [WORD, a_finish(), DONE], grants_all)

    assert meter.render_cut(REFUSAL, REQUEST_ID, is_soft=False) == b""


def test_a_ledger_with_money_left_never_cuts() -> None:
    words = [WORD] * 300
    full = play(a_meter(granted_nanousd=with_output(30)), words, grants_all)

    played = play(a_meter(granted_nanousd=with_output(30)), words, has_left(full.result.cost_nanousd))

    assert not played.is_cut
    assert played.forwarded == b"".join(words)


DEEP_EVENTS = [
    ("gemini", b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":%b}}]}}]}\n\n'),
    ("openai_chat", b'data: {"choices":[{"index":0,"delta":{"tool_calls":%b}}]}\n\n'),
    ("anthropic_messages", b'data: {"type":"content_block_start","index":0,"content_block":%b}\n\n'),
]


@pytest.mark.parametrize(("dialect", "event"), DEEP_EVENTS)
def test_an_event_nested_too_deeply_passes_as_it_is_and_counts_from_end_to_end(dialect: str, event: bytes) -> None:
    deep = event % (b'{"a":' * 2_000 + b"1" + b"}" * 2_000)

    played = play(a_meter(dialect, is_full=True), [deep], refuses)

    assert played.forwarded.startswith(deep)
    assert played.result.usage.output_tokens > 1_000
