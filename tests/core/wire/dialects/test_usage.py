"""Every provider's usage becomes disjoint counts, and no nonsense makes them negative."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money.usage import COUNT_MAX, Usage
from core.wire.dialects import DIALECTS, InvalidAnswer

CASES = [
    (
        "openai_chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5},
        },
        Usage(
            input_tokens=50,
            cached_input_tokens=40,
            audio_input_tokens=10,
            output_tokens=25,
            reasoning_tokens=20,
            audio_output_tokens=5,
        ),
    ),
    (
        "openai_chat",
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 45,
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        Usage(input_tokens=10, output_tokens=5, reasoning_tokens=30),
    ),
    (
        "openai_chat",
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}},
        Usage(cached_input_tokens=5, output_tokens=1),
    ),
    ("openai_chat", {"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
    (
        "openai_responses",
        {
            "input_tokens": 10,
            "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
        Usage(input_tokens=6, cached_input_tokens=4, output_tokens=4, reasoning_tokens=3),
    ),
    ("openai_embeddings", {"prompt_tokens": 8, "total_tokens": 8}, Usage(input_tokens=8)),
    (
        "anthropic_messages",
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 30,
            "cache_read_input_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
            "server_tool_use": {"web_search_requests": 2},
        },
        Usage(
            input_tokens=10,
            cached_input_tokens=7,
            cache_write_5m_tokens=20,
            cache_write_1h_tokens=10,
            output_tokens=5,
            web_search_calls=2,
        ),
    ),
    (
        "anthropic_messages",
        {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 9},
        Usage(input_tokens=1, cache_write_5m_tokens=9, output_tokens=2),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 30,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 15,
            "toolUsePromptTokenCount": 5,
            "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 10}],
        },
        Usage(input_tokens=65, cached_input_tokens=30, image_input_tokens=10, output_tokens=20, reasoning_tokens=15),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 120,
            "cachedContentTokenCount": 60,
            "candidatesTokenCount": 5,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 80}, {"modality": "TEXT", "tokenCount": 40}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}, {"modality": "TEXT", "tokenCount": 10}],
        },
        Usage(
            input_tokens=30,
            cached_input_tokens=10,
            audio_input_tokens=30,
            cached_audio_input_tokens=50,
            output_tokens=5,
        ),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 373,
            "cachedContentTokenCount": 204,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 115}, {"modality": "IMAGE", "tokenCount": 258}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 63}, {"modality": "IMAGE", "tokenCount": 141}],
        },
        Usage(input_tokens=52, cached_input_tokens=204, image_input_tokens=117),
    ),
    (
        "gemini_embed",
        {
            "promptTokenCount": 2_511,
            "promptTokenDetails": [
                {"modality": "AUDIO", "tokenCount": 2_500},
                {"modality": "TEXT", "tokenCount": 1},
                {"modality": "VIDEO", "tokenCount": 7},
                {"modality": "DOCUMENT", "tokenCount": 3},
            ],
        },
        Usage(input_tokens=1, audio_input_tokens=2_500, image_input_tokens=3, video_input_tokens=7),
    ),
    (
        "gemini",
        {"promptTokenCount": 9, "candidatesTokenCount": 3, "toolUsePromptTokenCount": 20, "totalTokenCount": 105},
        Usage(input_tokens=29, output_tokens=3, reasoning_tokens=73),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 9,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}, {"modality": "TEXT", "tokenCount": 5}],
            "toolUsePromptTokenCount": 20,
            "toolUsePromptTokensDetails": [
                {"modality": "AUDIO", "tokenCount": 7},
                {"modality": "TEXT", "tokenCount": 13},
            ],
        },
        Usage(input_tokens=18, audio_input_tokens=11),
    ),
    (
        "openai_chat",
        {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 105},
        Usage(input_tokens=9, output_tokens=3, reasoning_tokens=93),
    ),
    ("openai_chat", {"total_tokens": 105}, Usage(reasoning_tokens=105)),
    (
        "openai_chat",
        {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 30}},
        Usage(input_tokens=10, output_tokens=5, reasoning_tokens=30),
    ),
    (
        "openai_chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 1,
            "prompt_tokens_details": {
                "cached_tokens": 64,
                "audio_tokens": 90,
                "cached_tokens_details": {"audio_tokens": 60},
            },
        },
        Usage(
            input_tokens=6, cached_input_tokens=4, audio_input_tokens=30, cached_audio_input_tokens=60, output_tokens=1
        ),
    ),
    (
        "openai_responses",
        {
            "input_tokens": 9_212,
            "input_tokens_details": {"cached_tokens": 3_072},
            "output_tokens": 3_417,
            "total_tokens": 12_629,
            "num_server_side_tools_used": 4,
            "cost_in_usd_ticks": 318_319_001,
            "server_side_tool_usage_details": {"x_search_calls": 3, "web_search_calls": 0, "document_search_calls": 1},
            "context_details": {"input_tokens": 7_622, "output_tokens": 3_219},
        },
        Usage(
            input_tokens=6_140,
            cached_input_tokens=3_072,
            output_tokens=3_417,
            web_search_calls=3,
            document_search_calls=1,
            billed_nanousd=31_831_901,
            longest_prompt_tokens=7_622,
        ),
    ),
    (
        "openai_chat",
        {"prompt_tokens": 1, "completion_tokens": 1, "num_server_side_tools_used": 2},
        Usage(input_tokens=1, output_tokens=1, web_search_calls=2),
    ),
    ("openai_chat", {"cost_in_usd_ticks": "25"}, Usage(billed_nanousd=3)),
    (
        "anthropic_messages",
        {
            "input_tokens": 2_390,
            "output_tokens": 121,
            "output_tokens_details": {"thinking_tokens": 28},
            "iterations": [
                {"type": "message", "input_tokens": 1_128, "output_tokens": 110},
                {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 2_518, "output_tokens": 22},
                {"type": "message", "input_tokens": 1_200, "cache_read_input_tokens": 62, "output_tokens": 11},
            ],
        },
        Usage(input_tokens=4_908, output_tokens=115, reasoning_tokens=28, longest_prompt_tokens=2_518),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 4,
            "candidatesTokenCount": 1300,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
        },
        Usage(input_tokens=4, output_tokens=10, image_output_tokens=1290),
    ),
]


@pytest.mark.parametrize(("dialect", "reported", "expected"), CASES)
def test_a_reported_usage_becomes_disjoint_counts(dialect: str, reported: dict, expected: Usage) -> None:
    assert DIALECTS[dialect].read_usage(msgspec.Raw(json.dumps(reported).encode())) == expected


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
@pytest.mark.parametrize("reported", [b"null", b"{}", b'"x"', b"[1]"])
def test_a_usage_that_counts_nothing_is_missing_not_zero(dialect: str, reported: bytes) -> None:
    assert DIALECTS[dialect].read_usage(msgspec.Raw(reported)) is None


ODD: dict[str, tuple[str, str, Usage]] = {
    "digits": ("openai_chat", '{"prompt_tokens":"7","completion_tokens":2}', Usage(input_tokens=7, output_tokens=2)),
    "a whole float": (
        "openai_chat",
        '{"prompt_tokens":7.0,"completion_tokens":2e0}',
        Usage(input_tokens=7, output_tokens=2),
    ),
    "a part of a token": (
        "openai_chat",
        '{"prompt_tokens":6.2,"completion_tokens":2}',
        Usage(input_tokens=7, output_tokens=2),
    ),
    "a negative": ("openai_chat", '{"prompt_tokens":-7,"completion_tokens":2}', Usage(output_tokens=2)),
    "null": ("openai_chat", '{"prompt_tokens":null,"completion_tokens":2}', Usage(output_tokens=2)),
    "true": ("openai_chat", '{"prompt_tokens":true,"completion_tokens":2}', Usage(output_tokens=2)),
    "an object": ("openai_chat", '{"prompt_tokens":{},"completion_tokens":2}', Usage(output_tokens=2)),
    "details that are none": (
        "openai_chat",
        '{"prompt_tokens":7,"prompt_tokens_details":[3],"completion_tokens":2}',
        Usage(input_tokens=7, output_tokens=2),
    ),
    "an odd detail": (
        "openai_chat",
        '{"prompt_tokens":7,"prompt_tokens_details":{"audio_tokens":"x","cached_tokens":"3"},"completion_tokens":2}',
        Usage(input_tokens=4, cached_input_tokens=3, output_tokens=2),
    ),
    "no half of a pair": (
        "openai_chat",
        '{"note":"\\ud83d","prompt_tokens":7,"completion_tokens":2}',
        Usage(input_tokens=7, output_tokens=2),
    ),
    "a number beyond all reading": (
        "openai_chat",
        '{"prompt_tokens":7,"queue_time":1e99999999999999999999,"created":' + "1" * 5_000 + ',"completion_tokens":2}',
        Usage(input_tokens=7, output_tokens=2),
    ),
    "camelCase": (
        "openai_chat",
        '{"promptTokens":7,"completionTokens":2,"promptTokensDetails":{"cachedTokens":3}}',
        Usage(input_tokens=4, cached_input_tokens=3, output_tokens=2),
    ),
    "snake_case": (
        "gemini",
        '{"prompt_token_count":7,"thoughts_token_count":"4","prompt_tokens_details":[{"modality":"AUDIO","token_count":5}]}',
        Usage(input_tokens=2, audio_input_tokens=5, reasoning_tokens=4),
    ),
    "numbers for names": (
        "gemini",
        '{"promptTokenCount":"7","promptTokensDetails":[{"modality":4,"tokenCount":"5"},{"modality":1,"tokenCount":2}]}',
        Usage(input_tokens=2, audio_input_tokens=5),
    ),
    "an object for a list": (
        "gemini",
        '{"promptTokenCount":7,"promptTokensDetails":{"modality":"AUDIO","tokenCount":5}}',
        Usage(input_tokens=2, audio_input_tokens=5),
    ),
    "a list with odd members": (
        "gemini",
        '{"promptTokenCount":7,"promptTokensDetails":[null,3,{"modality":"AUDIO","tokenCount":5},{"modality":[]}]}',
        Usage(input_tokens=2, audio_input_tokens=5),
    ),
    "only what was thought": ("gemini", '{"thoughtsTokenCount":5,"promptTokenCount":"?"}', Usage(reasoning_tokens=5)),
    "odd lives of a cache": (
        "anthropic_messages",
        '{"input_tokens":"3","output_tokens":2.0,"cache_creation_input_tokens":9,"cache_creation":[],"server_tool_use":7}',
        Usage(input_tokens=3, cache_write_5m_tokens=9, output_tokens=2),
    ),
    "one turn for a list": (
        "anthropic_messages",
        '{"input_tokens":3,"output_tokens":2,"iterations":{"type":"compaction","input_tokens":"40","output_tokens":1}}',
        Usage(input_tokens=43, output_tokens=3, longest_prompt_tokens=40),
    ),
}


@pytest.mark.parametrize(("dialect", "reported", "expected"), ODD.values(), ids=ODD)
def test_an_odd_member_costs_no_more_than_itself(dialect: str, reported: str, expected: Usage) -> None:
    assert DIALECTS[dialect].read_usage(msgspec.Raw(reported.encode())) == expected


@pytest.mark.parametrize("ticks", ["-1", '"-1"', "1e400", "null", "90000000000000010", "{}"])
def test_a_bill_that_can_be_none_leaves_the_price_to_the_counts(ticks: str) -> None:
    reported = f'{{"prompt_tokens":7,"completion_tokens":2,"cost_in_usd_ticks":{ticks}}}'

    usage = DIALECTS["openai_chat"].read_usage(msgspec.Raw(reported.encode()))

    assert usage == Usage(input_tokens=7, output_tokens=2)


@pytest.mark.parametrize(
    ("dialect", "reported"),
    [
        ("openai_chat", {"prompt_tokens": 10**14, "completion_tokens": 10**14, "total_tokens": 10**300}),
        ("openai_responses", {"input_tokens": 1, "output_tokens": 1, "num_server_side_tools_used": 10**14}),
        ("anthropic_messages", {"input_tokens": 10**14, "output_tokens": 1, "cache_read_input_tokens": 10**14}),
        ("gemini", {"promptTokenCount": str(10**14), "totalTokenCount": 10**14, "thoughtsTokenCount": 10**14}),
    ],
)
def test_a_count_beyond_belief_is_lowered_and_told_apart(dialect: str, reported: dict) -> None:
    usage = DIALECTS[dialect].read_usage(msgspec.Raw(json.dumps(reported).encode()))

    assert usage is not None and usage.is_beyond_belief
    assert usage.total_tokens < 2**50
    assert not Usage(input_tokens=COUNT_MAX - 1, output_tokens=COUNT_MAX - 1).is_beyond_belief


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "usage",
                    "prompt_tokens",
                    "completion_tokens",
                    "total_tokens",
                    "input_tokens",
                    "output_tokens",
                    "usageMetadata",
                    "promptTokenCount",
                    "candidatesTokenCount",
                    "prompt_tokens_details",
                    "cached_tokens",
                    "choices",
                    "model",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@given(document=JSON)
def test_no_answer_is_more_than_invalid(dialect: str, document: object) -> None:
    try:
        facts = DIALECTS[dialect].read_answer(json.dumps(document).encode())
    except InvalidAnswer:
        return

    assert facts.usage is None or facts.usage.total_tokens >= 0


NAMED = {
    "openai_responses": (
        {"id": "resp_1", "conversation": {"id": "conv_1"}, "status": "failed", "error": {"code": "server_error"}},
        ("resp_1", "conv_1", "server_error"),
    ),
    "openai_chat": ({"id": "chatcmpl-1", "choices": [], "error": None}, ("chatcmpl-1", None, None)),
    "openai_completions": ({"error": "overloaded"}, (None, None, "error")),
    "anthropic_messages": ({"type": "error", "error": {"type": "overloaded_error"}}, (None, None, "overloaded_error")),
    "gemini": ({"responseId": "r1", "error": {"code": 503, "status": "UNAVAILABLE"}}, ("r1", None, "UNAVAILABLE")),
}


@pytest.mark.parametrize(("dialect", "case"), NAMED.items(), ids=NAMED)
def test_an_answer_is_known_by_what_a_later_call_may_name(dialect: str, case: tuple[dict, tuple]) -> None:
    facts = DIALECTS[dialect].read_answer(json.dumps(case[0]).encode())

    assert (facts.answer_id, facts.conversation_id, facts.error_code) == case[1]


PARTLY = [
    ("openai_chat", {"error": {"code": "x"}, "choices": [{"message": {"content": "half"}}]}),
    ("openai_responses", {"error": {"code": "x"}, "output": [{"type": "message"}]}),
    ("anthropic_messages", {"error": {"type": "x"}, "content": [{"type": "text", "text": "half"}]}),
    ("gemini", {"error": {"code": 500}, "candidates": [{"content": {}}]}),
]


@pytest.mark.parametrize(("dialect", "answer"), PARTLY)
def test_an_error_beside_some_of_an_answer_is_not_in_its_place(dialect: str, answer: dict) -> None:
    assert DIALECTS[dialect].read_answer(json.dumps(answer).encode()).error_code is None


def test_searches_that_the_usage_counts_are_not_counted_again_by_what_is_listed() -> None:
    listed = [{"type": "web_search_call", "action": {"type": "search"}}] * 7
    usage = {"input_tokens": 1, "output_tokens": 1, "server_side_tool_usage_details": {"web_search_calls": 1}}

    facts = DIALECTS["openai_responses"].read_answer(json.dumps({"output": listed, "usage": usage}).encode())

    assert facts.usage is not None and facts.usage.web_search_calls == 1


def test_a_prompt_turned_away_has_no_output() -> None:
    facts = DIALECTS["gemini"].read_answer(b'{"promptFeedback":{"blockReason":"MODEL_ARMOR"}}')

    assert (facts.is_blocked, facts.usage, facts.finish_reason) == (True, None, "MODEL_ARMOR")


BAD_TEXTS = [b"h\xffllo", b"\\ud83d", b"\xed\xa0\xbd", b"\xc3"]
WHOLE = {
    "openai_chat": b'{"model":"%b","choices":[{"finish_reason":"%b","message":{"content":"%b"}}],'
    b'"usage":{"prompt_tokens":7,"completion_tokens":2}}',
    "openai_responses": b'{"model":"%b","status":"%b","output":[{"type":"web_search_call","action":{"type":"%b"}}],'
    b'"usage":{"input_tokens":7,"output_tokens":2}}',
    "anthropic_messages": b'{"model":"%b","stop_reason":"%b","content":[{"text":"%b"}],'
    b'"usage":{"input_tokens":7,"output_tokens":2}}',
    "gemini": b'{"modelVersion":"%b","candidates":[{"finishReason":"%b","groundingMetadata":{"webSearchQueries":["%b"]}}],'
    b'"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2}}',
}


@pytest.mark.parametrize("bad", BAD_TEXTS)
@pytest.mark.parametrize("dialect", WHOLE)
def test_text_that_is_none_leaves_an_answer_its_usage(dialect: str, bad: bytes) -> None:
    facts = DIALECTS[dialect].read_answer(WHOLE[dialect] % (bad, bad, bad))

    assert facts.usage is not None and facts.usage.total_tokens == 9
    assert facts.model is not None
