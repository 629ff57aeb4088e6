"""Every provider's usage becomes disjoint counts, and no nonsense makes them negative."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dialects import DIALECTS, InvalidAnswer
from core.usage import Usage

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
