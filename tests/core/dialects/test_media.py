"""Media counts as media only where its provider reads it; whatever else a body holds is text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calls import PromptSize
from core.dialects import DIALECTS

BLOB = "iVBORw0KGgo" + "Qk1P" * 5_000
"""Base64 of 15 KB, which as text would be some 10,000 tokens."""
BYTES = len(BLOB) * 3 // 4
TEXT_TOKENS_MAX = 700
"""More than any of the bodies below has beside its media."""


def a_chat(*parts: object, **message: object) -> tuple[str, dict]:
    return "openai_chat", {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": list(parts), **message}],
    }


def a_response(*items: object, **members: object) -> tuple[str, dict]:
    return "openai_responses", {"model": "gpt-4o", "input": list(items), **members}


def a_user_item(*parts: object) -> dict:
    return {"role": "user", "content": list(parts)}


def anthropic(*blocks: object) -> tuple[str, dict]:
    return "anthropic_messages", {
        "model": "claude-opus-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": list(blocks)}],
    }


def a_gemini(*parts: object, **members: object) -> tuple[str, dict]:
    return "gemini", {"contents": [{"parts": list(parts)}], **members}


def image_url(url: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url}}


def base64_source(media_type: str) -> dict:
    return {"type": "base64", "media_type": media_type, "data": BLOB}


def size(dialect: str, request: object, *, body: bytes | None = None) -> PromptSize:
    body = body or json.dumps(request).encode()
    return DIALECTS[dialect].parse_request(body, path="v1beta/models/gemini-2.5-pro:generateContent").prompt


PICTURE = "data:image/png;base64," + BLOB
PAPER = "data:application/pdf;base64," + BLOB

FOUND = [
    (a_chat(image_url(PICTURE)), {"images": 1}),
    (a_chat({"type": "image_url", "image_url": PICTURE}), {"images": 1}),
    (a_chat(image_url("https://example.com/a.png"), image_url(PICTURE)), {"images": 2}),
    (a_chat(image_url(PAPER)), {"file_bytes": "all"}),
    (a_chat({"type": "input_audio", "input_audio": {"data": BLOB, "format": "wav"}}), {"audio_bytes": "all"}),
    (a_chat({"type": "file", "file": {"file_data": PAPER}}), {"file_bytes": "all"}),
    (a_chat({"type": "file", "file": {"file_data": BLOB}}), {"file_bytes": "all"}),
    (a_chat({"type": "file", "file": {"file_id": "file_1"}}), {"hidden_inputs": 1}),
    (a_chat("bare text", image_url(PICTURE)), {"images": 1}),
    (a_chat(audio={"id": "audio_1"}), {"hidden_inputs": 1}),
    (a_response(a_user_item({"type": "input_image", "image_url": PICTURE})), {"images": 1}),
    (a_response(a_user_item({"type": "input_image", "file_id": "file_1"})), {"images": 1}),
    (a_response(a_user_item({"type": "input_file", "file_data": PAPER})), {"file_bytes": "all"}),
    (a_response(a_user_item({"type": "input_file", "file_id": "file_1"})), {"hidden_inputs": 1}),
    (a_response(a_user_item({"type": "input_file", "file_url": "https://example.com/a"})), {"hidden_inputs": 1}),
    (
        a_response({"type": "function_call_output", "output": [{"type": "input_image", "image_url": PICTURE}]}),
        {"images": 1},
    ),
    (
        a_response(
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": PICTURE}}
        ),
        {"images": 1},
    ),
    (a_response({"type": "image_generation_call", "result": BLOB}), {"images": 1}),
    (a_response({"type": "item_reference", "id": "msg_1"}), {"hidden_inputs": 1}),
    (a_response({"id": "msg_1"}), {"hidden_inputs": 1}),
    (a_response(previous_response_id="resp_1"), {"hidden_inputs": 1}),
    (a_response(conversation={"id": "conv_1"}), {"hidden_inputs": 1}),
    (a_response(previous_response_id=None, conversation=None), {}),
    (anthropic({"type": "image", "source": base64_source("image/png")}), {"images": 1}),
    (anthropic({"type": "image", "source": {"type": "url", "url": "https://example.com"}}), {"images": 1}),
    (anthropic({"type": "image", "source": {"type": "file", "file_id": "f"}}), {"images": 1}),
    (anthropic({"type": "document", "source": base64_source("application/pdf")}), {"file_bytes": "all"}),
    (anthropic({"type": "document", "source": {"type": "url", "url": "https://e"}}), {"hidden_inputs": 1}),
    (anthropic({"type": "document", "source": {"type": "file", "file_id": "f"}}), {"hidden_inputs": 1}),
    (
        anthropic({"type": "tool_result", "content": [{"type": "image", "source": base64_source("image/png")}]}),
        {"images": 1},
    ),
    (
        anthropic(
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "image", "source": base64_source("image/gif")}]},
            }
        ),
        {"images": 1},
    ),
    (anthropic({"type": "container_upload", "file_id": "f"}), {"hidden_inputs": 1}),
    (a_gemini({"inlineData": {"mimeType": "image/png", "data": BLOB}}), {"images": 1}),
    (a_gemini({"inline_data": {"mime_type": "audio/mp3", "data": BLOB}}), {"audio_bytes": "all"}),
    (a_gemini({"inlineData": {"mimeType": "video/mp4", "data": BLOB}}), {"file_bytes": "all"}),
    (a_gemini({"fileData": {"mimeType": "image/png", "fileUri": "u"}}), {"images": 1}),
    (a_gemini({"fileData": {"mimeType": "video/mp4", "fileUri": "u"}}), {"hidden_inputs": 1}),
    (a_gemini({"file_data": {"file_uri": "u"}}), {"hidden_inputs": 1}),
    (
        a_gemini(
            {"functionResponse": {"name": "f", "parts": [{"inlineData": {"mimeType": "image/png", "data": BLOB}}]}}
        ),
        {"images": 1},
    ),
    (a_gemini(cachedContent="cachedContents/1"), {"hidden_inputs": 1}),
    (
        ("gemini_embed", {"requests": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": BLOB}}]}}]}),
        {"images": 1},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "expected"), FOUND)
def test_media_in_its_place_is_sized_as_media(request_: tuple[str, dict], expected: dict) -> None:
    prompt = size(*request_)

    wanted = {name: BYTES if count == "all" else count for name, count in expected.items()}
    for name in ("images", "audio_bytes", "file_bytes", "hidden_inputs"):
        assert getattr(prompt, name) == pytest.approx(wanted.get(name, 0), abs=24), name
    assert prompt.text_tokens < TEXT_TOKENS_MAX


ELSEWHERE = [
    a_chat(image_url(PICTURE), {"type": "text", "text": BLOB}),
    a_chat({"type": "text", "text": PICTURE}),
    a_chat(image_url("https://example.com/a.png"), {"type": "text", "text": BLOB}),
    a_chat(image_url(PICTURE), name=BLOB),
    a_chat({"type": "picture", "picture": {"url": PICTURE}}),
    a_response(a_user_item({"type": "input_text", "text": PICTURE}), instructions="x"),
    a_response(instructions=PICTURE),
    anthropic({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": BLOB}}),
    anthropic({"type": "tool_use", "input": {"source": base64_source("image/png")}}),
    a_gemini({"text": BLOB}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
    ("gemini", {"contents": [], "tools": [{"functionDeclarations": [{"inlineData": {"data": BLOB}}]}]}),
    ("openai_embeddings", {"model": "m", "input": PICTURE}),
]


@pytest.mark.parametrize("request_", ELSEWHERE)
def test_base64_anywhere_else_is_text(request_: tuple[str, dict]) -> None:
    assert size(*request_).text_tokens > len(BLOB) // 4


def test_the_same_picture_twice_is_two_pictures_and_no_text() -> None:
    prompt = size(*a_chat(image_url(PICTURE), image_url(PICTURE)))

    assert (prompt.images, prompt.text_tokens < TEXT_TOKENS_MAX) == (2, True)


def test_a_text_equal_to_a_picture_is_still_paid_for() -> None:
    prompt = size(*a_chat({"type": "text", "text": PICTURE}, image_url(PICTURE)))

    assert prompt.text_tokens > len(BLOB) // 4


def test_a_member_given_twice_is_counted_twice() -> None:
    body = b'{"model":"m","messages":[{"content":"%b"}],"messages":[{}]}' % BLOB.encode()

    assert size("openai_chat", None, body=body).text_tokens > len(BLOB) // 4


def test_escaped_slashes_do_not_make_a_picture_text() -> None:
    body = json.dumps(a_chat(image_url(PICTURE + "/" * 99))[1]).replace("/", r"\/").encode()

    prompt = size("openai_chat", None, body=body)

    assert (prompt.images, prompt.text_tokens < TEXT_TOKENS_MAX) == (1, True)


def test_a_place_behind_many_imitations_is_still_sized_high() -> None:
    imitations = [{"type": "text", "text": PICTURE[:200]}] * 50

    assert size(*a_chat(*imitations, image_url(PICTURE))).text_tokens > len(BLOB) // 4


@pytest.mark.parametrize("life", [b"", b',"ttl":"1h"'])
def test_a_cache_mark_is_seen_however_its_name_is_written(life: bytes) -> None:
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"content":[{"cache\\u005fcontrol":{"type":"ephemeral"%b}}]}]}' % life
    )

    prompt = size("anthropic_messages", None, body=body)

    assert prompt.has_cache_marks
    assert prompt.has_long_cache_marks


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "parts", "image_url", "url", "source", "data", "file", "inlineData", "fileData",
                 "input_audio", "output", "functionResponse", "role", "file_id", "mimeType"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
@given(odd=JSON)
def test_no_odd_shape_is_more_than_text(dialect: str, odd: object) -> None:
    request = {"model": "m", "max_tokens": 1, "messages": [{"content": odd}], "input": odd, "contents": odd}

    prompt = size(dialect, request)

    assert prompt.text_tokens > 0
