"""Which strings of a request are searched: one canary in every place a model reads, and one in every place it does not."""

import base64
import json
import random

import pytest

from core.risk import pattern, tags
from core.risk.redaction import redacted
from core.risk.request_text import PIECE_BYTES, request_tags
from core.wire.dialects import DIALECTS

MAIL = "bob@example.com"
OTHER = "no secret here"

READ = {
    "chat content": {"messages": [{"role": "user", "content": MAIL}]},
    "chat part": {"messages": [{"role": "user", "content": [{"type": "text", "text": MAIL}]}]},
    "chat refusal": {"messages": [{"role": "assistant", "refusal": MAIL}]},
    "chat arguments": {
        "messages": [{"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": json.dumps({"a": MAIL})}}]}]
    },
    "chat tool result": {"messages": [{"role": "tool", "tool_call_id": "c", "content": MAIL}]},
    "chat tool description": {"tools": [{"type": "function", "function": {"name": "f", "description": MAIL}}]},
    "chat schema": {"tools": [{"function": {"parameters": {"properties": {"id": {"description": MAIL}}}}}]},
    "chat response format": {
        "response_format": {"json_schema": {"name": "x", "schema": {"properties": {"type": {"enum": [MAIL]}}}}}
    },
    "chat prediction": {"prediction": {"type": "content", "content": MAIL}},
    "completion prompt": {"prompt": MAIL},
    "completion prompts": {"prompt": ["a", MAIL]},
    "completion suffix": {"prompt": "a", "suffix": MAIL},
    "embedding input": {"input": MAIL},
    "embedding inputs": {"input": ["a", MAIL]},
    "responses instructions": {"instructions": MAIL},
    "responses message": {"input": [{"role": "user", "content": [{"type": "input_text", "text": MAIL}]}]},
    "responses call": {"input": [{"type": "function_call", "call_id": "c", "arguments": json.dumps({"id": MAIL})}]},
    "responses call's output": {"input": [{"type": "function_call_output", "call_id": "c", "output": MAIL}]},
    "responses custom call": {"input": [{"type": "custom_tool_call", "call_id": "c", "input": MAIL}]},
    "responses summary": {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": MAIL}]}]},
    "responses variables": {"prompt": {"id": "p", "variables": {"name": MAIL}}},
    "responses file name": {"input": [{"content": [{"type": "input_file", "filename": MAIL, "file_data": "AAAA"}]}]},
    "anthropic system": {"system": MAIL},
    "anthropic system block": {"system": [{"type": "text", "text": MAIL, "cache_control": {"type": "ephemeral"}}]},
    "anthropic content": {"messages": [{"role": "user", "content": [{"type": "text", "text": MAIL}]}]},
    "anthropic tool input": {"messages": [{"content": [{"type": "tool_use", "id": "t", "input": {"id": MAIL}}]}]},
    "anthropic input deep": {"messages": [{"content": [{"type": "tool_use", "input": {"url": [{"user": MAIL}]}}]}]},
    "anthropic tool result": {
        "messages": [
            {"content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": MAIL}]}]}
        ]
    },
    "anthropic document": {
        "messages": [
            {
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": MAIL},
                        "title": "x",
                    }
                ]
            }
        ]
    },
    "anthropic title": {
        "messages": [{"content": [{"type": "document", "title": MAIL, "source": {"type": "file", "file_id": "f"}}]}]
    },
    "anthropic schema": {"tools": [{"name": "f", "input_schema": {"properties": {"model": {"description": MAIL}}}}]},
    "gemini part": {"contents": [{"role": "user", "parts": [{"text": MAIL}]}]},
    "gemini system": {"systemInstruction": {"parts": [{"text": MAIL}]}},
    "gemini arguments": {"contents": [{"parts": [{"functionCall": {"name": "f", "args": {"id": MAIL}}}]}]},
    "gemini response": {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"data": MAIL}}}]}]},
    "gemini code": {"contents": [{"parts": [{"executableCode": {"language": "PYTHON", "code": MAIL}}]}]},
    "gemini output": {"contents": [{"parts": [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": MAIL}}]}]},
    "an unheard-of member": {"messages": [{"brand_new": {"deep": [MAIL]}}]},
}
"""By dialect, where a model reads."""

NOT_READ = {
    "model": {"model": MAIL},
    "user": {"user": MAIL},
    "metadata": {"metadata": {"owner": MAIL, "more": [MAIL]}},
    "role": {"messages": [{"role": MAIL}]},
    "tool call id": {"messages": [{"tool_call_id": MAIL}]},
    "id in another spelling": {"messages": [{"toolUseId": MAIL}]},
    "name of a tool": {"tools": [{"function": {"name": MAIL}}]},
    "picture's address": {"messages": [{"content": [{"image_url": {"url": f"https://example.com/?m={MAIL}"}}]}]},
    "data address": {"messages": [{"content": f"data:text/plain,{MAIL}"}]},
    "stored file": {"contents": [{"parts": [{"fileData": {"mimeType": "x", "fileUri": MAIL}}]}]},
    "signature": {"messages": [{"content": [{"type": "thinking", "thinking": "x", "signature": MAIL}]}]},
    "signed thinking": {"messages": [{"content": [{"type": "thinking", "thinking": MAIL, "signature": "x"}]}]},
    "encrypted": {"input": [{"type": "reasoning", "encrypted_content": MAIL}]},
    "key of a connector": {
        "tools": [{"type": "mcp", "server_url": MAIL, "authorization": MAIL, "headers": {"x": MAIL}}]
    },
    "file": {"input": [{"content": [{"type": "input_file", "file_data": MAIL}]}]},
    "name of a caller's own member": {"messages": [{"content": [{"type": "tool_use", "input": {MAIL: 1}}]}]},
    "stop sequences": {"stop": [MAIL], "stop_sequences": [MAIL]},
}


@pytest.mark.parametrize("place", READ)
def test_what_a_model_reads_is_searched(place: str) -> None:
    body = json.dumps(READ[place]).encode()

    assert request_tags(body) == ("PII_EMAIL",)
    assert redacted(body)[0] == body.replace(MAIL.encode(), b"[EMAIL]")


@pytest.mark.parametrize("place", NOT_READ)
def test_what_no_model_reads_is_left_as_it_is(place: str) -> None:
    body = json.dumps(NOT_READ[place]).encode()

    assert request_tags(body) == ()
    assert redacted(body) == (body, ())


ESCAPED = {
    "an at as an escape": r'"bob\u0040example.com"',
    "slashes": r'"postgres:\/\/app:s3cr-e7x@db.example.com\/main"',
    "a line break before": r'"x\nbob@example.com\n"',
    "letters as escapes": r'"\u0062\u006f\u0062@example.com"',
    "a full-width at as an escape": r'"bob\uff20example\uff0ecom"',
    "an invisible character as an escape": r'"b\u200bob@example.com"',
    "json in a string": r'"{\"mail\":\"bob@example.com\"}"',
    "an escape in json in a string": r'"{\"mail\":\"bob\\u0040example.com\"}"',
    "a line break in json in a string": r'"{\"mail\":\"x\\nbob@example.com\"}"',
    "after a pair of surrogates": r'"\ud83d\ude00 bob@example.com"',
    "after backslashes": r'"\\\\ bob@example.com \\"',
    "after more escapes than the quick way takes": '"' + r"\n" * 50 + r'bob@example.com \" x"',
    "in a long string": '"' + "so it goes " * 500 + r'\" bob@example.com"',
}


@pytest.mark.parametrize("literal", ESCAPED.values(), ids=ESCAPED)
def test_an_escape_hides_nothing(literal: str) -> None:
    body = f'{{"messages":[{{"content":{literal}}}],"model":"m"}}'.encode()

    new, found = redacted(body)

    assert len(request_tags(body)) == 1
    assert found == request_tags(body)
    assert "[" in json.loads(new)["messages"][0]["content"]
    assert request_tags(new) == ()


def test_parts_do_not_fuse_into_a_card() -> None:
    parts = [{"type": "text", "text": "42424242"}, {"type": "text", "text": "42424242"}]

    assert request_tags(json.dumps({"messages": [{"content": parts}]}).encode()) == ()


def test_a_name_tells_what_its_value_is() -> None:
    def body(name: str) -> bytes:
        return json.dumps({"messages": [{"content": [{"type": "tool_use", "input": {name: "536221234"}}]}]}).encode()

    assert request_tags(body("ssn")) == ("PII_SSN",)
    assert request_tags(body("row")) == ()


def test_a_key_in_a_list_of_lines_is_found_and_replaced_line_by_line() -> None:
    lines = ["-----BEGIN " + "PRIVATE KEY-----", *["abcdefgh01234567" * 4] * 3, "-----END " + "PRIVATE KEY-----"]
    body = json.dumps({"messages": [{"content": [{"type": "tool_use", "input": {"lines": lines}}]}]}).encode()

    new, found = redacted(body)

    assert found == ("SECRET_SSH_KEY",)
    assert set(json.loads(new)["messages"][0]["content"][0]["input"]["lines"]) == {"[SECRET]"}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,%s"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "%s"}},
        {"inlineData": {"mimeType": "image/png", "data": "%s"}},
        {"type": "input_audio", "input_audio": {"data": "%s", "format": "wav"}},
        {"type": "input_file", "filename": "x.pdf", "file_data": "%s"},
        {"type": "brand_new", "blob": "%s"},
    ],
    ids=lambda part: str(next(iter(part.values()))),
)
def test_a_picture_is_not_searched(part: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    scan = pattern.Scan.__init__

    def noted(self: pattern.Scan, data: bytes, effort: pattern.Effort) -> None:
        searched.append(len(data))
        scan(self, data, effort)

    monkeypatch.setattr(tags.Scan, "__init__", noted)
    media = base64.b64encode(random.Random(1).randbytes(3_750_000)).decode()
    body = json.dumps({"messages": [{"role": "user", "content": [part, {"type": "text", "text": OTHER}]}]})

    assert request_tags(body.replace("%s", media).encode()) == ()
    assert sum(searched) < 200


def test_all_of_a_long_request_is_searched() -> None:
    turns = [{"role": "user", "content": "so it goes, and on it goes. " * 200}] * 100
    body = json.dumps({"messages": [*turns, {"role": "user", "content": MAIL}]}).encode()

    assert len(body) > 4 * PIECE_BYTES
    assert request_tags(body) == ("PII_EMAIL",)
    assert redacted(body)[0] == body.replace(MAIL.encode(), b"[EMAIL]")


@pytest.mark.parametrize(
    "body", [b"", b"{", b'"', b'{"a', b'{"a":"\\', b"]]]", b'{"a":"\\ud800 x"}', b'{"a":"\xff bob"}', b"\x00"]
)
def test_what_is_no_json_is_searched_without_an_error(body: bytes) -> None:
    assert request_tags(body) == ()
    assert redacted(body) == (body, ())


def test_every_dialect_has_its_places_above() -> None:
    assert {name.partition("_")[0] for name in DIALECTS} <= {"openai", "anthropic", "gemini"}
