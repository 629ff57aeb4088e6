"""How large a request is said to be: media is left out, and nothing else."""

from typing import Any

import pytest

from agentwatch.clients.reading.request import Body, facts_of

PICTURE = "data:image/png;base64," + "A" * 50_000
CSV = "data: " + "1,2,3;" * 10_000


def size_of(content: object) -> int:
    body: Body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return facts_of(body, provider=None, dialect="openai_chat", path="", is_streaming=False, risks=()).input_bytes


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        PICTURE,
        [{"type": "text", "text": CSV}],
        [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": PICTURE}}],
    ],
)
def test_text_that_begins_like_a_data_url_is_text_and_is_sized(content: object) -> None:
    assert size_of(content) > 50_000


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "input_image", "image_url": PICTURE},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 50_000}},
        {"image_url": {"url": PICTURE}},
    ],
)
def test_media_is_left_out(part: object) -> None:
    assert size_of([part]) < 500


SEARCH = {"type": "web_search_20250305"}


@pytest.mark.parametrize(
    ("dialect", "members", "most"),
    [
        ("openai_responses", {"max_tool_calls": 3}, 3),
        ("openai_responses", {"max_tool_calls": True}, None),
        ("openai_responses", {"max_tool_calls": 0}, None),
        ("openai_chat", {"max_tool_calls": 3}, None),
        ("anthropic_messages", {"tools": [{**SEARCH, "max_uses": 2}, {**SEARCH, "max_uses": 4}, {"max_uses": 9}]}, 6),
        ("anthropic_messages", {"tools": [{**SEARCH, "max_uses": 2}, SEARCH]}, None),
        ("anthropic_messages", {"tools": [{"name": "mine"}]}, None),
    ],
)
def test_the_bound_of_a_request_on_searching_is_read(dialect: Any, members: Body, most: int | None) -> None:
    facts = facts_of(members, provider=None, dialect=dialect, path="", is_streaming=False, risks=())

    assert facts.web_search_calls_max == most
