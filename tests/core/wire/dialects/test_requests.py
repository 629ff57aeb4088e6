"""What a request is taken to ask for, what is refused by name, and what a change leaves alone."""

import json

import pytest

from core.money.price_list import TABLE
from core.refusals import InvalidRequest
from core.wire.dialects import DIALECTS, InvalidAnswer

PARSED = [
    ("openai_chat", b'{"model":"m","messages":[{}],"max_tokens":5}', "", ("m", False, 5, 1)),
    ("openai_chat", b'{"model":"m","messages":[{}],"max_completion_tokens":7,"n":3,"stream":true}', "", ("m", True, 7, 3)),
    ("openai_completions", b'{"model":"m","prompt":["a","b"],"n":2,"best_of":4}', "", ("m", False, 16, 8)),
    ("openai_completions", b'{"model":"m","prompt":"a","best_of":0}', "", ("m", False, 16, 1)),
    ("openai_completions", b'{"model":"m","prompt":[1,2,3]}', "", ("m", False, 16, 1)),
    ("openai_completions", b'{"model":"m","prompt":"a","max_tokens":0}', "", ("m", False, 0, 1)),
    ("anthropic_messages", b'{"model":"m","max_tokens":0,"messages":[{}]}', "", ("m", False, 0, 1)),
    ("openai_responses", b'{"model":"m","input":"x","max_output_tokens":9}', "", ("m", False, 9, 1)),
    ("openai_compaction", b'{"model":"m","input":"x","stream":false,"max_output_tokens":9}', "", ("m", False, None, 1)),
    ("openai_embeddings", b'{"model":"m","input":[[1,2],[3]]}', "", ("m", False, None, 1)),
    ("anthropic_messages", b'{"model":"m","max_tokens":4,"messages":[{}],"stream":true}', "", ("m", True, 4, 1)),
    ("gemini", b'{"contents":[],"generationConfig":{"maxOutputTokens":3,"candidateCount":2}}', "v1beta/models/m:generateContent", ("m", False, 3, 2)),
    ("gemini", b'{"contents":[],"generation_config":{"max_output_tokens":3}}', "v1/models/m:streamGenerateContent", ("m", True, 3, 1)),
    ("gemini", b'{"contents":{},"generationConfig":{"maxOutputTokens":"300"},"tools":{"googleSearch":{}}}', "v1/models/m:generateContent", ("m", False, 300, 1)),
    ("gemini_embed", b'{"content":{}}', "v1beta/models/m:embedContent", ("m", False, None, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "body", "path", "expected"), PARSED)
def test_a_request_is_read_in_its_dialect(dialect: str, body: bytes, path: str, expected: tuple) -> None:
    call = DIALECTS[dialect].parse_request(body, path=path)

    assert (call.model, call.is_streaming, call.output_tokens_max, call.answers) == expected
    assert call.prompt.text_tokens > 0


REFUSED = [
    ("openai_chat", b"{", None),
    ("openai_chat", b'{"messages":[{}]}', "model"),
    ("openai_chat", b'{"model":"","messages":[{}]}', "model"),
    ("openai_chat", b'{"model":"m","messages":[]}', "messages"),
    ("openai_chat", b'{"model":"m","messages":[{}],"max_tokens":-1}', "max_tokens"),
    ("openai_chat", b'{"model":"m","messages":[{}],"n":0}', "n"),
    ("openai_chat", b'{"model":"m","messages":[{}],"stream":"yes"}', "stream"),
    ("openai_responses", b'{"model":"m","background":true}', "background"),
    ("openai_compaction", b'{"model":"m","input":"x","stream":true}', "stream"),
    ("anthropic_messages", b'{"model":"m","messages":[{}]}', "max_tokens"),
    ("anthropic_messages", b'{"model":"m","messages":[{}],"max_tokens":-1}', "max_tokens"),
    ("gemini", b"{}", "contents"),
    ("gemini_embed", b"{}", "content"),
    ("openai_responses", b'{"model":"m","max_tool_calls":0}', "max_tool_calls"),
    ("openai_responses", b'{"model":"m","max_tool_calls":-1}', "max_tool_calls"),
    ("openai_chat", b'{"model":"m","messages":[{}],"tools":"all"}', "tools"),
    ("openai_chat", b'{"model":"m","messages":[{}],"tools":[{"type":7}]}', "tools[].type"),
    (
        "anthropic_messages",
        b'{"model":"m","max_tokens":1,"messages":[{}],"tools":[{"type":"web_search_x","max_uses":0}]}',
        "tools[].max_uses",
    ),
    (
        "anthropic_messages",
        b'{"model":"m","max_tokens":1,"messages":[{}],"tools":{"type":"web_search_x","max_uses":-3}}',
        "tools[].max_uses",
    ),
    (
        "anthropic_messages",
        b'{"model":"m","max_tokens":1,"messages":[{}],"thinking":{"budget_tokens":0}}',
        "thinking.budget_tokens",
    ),
    ("gemini", b'{"contents":[],"tools":7}', "tools"),
    ("gemini", b'{"contents":[],"generationConfig":{"maxOutputTokens":0}}', "generationConfig.maxOutputTokens"),
]


@pytest.mark.parametrize(("dialect", "body", "param"), REFUSED)
def test_a_bad_request_is_refused_naming_the_field(dialect: str, body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        DIALECTS[dialect].parse_request(body, path="v1/models/m:generateContent")

    assert refused.value.param == param


CHANGES = [
    ("openai_chat", b'{"model":"m","messages":[1.0],"max_tokens":9}', {"ceiling": 3}, b'{"model":"m","messages":[1.0],"max_tokens":3}'),
    ("openai_chat", b'{"model":"m","messages":[]}', {"ceiling": 3}, b'{"model":"m","messages":[],"max_completion_tokens":3}'),
    ("openai_chat", b'{"model":"p/m","messages":[ 1e2 ]}', {"model": "m"}, b'{"model":"m","messages":[ 1e2 ]}'),
    ("openai_chat", b'{"stream_options":{"x":1},"model":"m"}', {"include_usage": True}, b'{"stream_options":{"x":1,"include_usage":true},"model":"m"}'),
    ("anthropic_messages", b'{"max_tokens":9,"messages":[]}', {"ceiling": 3}, b'{"max_tokens":3,"messages":[]}'),
    ("openai_responses", b'{"model":"m"}', {"ceiling": 3}, b'{"model":"m","max_output_tokens":3}'),
    ("gemini", b'{"contents":[],"generationConfig":{"topK":1}}', {"ceiling": 3}, b'{"contents":[],"generationConfig":{"topK":1,"maxOutputTokens":3}}'),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "body", "changes", "expected"), CHANGES)
def test_a_change_leaves_every_other_member_as_it_was(
    dialect: str, body: bytes, changes: dict, expected: bytes
) -> None:
    asked = {name: value for name, value in changes.items() if name != "ceiling"}

    assert DIALECTS[dialect].prepare(body, **asked).to_send(changes.get("ceiling")) == expected


def test_a_picture_s_base64_is_not_counted_as_text() -> None:
    picture = b"A" * 100_000
    body = (
        b'{"model":"gpt-4o","messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%b"}}]}]}'
        % picture
    )

    prompt = DIALECTS["openai_chat"].parse_request(body, path="").prompt

    assert prompt.images >= 1
    assert prompt.text_tokens < 200


SECOND_SPELLINGS = [
    ("openai_chat", b'{"model":"m","messages":[{}],"N":9}', "n"),
    ("openai_chat", b'{"model":"m","MODEL":"dear","messages":[{}]}', "model"),
    ("anthropic_messages", b'{"model":"m","max_tokens":4,"Max_Tokens":4000,"messages":[{}]}', "max_tokens"),
    ("gemini", b'{"contents":[],"generationConfig":{},"generation_config":{}}', None),
    ("openai_chat", b'{"model":"m","messages":[{}],"odd":1,"ODD":2}', "ODD"),
    ("gemini", b'{"contents":[],"generationConfig":{"candidatecount":8}}', "candidate_count"),
    ("gemini", b'{"contents":[],"generation_config":{"candidate_Count":8,"candidate_count":1}}', None),
]


@pytest.mark.parametrize(("dialect", "body", "param"), SECOND_SPELLINGS)
def test_a_member_with_a_second_spelling_is_refused(dialect: str, body: bytes, param: str | None) -> None:
    with pytest.raises(InvalidRequest, match="second spelling") as refused:
        DIALECTS[dialect].parse_request(body, path="v1/models/m:generateContent")

    assert param in (None, refused.value.param)


OTHER_MODELS = [
    ("gemini", b'{"contents":[],"model":"models/dear"}'),
    ("gemini", b'{"contents":[],"Model":"dear"}'),
    ("gemini_embed", b'{"content":{},"model":"dear"}'),
    ("gemini_embed", b'{"requests":[{"model":"models/m"},[{"model":"models/dear"}]]}'),
]


@pytest.mark.parametrize(("dialect", "body"), OTHER_MODELS)
def test_a_body_that_names_another_model_than_the_priced_one_is_refused(dialect: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="another model") as refused:
        DIALECTS[dialect].parse_request(body, path="v1beta/models/m:x")

    assert refused.value.param == "model"
    DIALECTS[dialect].parse_request(body.replace(b"dear", b"m"), path="v1beta/models/m:x")


TWICE = [
    (b'"max_tokens":3,"max_tokens":9', "max_tokens"),
    (b'"max_tokens":3,"max\\u005ftokens":9', "max_tokens"),
    (b'"stream_options":{"include_usage":true,"include_usage":false}', "include_usage"),
    (b'"contents":[{"parts":[{"fileData":{"fileUri":"a"},"fileData":{"fileUri":"b"}}]}]', "fileData"),
    (b'"tools":[{"type":"function","type":"web_search"}]', "type"),
    (b'"metadata":{"a":[[{"deep":{"x" : 1 , "x":1}}]]}', "x"),
    (b'"' + b"A" * 99 + b'":1,"y":{"z":1,"z":2}', "z"),
]


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "gemini"])
@pytest.mark.parametrize(("members", "name"), TWICE)
def test_a_member_given_twice_is_refused_by_its_name(dialect: str, members: bytes, name: str) -> None:
    body = b'{"model":"m","messages":[{}],"contents":[],%b}' % members
    if members.startswith(b'"contents"'):
        body = body.replace(b'"contents":[],', b"")

    with pytest.raises(InvalidRequest, match="given twice") as refused:
        DIALECTS[dialect].parse_request(body, path="v1/models/m:generateContent")

    assert refused.value.param == name


ONCE = [
    b'{"model":"m","messages":[{"role":"user"},{"role":"user"}]}',
    b' {"model": "m", "messages" :[ {"content":"a:b, \\"model\\": {\\\\"} ], "x":{":":":"}}\n',
    b'{"model":"m","messages":[{}],"a":{"id":1},"b":{"id":1},"c":"\\u0022model\\u0022:1"}',
]


@pytest.mark.parametrize("body", ONCE)
def test_the_same_name_in_two_objects_or_in_a_text_is_given_once(body: bytes) -> None:
    assert DIALECTS["openai_chat"].parse_request(body, path="").model == "m"


UNREADABLE = [
    (b'"foo":1e400', "foo"),
    (b'"foo":[{"a":-1e999}]', "foo"),
    (b'"foo":' + b"9" * 5_000, "foo"),
    (b'"foo":"h\xffllo"', "foo"),
    (b'"foo":"\xed\xa0\xbd"', "foo"),
    (b'"foo":"cut \\ud83d"', None),
    (b'"foo":NaN', None),
    (b'"foo":"a\x00b"', None),
    (b'"foo":"' + b"A" * 99 + b'\\q"', None),
]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize(("member", "param"), UNREADABLE)
def test_what_no_strict_reader_takes_is_refused_before_it_costs_anything(
    dialect: str, member: bytes, param: str | None
) -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{}],"input":"x","contents":[],"content":{},%b}' % member

    with pytest.raises(InvalidRequest) as refused:
        DIALECTS[dialect].parse_request(body, path="v1/models/m:generateContent")

    assert refused.value.param == param


RICH = [
    (b'"x":[' + b"[]," * 100_000 + b"1]", "objects and lists"),
    (b'"x":[' + b"1," * 500_001 + b"1]", "values"),
    (b'"x":{%b}' % b",".join(b'"%d":1' % number for number in range(200_001)), "members"),
    (b",".join(b'"%d":1' % number for number in range(300)), "members, more than"),
    (b'"x":[%b]' % b",".join([b'{"image_url":"data:image/png;base64,iVBO"}'] * 4_001), "more than 4000 pictures"),
]


@pytest.mark.parametrize(("members", "words"), RICH)
def test_a_body_too_rich_to_decode_is_refused(members: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        DIALECTS["openai_chat"].parse_request(b'{"model":"m","messages":[{}],%b}' % members, path="")


DEEP = b"[" * 50_000 + b"]" * 50_000


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_a_body_nested_too_deeply_is_a_bad_request(dialect: str) -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{}],"input":"x","contents":[],"content":{},"x":%b}' % DEEP

    with pytest.raises(InvalidRequest, match="nested more than"):
        DIALECTS[dialect].parse_request(body, path="v1/models/m:generateContent")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_an_answer_nested_too_deeply_is_invalid(dialect: str) -> None:
    with pytest.raises(InvalidAnswer):
        DIALECTS[dialect].read_answer(b'{"x":%b}' % DEEP)


GEMINI_PATH = "v1beta/models/m:generateContent"
AS_WRITTEN = [
    ({"contents": {"parts": {"text": "Hi"}}}, (None, 1, "unset", None)),
    ({"contents": {}, "generationConfig": {"maxOutputTokens": "100", "candidateCount": "2"}}, (100, 2, "unset", None)),
    ({"contents": {}, "generation_config": {"max_output_tokens": 1e2, "candidate_count": 2.0}}, (100, 2, "unset", None)),
    ({"contents": {}, "generationConfig": {"maxOutputTokens": "1e2", "candidateCount": "2.0"}}, (100, 2, "unset", None)),
    ({"contents": {}, "generationConfig": {"thinkingConfig": {"thinkingBudget": "0"}}}, (None, 1, "off", None)),
    ({"contents": {}, "generation_config": {"thinking_config": {"thinking_budget": 0.0}}}, (None, 1, "off", None)),
    ({"contents": {}, "generationConfig": {"thinkingConfig": {"thinkingBudget": "-1"}}}, (None, 1, "unset", None)),
    ({"contents": {}, "generationConfig": None, "tools": None, "safetySettings": {"category": 7, "threshold": 1}}, (None, 1, "unset", None)),
    ({"contents": {}, "serviceTier": "priority"}, (None, 1, "unset", "priority")),
    ({"contents": {}, "serviceTier": 0}, (None, 1, "unset", None)),
    ({"contents": {}, "service_tier": 3}, (None, 1, "unset", "3")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), AS_WRITTEN, ids=str)
def test_what_google_s_reader_takes_is_read_as_it_reads_it(body: dict, expected: tuple) -> None:
    call = DIALECTS["gemini"].parse_request(json.dumps(body).encode(), path=GEMINI_PATH)

    assert (call.output_tokens_max, call.answers, call.thinking, call.service_tier) == expected


def test_a_tier_that_is_named_by_a_number_is_held_at_the_dearest() -> None:
    price = TABLE.find("gemini", "gemini-2.5-pro", at_ms=1_795_651_200_000)

    by_number, dearest = (price.rates(prompt_tokens=1, service_tier=tier) for tier in ("3", "priority"))

    assert by_number == dearest != price.rates(prompt_tokens=1, service_tier=None)


TWO_READINGS = [
    ({"maxOutputTokens": 5, "max_output_tokens": 500}, "max_output_tokens"),
    ({"candidateCount": 1, "candidate_count": 8}, "candidate_count"),
    ({"thinkingConfig": {"thinkingBudget": 0, "thinking_budget": 500}}, "thinking_budget"),
    ({"thinkingConfig": {"thinkingbudget": 0}}, "thinking_budget"),
    ({"maxOutputTokens": "5 "}, "generationConfig.maxOutputTokens"),
    ({"maxOutputTokens": 5.5}, "generationConfig.maxOutputTokens"),
    ({"maxOutputTokens": True}, "generationConfig.maxOutputTokens"),
]


@pytest.mark.parametrize(("config", "param"), TWO_READINGS, ids=str)
def test_what_may_be_read_in_two_ways_is_refused(config: dict, param: str) -> None:
    body = json.dumps({"contents": {}, "generationConfig": config}).encode()

    with pytest.raises(InvalidRequest) as refused:
        DIALECTS["gemini"].parse_request(body, path=GEMINI_PATH)

    assert refused.value.param == param
