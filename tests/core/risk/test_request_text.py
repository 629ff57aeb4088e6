"""Which strings of a request are searched: one canary in every place a model reads, and one in every place it does not."""

import base64
import json
import random

import pytest
from agentwatch.request_text import texts_of
from hypothesis import given, settings

from core.risk.finding import pattern, tags
from core.risk.finding.member_names import unescaped
from core.risk.redaction import redacted
from core.risk.request_text import PIECE_BYTES, _strings, request_tags
from core.wire.dialects import DIALECTS
from tests.core.risk.test_redaction import BODY
from tests.core.risk.vectors import CANARY as MAIL
from tests.core.risk.vectors import PLACES, Place

OTHER = "no secret here"


@pytest.mark.parametrize("case", PLACES, ids=lambda case: case.name)
def test_what_a_model_reads_is_searched_and_nothing_else(case: Place) -> None:
    body = json.dumps(case.body).encode()

    assert request_tags(body) == (("PII_EMAIL",) if case.is_read else ())
    if case.is_read and MAIL.encode() in body:
        assert redacted(body)[0] == body.replace(MAIL.encode(), b"[EMAIL]")
    elif not case.is_read:
        assert redacted(body) == (body, ())


@settings(max_examples=400, deadline=None)
@given(BODY)
def test_the_python_sdk_reads_the_same_texts_of_any_request(body: bytes) -> None:
    core = [unescaped(json.loads(b'"%b"' % body[start:end])) for start, end, is_name in _strings(body) if not is_name]

    assert [text for text in texts_of(json.loads(body)) if text != "ssn"] == [text for text in core if text != "ssn"]


def test_every_dialect_has_places_that_are_read_and_places_that_are_not() -> None:
    for dialect in DIALECTS.keys() - {"openai_compaction"}:  # what it has is a Responses request's
        is_read = {case.is_read for case in PLACES if dialect.startswith(case.dialect.removeprefix("answer "))}
        assert is_read == {True, False}, dialect


ESCAPED = {
    "an at as an escape": r'"bob\u0040corp-mail.com"',
    "slashes": r'"postgres:\/\/app:s3cr-e7x@db.example.com\/main"',
    "a line break before": r'"x\nbob@corp-mail.com\n"',
    "letters as escapes": r'"\u0062\u006f\u0062@corp-mail.com"',
    "a full-width at as an escape": r'"bob\uff20corp-mail\uff0ecom"',
    "an invisible character as an escape": r'"b\u200bob@corp-mail.com"',
    "json in a string": r'"{\"mail\":\"bob@corp-mail.com\"}"',
    "an escape in json in a string": r'"{\"mail\":\"bob\\u0040corp-mail.com\"}"',
    "a line break in json in a string": r'"{\"mail\":\"x\\nbob@corp-mail.com\"}"',
    "after a pair of surrogates": r'"\ud83d\ude00 bob@corp-mail.com"',
    "after backslashes": r'"\\\\ bob@corp-mail.com \\"',
    "after more escapes than the quick way takes": '"' + r"\n" * 50 + r'bob@corp-mail.com \" x"',
    "in a long string": '"' + "so it goes " * 500 + r'\" bob@corp-mail.com"',
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
