"""Media counts as media only where its provider reads it; whatever else a body holds is text."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import InvalidRequest
from core.wire.dialects import DIALECTS
from core.wire.facts import ParsedCall, PromptSize
from core.wire.media.walk import frames_per_second
from tests.core.wire.media.media_samples import pdf, wav
from tests.support import media_files as files

BLOB = "iVBORw0KGgoA" + "Qk1P" * 5_000
"""Base64 of a PNG of 15 KB, which as text would be some 10,000 tokens."""
SOUND = wav(3)
PAPER = pdf(4)
SOUND_MS = 3_006
"""Three seconds, and the 44 bytes before them as a reader plays them that goes by the length of the file."""
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


def base64_source(media_type: str, data: str = BLOB) -> dict:
    return {"type": "base64", "media_type": media_type, "data": data}


def parse(dialect: str, request: object) -> ParsedCall:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return DIALECTS[dialect].parse_request(body, path="v1beta/models/gemini-2.5-pro:generateContent")


def size(dialect: str, request: object) -> PromptSize:
    return parse(dialect, request).prompt


PICTURE = "data:image/png;base64," + BLOB
PAPER_ADDRESS = "data:application/pdf;base64," + PAPER

FOUND = [
    (a_chat(image_url(PICTURE)), {"images": 1}),
    (a_chat({"type": "image_url", "image_url": PICTURE}), {"images": 1}),
    (a_chat(image_url("https://example.com/a.png"), image_url(PICTURE)), {"images": 2}),
    (a_chat(image_url(PAPER_ADDRESS)), {"pdf_pages": 4}),
    (a_chat({"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}), {"audio_ms": SOUND_MS}),
    (a_chat({"type": "file", "file": {"file_data": PAPER_ADDRESS}}), {"pdf_pages": 4}),
    (a_chat({"type": "file", "file": {"file_data": PAPER}}), {"pdf_pages": 4}),
    (a_chat({"type": "file", "file": {"file_id": "file_1"}}), {"hidden_inputs": 1}),
    (a_chat("bare text", image_url(PICTURE)), {"images": 1}),
    (a_chat(audio={"id": "audio_1"}), {"hidden_inputs": 1}),
    (a_response(a_user_item({"type": "input_image", "image_url": PICTURE})), {"images": 1}),
    (a_response(a_user_item({"type": "input_image", "file_id": "file_1"})), {"images": 1}),
    (a_response(a_user_item({"type": "input_file", "file_data": PAPER_ADDRESS})), {"pdf_pages": 4}),
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
    (a_response(previous_response_id="resp_1"), {"earlier_answers": 1}),
    (a_response(conversation={"id": "conv_1"}), {"earlier_answers": 1}),
    (a_response(previous_response_id=None, conversation=None), {}),
    (anthropic({"type": "image", "source": base64_source("image/png")}), {"images": 1}),
    (anthropic({"type": "image", "source": {"type": "url", "url": "https://example.com"}}), {"images": 1}),
    (anthropic({"type": "image", "source": {"type": "file", "file_id": "f"}}), {"images": 1}),
    (anthropic({"type": "document", "source": base64_source("application/pdf", PAPER)}), {"pdf_pages": 4}),
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
                "source": {"type": "content", "content": [{"type": "image", "source": base64_source("image/png")}]},
            }
        ),
        {"images": 1},
    ),
    (anthropic({"type": "container_upload", "file_id": "f"}), {"hidden_inputs": 1}),
    (a_gemini({"inlineData": {"mimeType": "image/png", "data": BLOB}}), {"images": 1}),
    (a_gemini({"inline_data": {"mime_type": "audio/wav", "data": SOUND}}), {"audio_ms": SOUND_MS}),
    (a_gemini({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}), {"unsized_media": 1}),
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

COUNTS = ("images", "audio_ms", "video_ms", "pdf_pages", "unsized_media", "hidden_inputs", "earlier_answers")


@pytest.mark.parametrize(("request_", "expected"), FOUND)
def test_media_in_its_place_is_sized_as_media(request_: tuple[str, dict], expected: dict) -> None:
    prompt = size(*request_)

    assert {name: getattr(prompt, name) for name in COUNTS if getattr(prompt, name)} == expected
    assert prompt.text_tokens < TEXT_TOKENS_MAX


WIDE = base64.b64encode(files.jpeg(1_280, 800) + bytes(200)).decode()
SIZED = [
    a_chat(image_url("data:image/jpeg;base64," + WIDE)),
    a_response(a_user_item({"type": "input_image", "image_url": "data:image/png;base64," + WIDE})),
    anthropic({"type": "image", "source": base64_source("image/jpeg", WIDE)}),
    a_gemini({"inlineData": {"mimeType": "image/jpeg", "data": WIDE}}),
]


@pytest.mark.parametrize("request_", SIZED)
def test_a_picture_in_the_body_tells_its_size(request_: tuple[str, dict]) -> None:
    prompt = size(*request_)

    assert (prompt.images, prompt.image_sizes) == (1, ((1_280, 800),))


def test_a_picture_that_is_cut_off_or_elsewhere_tells_none() -> None:
    prompt = size(*a_chat(image_url(PICTURE), image_url("https://example.com/a.png")))

    assert (prompt.images, prompt.image_sizes) == (2, ())


LENIENT = [
    a_gemini(contents={"parts": [{"fileData": {"fileUri": "u"}}]}),
    a_gemini(contents={"parts": {"fileData": {"fileUri": "u"}}}),
    a_gemini({"fileData": None, "file_data": {"fileUri": "u"}}),
    a_gemini({"fileData": {}, "file_data": [{"fileUri": None, "file_uri": "u"}]}),
    a_gemini({"fileData": {"mimeType": None, "mime_type": "video/mp4", "FILE_URI": "u"}}),
    a_gemini({"functionResponse": None, "function_response": {"parts": {"file_data": {"fileUri": "u"}}}}),
    a_gemini(systemInstruction={"parts": {"fileData": {"fileUri": "u"}}}),
    a_gemini(system_instruction={"parts": [{"file_data": {"file_uri": "u"}}]}),
    a_gemini(cachedContent=None, tools={"fileSearch": {}}),
    a_gemini(contents=[[{"parts": [[{"fileData": {"fileUri": "u"}}]]}]]),
    a_gemini({"fileData": {"mimeType": "image/png", "fileUri": "https://www.YouTube.com/watch?v=1"}}),
    a_chat(image_url("https://youtu.be/1")),
    a_chat({"type": "input_audio", "input_audio": {"url": "https://e/a.wav"}}),
    a_chat({"type": "input_audio", "input_audio": "https://e/a.wav"}),
    a_response(a_user_item({"type": "input_file", "file_id": "f"}), type="tool_use"),
    a_response(input=[[{"type": "item_reference", "id": "msg_1"}]]),
    a_response(instructions=[{"type": "item_reference", "id": "msg_1"}]),
    a_gemini({"field_of_next_year": {"parts": [{"fileData": {"fileUri": "u"}}]}}),
    a_response(a_user_item({"type": "input_file", "file_data": None, "file_id": "f"})),
    a_response(a_user_item({"type": "INPUT_FILE", "file_url": "https://e"})),
    a_response(input={"role": "user", "content": {"type": "input_file", "file_id": "f"}}),
    a_response({"type": "input_file", "FileId": "f"}),
    a_response(prompt={"id": "p", "variables": {"paper": {"type": "input_file", "file_id": "f"}}}),
    a_chat({"type": "file", "file": {"file_data": "", "file_id": "f"}}),
    a_chat(content={"type": "file", "file": {"file_id": "f"}}),
    anthropic({"type": "document", "source": [{"type": 7, "url": "https://e"}]}),
    ("anthropic_messages", {**anthropic()[1], "system": [{"type": "document", "source": {"file_id": "f"}}]}),
    ("gemini_embed", {"content": {"parts": {"fileData": {"fileUri": "u"}}}}),
    *[
        a_response({"type": kind, "id": "x_1", "summary": [], "result": None, "status": "completed"})
        for kind in ("image_generation_call", "reasoning", "file_search_call", "compaction", "code_interpreter_call",
                     "computer_call_output", "item_of_next_year")
    ],
    a_response({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "long thought"}]}),
    a_response({"type": "item_reference", "id": "rs_1", "content": "x"}),
    a_response({"type": None, "id": "msg_1"}),
]  # fmt: skip


@pytest.mark.parametrize("request_", LENIENT)
def test_what_a_lenient_reader_finds_is_found(request_: tuple[str, dict]) -> None:
    assert size(*request_).hidden_inputs >= 1


def test_of_a_null_address_and_an_id_the_id_counts() -> None:
    prompt = size(*a_response(a_user_item({"type": "input_image", "image_url": None, "file_id": "f"})))

    assert (prompt.images, prompt.hidden_inputs) == (1, 0)


ORDINARY = [
    a_response({"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}),
    a_response({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": '{"file_id":"f"}'}),
    a_response({"type": "function_call_output", "id": "fo_1", "call_id": "c", "output": '{"file_url":"f"}'}),
    a_response({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}),
    a_response({"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}}),
    a_response(
        a_user_item({"type": "output_text", "text": "x", "annotations": [{"type": "file_citation", "file_id": "f"}]})
    ),
    a_response(a_user_item({"type": "input_text", "text": 'the member "file_id" names a file'})),
    a_response(tools=[{"type": "function", "parameters": {"properties": {"file_id": {"type": "string"}}}}]),
    a_response(text={"format": {"type": "json_schema", "schema": {"properties": {"file_id": {"type": "string"}}}}}),
    a_response(metadata={"file_id": "f"}),
    a_chat(tool_calls=[{"function": {"name": "f", "arguments": '{"image_url": "https://e"}'}}]),
    ("openai_chat", {**a_chat()[1], "tools": [{"function": {"parameters": {"properties": {"file_url": {"enum": ["u"]}}}}}]}),
    ("openai_chat", {**a_chat()[1], "audio": {"voice": "alloy", "format": "wav"}}),
    anthropic({"type": "tool_use", "id": "t", "name": "read", "input": {"file_id": "f", "source": {"url": "u"}}}),
    anthropic({"type": "search_result", "source": "https://e", "content": [{"type": "text", "text": "x"}]}),
    anthropic({"type": "text", "text": "x", "citations": [{"type": "char_location", "file_id": "f"}]}),
    ("anthropic_messages", {**anthropic()[1], "tools": [{"input_schema": {"properties": {"file_id": {"type": "string"}}}}]}),
    a_gemini({"functionCall": {"name": "f", "args": {"fileUri": "u"}}}),
    a_gemini({"functionResponse": {"name": "f", "response": {"fileData": {"fileUri": "u"}}}}),
    a_gemini(tools=[{"functionDeclarations": [{"parameters": {"properties": {"fileUri": {"type": "STRING"}}}}]}]),
]  # fmt: skip


@pytest.mark.parametrize("request_", ORDINARY)
def test_names_in_the_caller_s_own_data_make_no_request_dear(request_: tuple[str, dict]) -> None:
    prompt = size(*request_)

    assert not prompt.is_of_unknown_size
    assert prompt.images == 0


FLAC = "ZkxhQwAA" + "AAAA" * 30
ARCHIVE = "UEsDB" + "AAAA" * 30
DISGUISED = [
    (a_gemini({"inlineData": {"mimeType": "image/png", "data": FLAC}}), {"images": 1, "unsized_media": 1}),
    (a_gemini({"inlineData": {"mimeType": "image/png", "data": SOUND}}), {"images": 1, "audio_ms": SOUND_MS}),
    (a_gemini({"inlineData": {"mimeType": "application/octet-stream", "data": SOUND}}), {"audio_ms": SOUND_MS}),
    (a_gemini({"inlineData": {"data": PAPER}}), {"pdf_pages": 4}),
    (a_gemini({"inlineData": {"mimeType": "audio/mp3", "data": BLOB}}), {"images": 1, "unsized_media": 1}),
    (a_chat({"type": "file", "file": {"filename": "a.docx", "file_data": ARCHIVE}}), {"unsized_media": 1}),
    (a_chat({"type": "file", "file": {"file_data": SOUND[:80] + "====" + SOUND}}), {"unsized_media": 1}),
    (a_chat({"type": "input_audio", "input_audio": {"data": {"odd": 1}}}), {"unsized_media": 1}),
    (a_chat({"type": "input_audio", "input_audio": {"data": SOUND + '"' + SOUND}}), {"unsized_media": 1}),
]


@pytest.mark.parametrize(("request_", "expected"), DISGUISED)
def test_media_counts_as_what_it_is_said_to_be_and_as_what_it_is(request_: tuple[str, dict], expected: dict) -> None:
    prompt = size(*request_)

    assert {name: getattr(prompt, name) for name in COUNTS if getattr(prompt, name)} == expected


LONG_SOUND = wav(60)


def test_a_long_sound_said_to_be_a_picture_is_heard_to_its_end() -> None:
    assert size(*a_gemini({"inlineData": {"mimeType": "image/png", "data": LONG_SOUND}})).audio_ms > 60_000


PROSE = base64.b64encode(b"The quick brown fox jumps over the lazy dog. " * 400).decode()
TEXT_FILES = [
    a_chat({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64," + PROSE}}),
    a_chat({"type": "file", "file": {"filename": "a.txt", "file_data": "data:image/png;base64," + PROSE}}),
    a_response(a_user_item({"type": "input_file", "file_data": PROSE})),
    a_gemini({"inlineData": {"mimeType": "text/csv", "data": PROSE}}),
    anthropic({"type": "document", "source": base64_source("text/plain", PROSE)}),
]


@pytest.mark.parametrize("request_", TEXT_FILES)
def test_a_text_in_a_file_is_sized_as_its_text(request_: tuple[str, dict]) -> None:
    prompt = size(*request_)

    assert 400 * 9 < prompt.text_tokens < 400 * 28 < len(PROSE)
    assert not prompt.is_of_unknown_size


def a_disguise(start: bytes, mime: str = "text/plain") -> tuple[str, dict]:
    return a_gemini(
        {"inlineData": {"mimeType": mime, "data": base64.b64encode(start + b"the words of it " * 9_000).decode()}}
    )


DISGUISED_TEXTS = [
    a_disguise(b"", "text/plain; like=image"),
    a_disguise(b"", "text/x-pdf-notes"),
    a_disguise(b"BM"),
    a_disguise(b"BM\0"),
    a_disguise(base64.b64decode(PAPER)),
    a_disguise(base64.b64decode(PAPER) + b"\0", "application/json"),
    a_disguise(b"ID3\x04\0\0\0\0\0\0"),
]


@pytest.mark.parametrize("request_", DISGUISED_TEXTS)
def test_a_text_that_begins_like_media_is_still_paid_for_as_text(request_: tuple[str, dict]) -> None:
    prompt = size(*request_)

    assert prompt.text_tokens > 9_000 * 3 or prompt.is_of_unknown_size


@pytest.mark.parametrize(
    ("fps", "rate"), [(None, 1), (0.1, 1), (3.5, 4), ("24", 24), ("5", 5), ("often", 24), (1e9, 24)]
)
def test_a_film_that_is_looked_at_more_often_is_longer(fps: object, rate: int) -> None:
    assert frames_per_second({"inlineData": {}, "video_metadata": {"fps": fps}}) == rate


SIGNATURE = "EqoBCkgIARABGAIiQL" + "8Kx2" * 2_000
OPAQUE = [
    anthropic({"type": "thinking", "thinking": "hm", "signature": SIGNATURE}),
    anthropic({"type": "redacted_thinking", "data": SIGNATURE}),
    anthropic({"type": "web_search_tool_result", "content": [{"type": "web_search_result", "encrypted_content": SIGNATURE}]}),
    anthropic({"type": "text", "text": "x", "citations": [{"type": "web_search_result_location", "encrypted_index": SIGNATURE}]}),
    a_response({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SIGNATURE}),
    a_response({"type": "compaction", "encrypted_content": SIGNATURE}),
    a_gemini({"text": "x", "thoughtSignature": SIGNATURE}),
    a_gemini({"functionCall": {"name": "f"}, "thought_signature": SIGNATURE}),
    a_chat(tool_calls=[{"id": "c", "extra_content": {"google": {"thought_signature": SIGNATURE}}}]),
]  # fmt: skip


@pytest.mark.parametrize("request_", OPAQUE)
def test_what_only_the_provider_can_read_is_less_than_text(request_: tuple[str, dict]) -> None:
    assert len(SIGNATURE) // 9 < size(*request_).text_tokens < len(SIGNATURE) // 3


DRESSED = [
    anthropic({"type": "tool_use", "input": {"signature": SIGNATURE}}),
    anthropic({"type": "thinking", "signature": "no base64 at all, but words and words. " * 200}),
    a_gemini({"functionCall": {"args": {"thoughtSignature": SIGNATURE}}}),
    a_gemini({"functionResponse": {"response": {"thoughtSignature": SIGNATURE}}}),
    a_response({"type": "function_call_output", "output": SIGNATURE}),
]


@pytest.mark.parametrize("request_", DRESSED)
def test_a_text_is_not_made_cheaper_by_dressing_it_as_opaque(request_: tuple[str, dict]) -> None:
    dialect, request = request_
    plain = json.loads(json.dumps(request).replace("ignature", "ignatura"))

    assert size(dialect, request).text_tokens >= size(dialect, plain).text_tokens - 9


STORED = [
    (a_response(a_user_item({"type": "input_file", "file_id": "f"})), ("file_id",)),
    (a_response(a_user_item({"type": "input_image", "file_id": "f"})), ("file_id",)),
    (a_response(a_user_item({"type": "input_file", "file_url": "https://e"})), ()),
    (a_response(a_user_item({"type": "input_image", "image_url": "https://e"})), ()),
    (a_response({"id": "msg_1"}), ("id",)),
    (a_response(previous_response_id="resp_1"), ("previous_response_id",)),
    (a_response(conversation="conv_1"), ("conversation",)),
    (a_response(prompt={"id": "p"}), ("prompt",)),
    (a_response(tools=[{"type": "file_search", "vector_store_ids": ["vs"]}]), ("vector_store_ids",)),
    (a_response(tools=[{"type": "code_interpreter", "container": "cntr_1"}]), ("container",)),
    (a_chat(audio={"id": "audio_1"}), ("audio",)),
    (anthropic({"type": "document", "source": {"type": "file", "file_id": "f"}}), ("file_id",)),
    (("anthropic_messages", {**anthropic()[1], "thread": {"previous_message_id": "msg_1"}}), ("thread",)),
    (a_gemini({"fileData": {"fileUri": "files/1"}}), ("fileUri",)),
    (a_gemini({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/1"}}), ("fileUri",)),
    (a_gemini({"fileData": {"fileUri": "https://youtu.be/x"}}), ()),
    (a_gemini({"fileData": {"fileUri": "gs://bucket/x"}}), ()),
    (a_gemini(cachedContent="cachedContents/1"), ("cachedContent",)),
    (a_gemini(tools=[{"file_search": {"fileSearchStoreNames": ["s"]}}]), ("fileSearchStoreNames",)),
    (a_chat(name="plain"), ()),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "names"), STORED)
def test_what_is_stored_under_the_provider_s_account_is_named(request_: tuple[str, dict], names: tuple) -> None:
    assert parse(*request_).stored_references == names


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


def test_escaped_slashes_do_not_make_a_picture_text() -> None:
    body = json.dumps(a_chat(image_url(PICTURE + "/" * 99))[1]).replace("/", r"\/").encode()

    prompt = size("openai_chat", body)

    assert (prompt.images, prompt.text_tokens < TEXT_TOKENS_MAX) == (1, True)


def test_line_breaks_do_not_make_a_sound_text() -> None:
    lines = "\r\n".join(SOUND[start : start + 76] for start in range(0, len(SOUND), 76))

    prompt = size(*a_chat({"type": "input_audio", "input_audio": {"data": lines}}))

    assert (prompt.audio_ms, prompt.text_tokens < TEXT_TOKENS_MAX) == (SOUND_MS, True)


def test_the_url_safe_alphabet_is_base64_too() -> None:
    blob = base64.urlsafe_b64encode(b"\x89PNG\0" + bytes(range(256)) * 40).decode()

    prompt = size(*a_gemini({"inlineData": {"mimeType": "image/png", "data": blob}}))

    assert (prompt.images, prompt.text_tokens < TEXT_TOKENS_MAX) == (1, True)


@pytest.mark.parametrize("mark", ["\U0010ffff0\U0010ffff", "\U0010ffff1\U0010ffff"])
def test_a_mark_that_the_caller_wrote_takes_nothing_out(mark: str) -> None:
    dialect, request = a_chat(image_url("data:image/png;base64," + mark), {"type": "text", "text": BLOB})

    for body in (json.dumps(request), json.dumps(request, ensure_ascii=False)):
        assert size(dialect, body.encode()).text_tokens > len(BLOB) // 4


def test_media_in_any_order_is_taken_out_of_the_text() -> None:
    parts = [{"inline_data": {"data": SOUND}, "inlineDatum": 1, "fileData": None}, {"inlineData": {"data": PAPER}}]

    prompt = size(*a_gemini(*parts, *reversed(parts)))

    assert (prompt.audio_ms, prompt.pdf_pages, prompt.text_tokens < TEXT_TOKENS_MAX) == (2 * SOUND_MS, 8, True)


TWO_SPELLINGS = [
    a_gemini({"fileData": {"fileUri": "u"}, "file_data": {"fileUri": "v"}}),
    a_gemini({"inlineData": {"data": SOUND}, "inline_data": {"data": SOUND}}),
    a_response(a_user_item({"type": "input_file", "file_id": "f", "FILE_ID": "g"})),
]


@pytest.mark.parametrize("request_", TWO_SPELLINGS)
def test_a_place_of_media_with_two_spellings_is_refused(request_: tuple[str, dict]) -> None:
    with pytest.raises(InvalidRequest, match="second spelling"):
        parse(*request_)


@pytest.mark.parametrize("life", [b"", b',"ttl":"1h"'])
def test_a_cache_mark_is_seen_however_its_name_is_written(life: bytes) -> None:
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"content":[{"cache\\u005fcontrol":{"type":"ephemeral"%b}}]}]}' % life
    )

    prompt = size("anthropic_messages", body)

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
    request = {
        "model": "gemini-2.5-pro",
        "max_tokens": 1,
        "messages": [{"content": odd}],
        "input": odd,
        "contents": odd,
    }

    prompt = size(dialect, request)

    assert prompt.text_tokens > 0
