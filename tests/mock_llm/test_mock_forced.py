"""What a request forces on a model, it gets: a tool of its choosing, an answer of its schema, at every provider's wire."""

import json

import jsonschema_rs
import pytest

from mock_llm.writing.prose import write_json
from tests.mock_llm.running_mock import ASK, CITY, cases
from tests.mock_llm.test_mock_faults import CHAT, GEMINI

PAIR = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": schema}}
    for name, schema in (("weather", CITY), ("multiply", PAIR))
]
RESPONSES_TOOLS = [{"type": "function", **tool["function"]} for tool in CHAT_TOOLS]
MESSAGES_TOOLS = [{"name": "weather", "input_schema": CITY}, {"name": "multiply", "input_schema": PAIR}]
GEMINI_TOOLS = [{"functionDeclarations": [tool["function"] for tool in CHAT_TOOLS]}]
RESPONSES, MESSAGES = "/openai/v1/responses", "/anthropic/v1/messages"
GENERATE = f"{GEMINI}:generateContent"
ASKED = {
    CHAT: {"model": "gpt-4o-mini", "messages": ASK},
    RESPONSES: {"model": "gpt-4o-mini", "input": "?"},
    MESSAGES: {"model": "claude-haiku-4-5", "messages": ASK, "max_tokens": 500},
    GENERATE: {"contents": [{"parts": [{"text": "?"}]}]},
}
TOOLS = {CHAT: CHAT_TOOLS, RESPONSES: RESPONSES_TOOLS, MESSAGES: MESSAGES_TOOLS, GENERATE: GEMINI_TOOLS}


def called(path: str, answer: dict) -> list[tuple[str, dict]]:
    """The tools that an answer calls, with their arguments."""
    if path == CHAT:
        calls = answer["choices"][0]["message"].get("tool_calls", [])
        return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
    if path == RESPONSES:
        calls = [item for item in answer["output"] if item["type"] == "function_call"]
        return [(call["name"], json.loads(call["arguments"])) for call in calls]
    if path == MESSAGES:
        return [(block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]
    parts = [part["functionCall"] for part in answer["candidates"][0]["content"]["parts"] if "functionCall" in part]
    return [(call["name"], call["args"]) for call in parts]


def said(path: str, answer: dict) -> str:
    if path == CHAT:
        return answer["choices"][0]["message"]["content"]
    if path == RESPONSES:
        return answer["output"][0]["content"][0]["text"]
    return answer["content"][0]["text"] if path == MESSAGES else answer["candidates"][0]["content"]["parts"][0]["text"]


def gemini_choice(**config) -> dict:
    return {"toolConfig": {"functionCallingConfig": {"mode": "ANY", **config}}}


NAMED = [
    ("chat", CHAT, {"tool_choice": {"type": "function", "function": {"name": "multiply"}}}),
    ("responses", RESPONSES, {"tool_choice": {"type": "function", "name": "multiply"}}),
    ("messages", MESSAGES, {"tool_choice": {"type": "tool", "name": "multiply"}}),
    ("gemini", GENERATE, gemini_choice(allowedFunctionNames=["multiply"])),
    ("gemini in snake case", GENERATE,
     {"tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["multiply"]}}}),
]  # fmt: skip
ANY = [
    ("chat", CHAT, {"tool_choice": "required"}),
    ("responses", RESPONSES, {"tool_choice": "required"}),
    ("messages", MESSAGES, {"tool_choice": {"type": "any"}}),
    ("gemini", GENERATE, gemini_choice()),
]
FREE = [
    ("chat", CHAT, {"tool_choice": "auto"}),
    ("responses", RESPONSES, {"tool_choice": "auto"}),
    ("messages", MESSAGES, {"tool_choice": {"type": "auto"}}),
    ("gemini", GENERATE, gemini_choice(mode="AUTO")),
]


@cases(("path", "choice"), NAMED)
def test_a_tool_that_is_named_is_called_with_arguments_of_its_schema(mock, path, choice):
    answer = mock.post(path, {**ASKED[path], "tools": TOOLS[path], **choice}).json()

    assert called(path, answer) == [("multiply", {"a": 7, "b": 7})]


@cases(("path", "choice"), ANY)
def test_where_some_tool_must_be_called_one_is(mock, path, choice):
    answer = mock.post(path, {**ASKED[path], "tools": TOOLS[path], **choice}).json()

    ((name, arguments),) = called(path, answer)
    assert (name, list(arguments)) == ("weather", ["city"])


@cases(("path", "choice"), FREE)
def test_a_free_choice_is_none_unless_a_script_says_so(mock, path, choice):
    answer = mock.post(path, {**ASKED[path], "tools": TOOLS[path], **choice}).json()

    assert called(path, answer) == []


@cases(("path", "choice"), NAMED)
def test_a_tool_that_is_not_offered_cannot_be_chosen(mock, path, choice):
    answer = mock.post(path, {**ASKED[path], **choice})

    assert answer.status_code == 400
    assert "multiply" in answer.text


@pytest.mark.parametrize("path", ASKED)
def test_a_script_may_name_the_tool_with_its_arguments_and_is_billed_for_them(mock, path):
    body = {**ASKED[path], "tools": TOOLS[path]}

    answer = mock.post(path, body, tool="multiply", arguments='{"a": 6, "b": 9}').json()

    assert called(path, answer) == [("multiply", {"a": 6, "b": 9})]
    assert mock.entry()["usage"]["output_tokens"] > 5


@pytest.mark.parametrize(
    ("key", "script"), [("tool", {"tool": "divide"}), ("tool_calls", {"tool": "multiply", "tool_calls": 1})]
)
def test_a_tool_that_cannot_be_called_as_told_is_named(mock, key, script):
    answer = mock.post(CHAT, {**ASKED[CHAT], "tools": CHAT_TOOLS}, **script)

    assert answer.status_code == 400
    assert key in answer.json()["error"]["message"]


def test_a_text_that_a_script_tells_is_written_in_place_of_the_tool(mock):
    body = {**ASKED[CHAT], "tools": CHAT_TOOLS, "tool_choice": "required"}

    answer = mock.post(CHAT, body, content="no tool").json()

    assert (called(CHAT, answer), said(CHAT, answer)) == ([], "no tool")


FORMED = [
    ("chat", CHAT, {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": PAIR}}}),
    ("responses", RESPONSES, {"text": {"format": {"type": "json_schema", "name": "x", "schema": PAIR}}}),
    ("messages", MESSAGES, {"output_config": {"format": {"type": "json_schema", "schema": PAIR}}}),
    ("messages, beta", MESSAGES, {"output_format": {"type": "json_schema", "schema": PAIR}}),
    ("gemini", GENERATE, {"generationConfig": {"responseMimeType": "application/json", "responseSchema": PAIR}}),
]


@cases(("path", "form"), FORMED)
def test_an_answer_is_of_the_schema_asked_for(mock, path, form):
    answer = mock.post(path, {**ASKED[path], **form}).json()

    assert json.loads(said(path, answer)) == {"a": 7, "b": 7}


SCHEMAS = [
    {"type": "string", "minLength": 3},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date-time"},
    {"type": "integer", "minimum": 20},
    {"type": "number", "exclusiveMaximum": 1},
    {"type": "array", "items": {"type": "string"}, "minItems": 3},
    {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
    {"const": "only"},
    {"allOf": [PAIR]},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"$defs": {"pair": PAIR}, "type": "object", "properties": {"pairs": {"type": "array", "items": {"$ref": "#/$defs/pair"}}}},
    {"$defs": {"tree": {"type": "object", "required": ["children"], "properties": {
        "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}}, "$ref": "#/$defs/tree"},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=[json.dumps(schema)[:60] for schema in SCHEMAS])
@pytest.mark.parametrize("tokens", [0, 30])
def test_what_is_written_to_a_schema_fits_it(schema, tokens):
    written = json.loads("".join(write_json(5, schema, tokens)))

    jsonschema_rs.validator_for(schema, validate_formats=True).validate(written)
