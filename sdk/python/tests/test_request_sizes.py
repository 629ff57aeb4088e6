"""How large a request is said to be: media is left out, and nothing else."""

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
