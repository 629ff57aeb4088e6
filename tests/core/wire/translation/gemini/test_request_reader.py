"""Gemini's requests as conversations: what survives, what is told to be beyond, and what is refused."""

import base64

import msgspec
import pytest
from google.genai import types
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.wire.translation.conversation import (
    Conversation,
    Document,
    Image,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.fitting.history import FOREIGN_CALL
from core.wire.translation.gemini.request_reader import read_request
from tests.core.wire.translation.gemini import strategies
from tests.core.wire.translation.gemini.requests import (
    PATH,
    STREAM_PATH,
    asked,
    read,
    read_contents,
    said,
    texts_of,
)

HI = {"role": "user", "parts": [{"text": "Hi"}]}
PNG = base64.b64encode(b"\x89PNG\xff\xfe\xfb\xef").decode()


@given(strategies.conversations(), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_conversation_said_in_gemini_s_words_is_read_as_it_was(conversation, has_ids, is_snake):
    path = STREAM_PATH if conversation.is_streaming else PATH

    heard = read(said(conversation, has_ids=has_ids, is_snake=is_snake), path)

    assert heard == conversation


# Who said what --------------------------------------------------------------------------------------------------------


def test_a_streamed_answer_that_was_kept_in_pieces_is_one_text():
    pieces = [{"role": "model", "parts": [{"text": piece}]} for piece in ("Par", "", "is")]

    heard = read_contents(HI, *pieces, {"parts": [{"text": "And"}]}, {"parts": [{"text": "then?"}]})

    assert texts_of(heard.turns) == [("user", ["Hi"]), ("assistant", ["Paris"]), ("user", ["And", "then?"])]


def test_results_come_before_what_else_the_user_says():
    call = {"role": "model", "parts": [{"functionCall": {"name": "a"}}, {"functionCall": {"name": "b", "args": {}}}]}
    results = [{"functionResponse": {"name": name, "response": {"result": name}}} for name in "ba"]

    heard = read_contents(HI, call, {"parts": [{"text": "Look"}, *results]})

    assert heard.turns[1].parts == tuple(
        ToolCall(id=f"call_{at}", name=name, arguments="{}") for at, name in ((0, "a"), (1, "b"))
    )
    assert heard.turns[2].parts == (
        ToolResult(call_id="call_1", parts=(Text(text="b"),)),
        ToolResult(call_id="call_0", parts=(Text(text="a"),)),
        Text(text="Look"),
    )


def calls(*given: tuple[str, str]) -> dict:
    parts = [{"functionCall": {"name": name, **({"id": id} if id is not None else {})}} for name, id in given]
    return {"role": "model", "parts": parts}


def results(*given: tuple[str, str | None]) -> dict:
    parts = [{"functionResponse": {"name": name, "id": id, "response": {}}} for name, id in given]
    return {"role": "function", "parts": parts}


MATCHES = [
    ("by name, in order", [calls(("f", None), ("f", None)), results(("f", None), ("f", None))], ["call_0", "call_1"]),
    ("by id, in any order", [calls(("f", "x"), ("f", "y")), results(("f", "y"), ("f", "x"))], ["y", "x"]),
    ("empty ids are none", [calls(("f", ""), ("g", "")), results(("g", ""), ("f", ""))], ["call_1", "call_0"]),
    ("an id that only the result has", [calls(("f", None)), results(("f", "new"))], ["call_0"]),
    ("the same id at every turn", [calls(("f", "1")), results(("f", "1"))] * 3, ["1", "1_2", "1_3"]),
    ("no id at any turn", [calls(("f", None)), results(("f", None))] * 2, ["call_0", "call_1"]),
    ("an id like one that is made", [calls(("f", "call_1"), ("g", None)), results(("g", None), ("f", "call_1"))], ["call_1_2", "call_1"]),
    ("a call that got no result", [calls(("f", None)), HI, calls(("f", None)), results(("f", None))], ["call_1"]),
]  # fmt: skip


@pytest.mark.parametrize(("contents", "expected"), [case[1:] for case in MATCHES], ids=[case[0] for case in MATCHES])
def test_a_result_finds_its_call_and_every_call_has_its_own_id(contents, expected):
    heard = read_contents(HI, *contents)

    parts = [part for turn in heard.turns for part in turn.parts]
    assert [part.call_id for part in parts if isinstance(part, ToolResult)] == expected
    ids = [part.id for part in parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == len(ids)
    assert set(expected) <= set(ids)


def test_a_longer_conversation_begins_with_the_same_ids():
    turns = [HI, calls(("f", None)), results(("f", None)), calls(("f", None)), results(("f", None))]

    assert read_contents(*turns).turns[:3] == read_contents(*turns[:3]).turns


OUTCOMES = [
    ({"output": "fine"}, "fine", False),
    ({"result": {"a": 1}}, '{"a":1}', False),
    ({"error": "no such file"}, "no such file", True),
    ({"error": None, "a": 1}, '{"error":null,"a":1}', False),
    ({"error": "e", "output": "o"}, '{"error":"e","output":"o"}', True),
    ({"temperature": 20.0}, '{"temperature":20.0}', False),
    ({}, "{}", False),
]


@pytest.mark.parametrize(("response", "text", "is_error"), OUTCOMES, ids=str)
def test_what_a_tool_returned_is_text_and_its_failure_is_marked(response, text, is_error):
    answered = {"parts": [{"functionResponse": {"name": "f", "response": response}}]}

    [result] = read_contents(HI, calls(("f", None)), answered).turns[2].parts

    assert result == ToolResult(call_id="call_0", parts=(Text(text=text),), is_error=is_error)


def test_pictures_in_a_result_are_part_of_it():
    picture = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    answered = {"parts": [{"functionResponse": {"name": "f", "response": {"output": "see"}, "parts": [picture]}}]}

    [result] = read_contents(HI, calls(("f", None)), answered).turns[2].parts

    assert result.parts == (Text(text="see"), Image(media_type="image/png", data=PNG))


def test_thoughts_keep_their_signature_and_calls_theirs_but_not_the_one_that_we_wrote():
    model = {
        "role": "model",
        "parts": [
            {"text": "Hm", "thought": True},
            {"text": "m", "thought": True, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f"}, "thoughtSignature": "Y2FsbA=="},
            {"functionCall": {"name": "g"}, "thoughtSignature": FOREIGN_CALL},
            {"text": "", "thoughtSignature": "dGV4dA=="},
        ],
    }

    heard = read_contents(HI, model)

    assert heard.turns[1].parts == (
        Thinking(text="Hmm", signature="c2ln", maker="gemini"),
        ToolCall(id="call_0", name="f", arguments="{}", signature="Y2FsbA=="),
        ToolCall(id="call_1", name="g", arguments="{}"),
    )
    assert heard.dropped == ("thoughtSignature",)


def test_base64_for_addresses_as_the_official_client_writes_it_becomes_the_usual_one():
    raw = base64.b64decode(PNG)
    text = types.Part.from_bytes(data="ein Täxt".encode(), mime_type="text/markdown")

    heard = asked(["Look", types.Part.from_bytes(data=raw, mime_type="image/png"), text])

    assert heard.turns[0].parts == (
        Text(text="Look"),
        Image(media_type="image/png", data=PNG),
        Document(media_type="text/plain", text="ein Täxt"),
    )


# What is asked for ----------------------------------------------------------------------------------------------------

WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="Weather",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={
            "city": types.Schema(type=types.Type.STRING, min_length=1),
            "days": types.Schema(type=types.Type.ARRAY, items=types.Schema(type=types.Type.INTEGER), max_items=7),
            "unit": types.Schema(type=types.Type.STRING, enum=["c", "f"], nullable=True),
            "when": types.Schema(any_of=[types.Schema(type=types.Type.STRING), types.Schema(type=types.Type.NUMBER)]),
        },
        required=["city"],
        property_ordering=["unit", "city"],
    ),
)
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "unit": {"type": ["string", "null"], "enum": ["c", "f", None]},
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "array", "items": {"type": "integer"}, "maxItems": 7},
        "when": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
    "required": ["city"],
}


def test_a_request_of_the_official_client_is_read_whole():
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0.5,
        top_k=40,
        max_output_tokens=900,
        stop_sequences=["END"],
        seed=7,
        thinking_config=types.ThinkingConfig(thinking_budget=-1, include_thoughts=True),
        tools=[types.Tool(function_declarations=[WEATHER])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode="ANY", allowed_function_names=["get_weather"])
        ),
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")],
    )

    heard = asked("Weather in Paris?", config, is_stream=True)

    assert heard == Conversation(
        model="gemini-3-pro",
        turns=(Turn("system", (Text(text="Be brief."),)), Turn("user", (Text(text="Weather in Paris?"),))),
        is_streaming=True,
        tools=(Tool(name="get_weather", description="Weather", schema=WEATHER_SCHEMA),),
        tool_choice=ToolChoice(mode="named", name="get_weather"),
        output_tokens_max=900,
        temperature=0.5,
        top_k=40,
        seed=7,
        stop=("END",),
        reasoning=Reasoning(is_adaptive=True, is_shown=True),
        dropped=("safetySettings",),
    )
    assert list(heard.tools[0].schema["properties"]) == ["unit", "city", "days", "when"]


def test_a_schema_s_own_names_are_never_taken_for_keywords():
    names = {"min_items": {"type": "STRING"}, "type": {"type": "STRING"}, "Nullable": {"type": "BOOLEAN"}}
    schema = {"type": "OBJECT", "properties": names, "any_of": [{"required": ["type"]}], "max_properties": "3"}
    declared = {"functionDeclarations": [{"name": "f", "parameters": schema}]}

    [tool] = read_contents(HI, tools=[declared]).tools

    kinds = {"min_items": "string", "type": "string", "Nullable": "boolean"}
    assert tool.schema == {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
        "anyOf": [{"required": ["type"]}],
        "maxProperties": 3,
    }


SCHEMAS = [
    ({"type": 5, "items": {"type": 1, "maxLength": "9"}}, {"type": "array", "items": {"type": "string", "maxLength": 9}}),
    ({"type": "INTEGER", "enum": ["1", "2"]}, {"type": "integer", "enum": [1, 2]}),
    ({"type": "TYPE_UNSPECIFIED", "ref": "#/$defs/a", "nullable": True}, {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}),
    ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ({"type": "NUMBER", "minimum": "0.5", "example": 1, "nullable": False}, {"type": "number", "minimum": 0.5, "examples": [1]}),
    ({"type": ["STRING", "NULL"], "default": None}, {"type": ["string", "null"]}),
    ({"type": "OBJECT", "additional_properties": {"type": "STRING"}}, {"type": "object", "additionalProperties": {"type": "string"}}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS, ids=str)
def test_gemini_s_schema_becomes_json_schema(schema, expected):
    config = {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"x": schema}}}

    heard = read_contents(HI, generationConfig=config)

    assert heard.format == OutputFormat(schema={"type": "object", "properties": {"x": expected}})


def declared(*names: str) -> list[dict]:
    return [{"functionDeclarations": [{"name": name} for name in names]}]


CHOICES = [
    ("AUTO", [], ToolChoice(), "fg"),
    ("ANY", [], ToolChoice(mode="required"), "fg"),
    ("any", ["g"], ToolChoice(mode="named", name="g"), "fg"),
    ("ANY", ["f", "g"], ToolChoice(mode="required"), "fg"),
    ("AUTO", ["g"], ToolChoice(), "g"),
    ("NONE", [], ToolChoice(mode="none"), "fg"),
    ("MODE_UNSPECIFIED", [], None, "fg"),
    ("VALIDATED", [], ToolChoice(), "fg"),
]


@pytest.mark.parametrize(("mode", "names", "choice", "tools"), CHOICES)
def test_the_modes_of_calling_are_told(mode, names, choice, tools):
    config = {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}}

    heard = read_contents(HI, tools=declared("f", "g"), toolConfig=config)

    assert heard.tool_choice == choice
    assert [tool.name for tool in heard.tools] == list(tools)
    assert heard.dropped == (("functionCallingConfig.mode",) if mode == "VALIDATED" else ())


THINKING = [
    ({"thinkingBudget": 0}, Reasoning(effort="none")),
    ({"thinking_budget": "-1"}, Reasoning(is_adaptive=True)),
    ({"thinkingBudget": 512, "includeThoughts": True}, Reasoning(budget_tokens=512, is_shown=True)),
    ({"thinkingLevel": "high"}, Reasoning(effort="high")),
    ({"thinkingLevel": "MINIMAL", "includeThoughts": False}, Reasoning(effort="minimal", is_shown=False)),
    ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("asked_for", "expected"), THINKING, ids=str)
def test_what_is_asked_of_thinking_is_told(asked_for, expected):
    assert read_contents(HI, generationConfig={"thinkingConfig": asked_for}).reasoning == expected


FORMATS = [
    ({"responseMimeType": "application/json"}, OutputFormat()),
    ({"responseMimeType": "text/plain"}, None),
    ({"responseJsonSchema": {"type": "array"}}, OutputFormat(schema={"type": "array"})),
]


@pytest.mark.parametrize(("config", "expected"), FORMATS, ids=str)
def test_json_mode_is_told(config, expected):
    assert read_contents(HI, generationConfig=config).format == expected


def part(**data: object) -> dict:
    return {"contents": [{"role": "user", "parts": [{"text": "Hi"}, data]}]}


def config(**settings: object) -> dict:
    return {"contents": [HI], "generationConfig": settings}


def blob(kind: str) -> dict:
    return {"mimeType": kind, "data": "AAAA"}


FILE = {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a", "mimeType": "image/png"}
BEYOND = [
    (config(responseModalities=[1, 2]), "modalities"),
    (part(fileData=FILE), "file_data"),
    (part(inlineData=blob("audio/wav")), "audio"),
    (part(inlineData=blob("video/mp4")), "video"),
    (part(inline_data=blob("application/zip")), "documents"),
    ({"contents": [HI, {"role": "model", "parts": [{"executableCode": {"code": "1", "language": "PYTHON"}}]}]}, "executable_code"),
    ({"contents": [HI, {"role": "model", "parts": [{"codeExecutionResult": {"outcome": "OUTCOME_OK"}}]}]}, "code_execution_result"),
    ({"contents": [HI, {"role": "model", "parts": [{"inlineData": blob("image/png")}]}]}, "assistant_media"),
    ({"contents": [HI], "systemInstruction": {"parts": [{"inlineData": blob("image/png")}]}}, "system_media"),
    ({"contents": [HI], "tools": [{"googleSearch": {}}]}, "tool:google_search"),
    ({"contents": [HI], "tools": {"code_execution": {}}}, "tool:code_execution"),
    ({"contents": [HI], "tools": [{"urlContext": {}}]}, "tool:url_context"),
    ({"contents": [HI], "tools": [{"aToolOfTomorrow": {}}]}, "unknown_member"),
    ({"contents": [HI], "cachedContent": "cachedContents/1"}, "cached_content"),
    ({"contents": [HI], "memberOfTomorrow": 1}, "unknown_member"),
    (config(candidateCount=2), "candidate_count"),
    (config(responseModalities=["TEXT", "IMAGE"]), "modalities"),
    (config(speechConfig={"voiceConfig": {}}), "speech"),
    (config(responseLogprobs=True), "logprobs"),
    (config(responseMimeType="text/x.enum"), "response_mime_type"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "feature"), BEYOND, ids=[feature for _, feature in BEYOND])
def test_what_no_other_provider_can_stand_in_for_is_named(body, feature):
    assert read(body).beyond == (feature,)


DROPPED = [
    ({"contents": [HI], "labels": {"team": "a"}}, "labels"),
    ({"contents": [HI], "safety_settings": []}, "safetySettings"),
    ({"contents": [HI], "serviceTier": "flex"}, "serviceTier"),
    (config(mediaResolution="MEDIA_RESOLUTION_LOW"), "mediaResolution"),
    (part(text="a", partMetadata={"a": 1}), "partMetadata"),
]


@pytest.mark.parametrize(("body", "member"), DROPPED, ids=[member for _, member in DROPPED])
def test_what_changes_nothing_is_named_as_left_out(body, member):
    heard = read(body)

    assert (heard.dropped, heard.beyond) == ((member,), ())


REFUSED = [
    {"contents": []},
    {"contents": [{"role": "user", "parts": [{"text": ""}]}]},
    {"contents": "Hi"},
    {"contents": [{"role": "system", "parts": [{"text": "Hi"}]}]},
    {"contents": [{"parts": [{"text": 5}]}]},
    {"contents": [{"parts": [{"text": "a", "functionCall": {"name": "f"}}]}]},
    {"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]},
    {"contents": [HI, {"role": "model", "parts": [{"functionCall": {"name": ""}}]}]},
    {"contents": [HI, {"role": "model", "parts": [{"functionCall": {"name": "f", "args": []}}]}]},
    {"contents": [HI, {"role": "model", "parts": [{"functionResponse": {"name": "f"}}]}]},
    {"contents": [HI], "systemInstruction": "Be brief."},
    {"contents": [HI], "tools": [{"functionDeclarations": [{"description": "no name"}]}]},
    {"contents": [HI], "tools": declared("f"), "toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
    {"contents": [HI], "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
    config(temperature="nan"),
    config(responseMimeType="text/plain", responseSchema={"type": "OBJECT"}),
    config(thinkingConfig={"thinkingBudget": -2}),
    config(thinkingConfig={"thinkingLevel": "LUDICROUS"}),
    config(responseJsonSchema=[1]),
    part(inlineData={"mimeType": "text/plain", "data": "/w=="}),
]


@pytest.mark.parametrize("body", REFUSED, ids=str)
def test_what_is_odd_is_not_guessed_at(body):
    with pytest.raises(Untranslatable) as refused:
        read_request(msgspec.json.encode(body), path=PATH)

    assert refused.value.feature == "body"


def test_a_result_without_a_call_cannot_be_passed_on():
    with pytest.raises(Untranslatable) as refused:
        read_contents(HI, results(("f", None)))

    assert refused.value.feature == "tool_results"


@pytest.mark.parametrize("path", ["", "v1beta/models/:generateContent"])
def test_a_path_without_a_model_is_refused(path):
    with pytest.raises(Untranslatable):
        read_request(msgspec.json.encode({"contents": [HI]}), path=path)


MEMBERS = [
    "contents", "role", "parts", "text", "thought", "thoughtSignature", "inlineData", "mimeType", "data", "functionCall",
    "functionResponse", "name", "id", "args", "response", "generationConfig", "tools", "functionDeclarations",
    "parameters", "type", "properties", "anyOf", "toolConfig", "functionCallingConfig", "mode", "responseSchema",
    "allowedFunctionNames", "systemInstruction", "system_instruction", "thinkingConfig", "topK", "nullable", "enum",
]  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "model", "user", "f", "OBJECT", "AUTO", "nan", "1e999", "image/png", "AAAA", "=", "application/json"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip
BODIES = st.dictionaries(st.sampled_from(MEMBERS), ODD, max_size=6) | st.fixed_dictionaries(
    {"contents": st.lists(st.dictionaries(st.sampled_from(MEMBERS), ODD, max_size=4), min_size=1, max_size=3)},
    optional=dict.fromkeys(("generationConfig", "tools", "toolConfig", "systemInstruction"), ODD),
)


@given(BODIES)
@example({"contents": [HI], "generationConfig": {"topK": "1e999"}})
@settings(max_examples=600, deadline=None)
def test_nonsense_raises_nothing_but_that_it_cannot_be_translated(body):
    try:
        heard = read_request(msgspec.json.encode(body), path=PATH)
    except Untranslatable as refused:
        assert refused.feature in ("body", "tool_results")
    else:
        assert heard.turns or heard.beyond
        for turn in heard.turns:
            assert turn.parts
            for each in turn.parts:
                assert not isinstance(each, ToolCall) or isinstance(msgspec.json.decode(each.arguments), dict)


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_raise_nothing_else(body):
    with pytest.raises(Untranslatable):
        read_request(body, path=PATH)


def test_one_alone_stands_for_a_list_and_a_number_for_a_name():
    told = {
        "contents": {"role": "user", "parts": {"text": "Hi"}},
        "tools": {"functionDeclarations": {"name": "f", "behavior": 1}},
        "toolConfig": {"functionCallingConfig": {"mode": 2, "allowedFunctionNames": "f"}},
        "generationConfig": {
            "stopSequences": "END",
            "responseModalities": 1,
            "thinkingConfig": {"thinkingBudget": "0"},
        },
    }
    plain = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
            "stopSequences": ["END"], "responseModalities": ["TEXT"], "thinkingConfig": {"thinkingBudget": 0},
        },
    }  # fmt: skip

    assert read(told) == read(plain)
    assert read(told).stop == ("END",)


@pytest.mark.parametrize("mode", [9, True, 1.5])
def test_a_number_that_stands_for_nothing_known_is_not_guessed_at(mode):
    body = {"contents": [HI], "toolConfig": {"functionCallingConfig": {"mode": mode}}}

    with pytest.raises(Untranslatable):
        read(body)
