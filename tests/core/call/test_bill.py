"""What a stream comes to: the provider's own counts and bill, our estimate of the rest, and nothing for nothing."""

import pytest

from core.call.result import StreamResult
from core.money.amount import NANOUSD_MAX
from core.money.usage import COUNT_MAX, Usage
from tests.core.wire.streams.builders import OUTPUT_NANOUSD, PROMPT_NANOUSD, a_meter, grants_all, play, sse


def a_chunk(delta: dict[str, object], *, usage: dict[str, object] | None = None, finish: str | None = None) -> bytes:
    chunk: dict[str, object] = {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return sse(chunk if usage is None else {**chunk, "usage": usage})


def result(
    dialect: str, *chunks: bytes, is_finished: bool = True, unseen_ms: int = 0, held: int = 10**9
) -> StreamResult:
    meter = a_meter(dialect, granted_nanousd=held, is_full=True)
    for chunk in chunks:
        meter.feed(chunk)
    if is_finished:
        meter.finish()
    return meter.close(unseen_ms=unseen_ms)


# What the provider has counted ------------------------------------------------------------------------------


MESSAGE_START = sse(
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 30_000, "output_tokens": 1}}},
    event="message_start",
)
A_BLOCK = sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}})
STATED = {
    "anthropic_messages": MESSAGE_START,
    "openai_chat": a_chunk({"role": "assistant"}, usage={"prompt_tokens": 30_000, "completion_tokens": 1}),
    "gemini": sse({"usageMetadata": {"promptTokenCount": 30_000, "candidatesTokenCount": 1}}),
}
STATED_NANOUSD = 30_000 * 1_000 + OUTPUT_NANOUSD


@pytest.mark.parametrize("is_finished", [True, False], ids=["broken", "left"])
@pytest.mark.parametrize("dialect", STATED)
def test_input_that_the_provider_counted_is_charged_whatever_is_held(dialect: str, is_finished: bool) -> None:
    came = result(dialect, STATED[dialect], is_finished=is_finished, held=PROMPT_NANOUSD + 3 * OUTPUT_NANOUSD)

    assert came.cost_nanousd == STATED_NANOUSD


def test_what_is_written_after_the_counted_input_is_charged_up_to_the_held_output() -> None:
    held = PROMPT_NANOUSD + 20 * OUTPUT_NANOUSD

    some = result("anthropic_messages", MESSAGE_START, A_BLOCK, held=held)
    much = result("anthropic_messages", MESSAGE_START, *[A_BLOCK] * 100, held=held)

    assert STATED_NANOUSD < some.cost_nanousd < much.cost_nanousd
    assert much.cost_nanousd == STATED_NANOUSD + 20 * OUTPUT_NANOUSD


def test_a_count_beyond_belief_settles_as_an_estimate() -> None:
    usage = {"prompt_tokens": 10**14, "completion_tokens": 10**14}

    came = result("openai_chat", a_chunk({}, usage=usage, finish="stop"))

    assert not came.is_provider_usage
    assert (came.usage.prompt_tokens, came.usage.completion_tokens) == (COUNT_MAX, COUNT_MAX)
    assert came.cost_nanousd <= NANOUSD_MAX


def test_a_stream_never_asks_for_more_than_there_can_be() -> None:
    usage = {"prompt_tokens": 10**14, "completion_tokens": 10**14, "cost_in_usd_ticks": 9 * 10**16}
    meter = a_meter(granted_nanousd=PROMPT_NANOUSD, slice_tokens=50)

    played = play(meter, [a_chunk({"content": "Hi"}, usage=usage), a_chunk({"content": "Hi"})], grants_all)

    assert played.asked and all(ask.want_nanousd <= NANOUSD_MAX for ask in played.asked)


# The provider's own bill ------------------------------------------------------------------------------------


BILL = {"prompt_tokens": 9, "completion_tokens": 2, "cost_in_usd_ticks": 500_000_001}


def test_the_provider_s_own_bill_is_the_charge() -> None:
    came = result("openai_chat", a_chunk({"content": "Hi"}), a_chunk({}, usage=BILL, finish="stop"))

    assert (came.cost_nanousd, came.usage.billed_nanousd) == (50_000_001, 50_000_001)
    assert came.is_provider_usage


def test_a_bill_in_mid_stream_covers_what_had_been_written_by_then() -> None:
    billed = a_chunk({"content": "Hi"}, usage=BILL)

    at_once = result("openai_chat", billed, is_finished=False)
    later = result("openai_chat", billed, *[a_chunk({"content": " a"})] * 10, is_finished=False)

    assert at_once.cost_nanousd == 50_000_001
    assert later.cost_nanousd >= 50_000_001 + 10 * OUTPUT_NANOUSD
    assert later.usage.billed_nanousd is None


def test_a_later_bill_replaces_an_earlier_one() -> None:
    final = a_chunk({}, usage={**BILL, "cost_in_usd_ticks": "600000000"}, finish="stop")

    came = result("openai_chat", a_chunk({"content": "Hi"}, usage=BILL), final, sse(b"[DONE]"))

    assert came.cost_nanousd == 60_000_000


def test_what_is_written_after_the_bill_comes_on_top() -> None:
    came = result("openai_chat", a_chunk({}, usage=BILL, finish="stop"), *[a_chunk({"content": " a"})] * 5)

    assert came.cost_nanousd >= 50_000_001 + 5 * OUTPUT_NANOUSD


def test_responses_are_charged_by_their_bill_too() -> None:
    usage = {"input_tokens": 9, "output_tokens": 2, "cost_in_usd_ticks": 10**10}

    came = result("openai_responses", sse({"type": "response.completed", "response": {"id": "r", "usage": usage}}))

    assert came.cost_nanousd == 10**9


def a_tool_block(**block: object) -> bytes:
    return sse({"type": "content_block_start", "index": 1, "content_block": block})


SEARCH = a_tool_block(type="server_tool_use", name="web_search")
READ = {
    "a page that Claude fetched": (
        "anthropic_messages",
        a_tool_block(type="web_fetch_tool_result", content={"source": {"data": "x" * 30_000}}),
        8_000 + 10_000,
    ),
    "a page opened in Responses": (
        "openai_responses",
        sse(
            {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "open_page"}}}
        ),
        8_000,
    ),
}


@pytest.mark.parametrize(("dialect", "page", "tokens"), READ.values(), ids=READ)
def test_a_stream_that_is_left_pays_for_the_pages_it_read(dialect: str, page: bytes, tokens: int) -> None:
    left = result(dialect, *[page] * 3, is_finished=False)

    assert left.usage.web_search_calls == 0
    assert left.usage.input_tokens >= 3 * tokens
    assert left.usage.cached_input_tokens == 3 * 100 + 3 * 8_000


@pytest.mark.parametrize(
    ("counted", "searches"), [({"web_search_requests": 2}, 2), ({"web_search_requests": 0}, 0), (None, 2)]
)
def test_counts_at_the_end_replace_what_was_seen_to_be_searched(counted: object, searches: int) -> None:
    usage = {"input_tokens": 41_000, "output_tokens": 9, "server_tool_use": counted}
    end = sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})

    came_to = result("anthropic_messages", MESSAGE_START, SEARCH, SEARCH, end)

    assert (came_to.usage.prompt_tokens, came_to.usage.web_search_calls) == (41_000, searches)
    assert came_to.is_provider_usage


def test_searches_that_the_usage_counts_are_not_counted_again_by_what_was_seen() -> None:
    item = {"type": "web_search_call", "action": {"type": "search"}}
    seen = sse({"type": "response.output_item.done", "output_index": 0, "item": item})
    usage = {"input_tokens": 1, "output_tokens": 1, "server_side_tool_usage_details": {"web_search_calls": 1}}
    end = sse({"type": "response.completed", "response": {"usage": usage}})

    assert result("openai_responses", *[seen] * 7, end).usage.web_search_calls == 1
    assert result("openai_responses", *[seen] * 7).usage.web_search_calls == 7


SEARCHING = {
    "openai_responses": sse(
        {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "search"}}}
    ),
    "anthropic_messages": sse(
        {"type": "content_block_start", "index": 1, "content_block": {"type": "server_tool_use", "name": "web_search"}}
    ),
}
COUNTED = {
    "openai_responses": sse(
        {"type": "response.completed", "response": {"usage": {"input_tokens": 9, "output_tokens": 2}}}
    ),
    "anthropic_messages": sse(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": 9, "output_tokens": 2},
        }
    ),
}


@pytest.mark.parametrize("dialect", SEARCHING)
def test_a_search_stream_left_before_its_usage_pays_for_what_the_searches_read(dialect: str) -> None:
    left = result(dialect, *[SEARCHING[dialect]] * 3, is_finished=False)

    assert left.usage.web_search_calls == 3
    assert left.usage.input_tokens == PROMPT_NANOUSD // 1_000 + 3 * 8_000
    assert left.usage.cached_input_tokens == 3 * 100 + 3 * 8_000
    assert left.cost_nanousd >= 3 * 10_000_000 + left.usage.prompt_tokens * 1_000


@pytest.mark.parametrize("dialect", SEARCHING)
def test_what_searches_read_is_not_added_to_the_provider_s_own_count(dialect: str) -> None:
    counted = result(dialect, *[SEARCHING[dialect]] * 3, COUNTED[dialect])

    assert (counted.usage.prompt_tokens, counted.usage.web_search_calls) == (9, 3)


def test_searches_after_a_count_of_the_input_come_on_top_of_it() -> None:
    left = result("anthropic_messages", MESSAGE_START, SEARCHING["anthropic_messages"], is_finished=False)

    assert left.usage.prompt_tokens == 30_000 + 8_000 + 30_000


# Nothing for nothing ----------------------------------------------------------------------------------------


PING = sse({"type": "ping"}, event="ping")
COMMENT = b": keep-alive\n\n"
CREATED = sse({"type": "response.created", "response": {"id": "resp_1", "model": "m", "usage": None}})
FAILED = {"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error"}, "usage": None}}
ERRORS: dict[str, tuple[str, tuple[bytes, ...], str]] = {
    "chat": ("openai_chat", (sse({"error": {"code": "overloaded", "type": "x"}}),), "overloaded"),
    "chat, a number": ("openai_chat", (sse({"error": {"code": 529, "message": "x"}}),), "529"),
    "chat, words": ("openai_chat", (sse({"error": "too many"}), sse(b"[DONE]")), "error"),
    "chat, after its role": ("openai_chat", (COMMENT, a_chunk({"role": "assistant", "content": ""}), sse({"error": {}})), "error"),
    "chat, no JSON": ("openai_chat", (sse(b"Internal error", event="error"),), "error"),
    "chat, a plain document": ("openai_chat", (b'{"error":{"type":"server_error"}}\n\n',), "server_error"),
    "completions": ("openai_completions", (sse({"error": {"type": "server_error"}}),), "server_error"),
    "Responses failed": ("openai_responses", (CREATED, sse(FAILED)), "server_error"),
    "Responses error": ("openai_responses", (sse({"type": "error", "code": "server_error"}),), "server_error"),
    "Responses error within": ("openai_responses", (sse({"error": {"code": "x"}}),), "x"),
    "Anthropic": ("anthropic_messages", (sse({"type": "error", "error": {"type": "overloaded_error"}}),), "overloaded_error"),
    "Anthropic after a ping": ("anthropic_messages", (PING, COMMENT, sse({"type": "error", "error": {"type": "api_error"}})), "api_error"),
    "Anthropic without a type": ("anthropic_messages", (sse({"error": {"type": "api_error"}}),), "api_error"),
    "Gemini": ("gemini", (sse({"error": {"code": 503, "status": "UNAVAILABLE"}}),), "UNAVAILABLE"),
    "Gemini, in an array": ("gemini", (b'[{"error":{"code":503}}]',), "503"),
}  # fmt: skip


@pytest.mark.parametrize(("dialect", "chunks", "code"), ERRORS.values(), ids=ERRORS)
def test_an_error_in_place_of_an_answer_costs_nothing(dialect: str, chunks: tuple[bytes, ...], code: str) -> None:
    came = result(dialect, *chunks, unseen_ms=60_000)

    assert (came.cost_nanousd, came.usage, came.is_failed, came.error_code) == (0, Usage(), True, code)


EMPTY: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "chat": ("openai_chat", ()),
    "chat, done": ("openai_chat", (sse(b"[DONE]"),)),
    "chat, a comment": ("openai_chat", (COMMENT,)),
    "Responses, created": ("openai_responses", (CREATED,)),
    "Anthropic, a ping": ("anthropic_messages", (PING,)),
    "Gemini": ("gemini", ()),
    "Gemini, in an array": ("gemini", (b"[]",)),
}


@pytest.mark.parametrize(("dialect", "chunks"), EMPTY.values(), ids=EMPTY)
def test_a_stream_that_closes_without_a_word_costs_nothing(dialect: str, chunks: tuple[bytes, ...]) -> None:
    came = result(dialect, *chunks)

    assert (came.cost_nanousd, came.usage, came.is_failed) == (0, Usage(), True)


def test_an_empty_stream_of_a_model_that_hides_its_thinking_costs_what_it_can_have_thought() -> None:
    came = result("openai_chat", unseen_ms=1_000)

    assert came.usage == Usage(reasoning_tokens=500)
    assert came.cost_nanousd == 500 * OUTPUT_NANOUSD
    assert came.is_failed and not came.is_provider_usage


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
def test_a_caller_who_leaves_before_the_first_word_pays_for_the_input(dialect: str) -> None:
    came = result(dialect, is_finished=False)

    assert (came.cost_nanousd, came.is_failed) == (PROMPT_NANOUSD, False)


def test_an_error_after_the_first_word_is_not_for_nothing() -> None:
    came = result("anthropic_messages", A_BLOCK, sse({"type": "error", "error": {"type": "overloaded_error"}}))

    assert came.cost_nanousd > PROMPT_NANOUSD
    assert not came.is_failed


def test_an_error_after_the_provider_counted_costs_what_it_counted() -> None:
    came = result("anthropic_messages", MESSAGE_START, sse({"type": "error", "error": {"type": "overloaded_error"}}))

    assert came.cost_nanousd == STATED_NANOUSD


def test_a_prompt_turned_away_without_counts_costs_its_input_alone() -> None:
    came = result("gemini", sse({"promptFeedback": {"blockReason": "MODEL_ARMOR"}}), unseen_ms=60_000)

    assert (came.cost_nanousd, came.finish_reason, came.is_failed) == (PROMPT_NANOUSD, "MODEL_ARMOR", False)


# By what a later call may name it ---------------------------------------------------------------------------


NAMED = {
    "openai_chat": (a_chunk({"content": "Hi"}), ("chatcmpl-1", None)),
    "openai_responses": (
        sse({"type": "response.created", "response": {"id": "resp_1", "conversation": {"id": "conv_1"}}}),
        ("resp_1", "conv_1"),
    ),
    "anthropic_messages": (MESSAGE_START, ("msg_1", None)),
    "gemini": (sse({"responseId": "r1", "candidates": []}), ("r1", None)),
}


@pytest.mark.parametrize(("dialect", "case"), NAMED.items(), ids=NAMED)
def test_a_stream_says_by_what_a_later_call_may_name_it(dialect: str, case: tuple[bytes, tuple]) -> None:
    came = result(dialect, case[0])

    assert (came.answer_id, came.conversation_id) == case[1]
