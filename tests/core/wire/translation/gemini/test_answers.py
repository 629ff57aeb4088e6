"""Answers and streams as the official client reads them: whole, as server-sent events, and as a JSON array."""

import httpx
import msgspec
import pytest
from google.genai import errors, types
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.dialects import DIALECTS
from core.wire.dialects.gemini_usage import read_gemini_usage
from core.wire.sse import SSEParser
from core.wire.streams.gemini_framing import GeminiSplitter
from core.wire.translation.answer import (
    Answer,
    Argued,
    Began,
    Break,
    CallDone,
    Called,
    Counted,
    Failed,
    Finished,
    Heard,
    Identity,
    ProviderError,
    Said,
    Stopped,
    Thought,
)
from core.wire.translation.conversation import Text, Thinking, ToolCall, ToolResult
from core.wire.translation.fitting.history import FOREIGN_CALL
from core.wire.translation.gemini.answer_writer import write_answer
from core.wire.translation.gemini.request_reader import read_request
from core.wire.translation.gemini.stream_writer import StreamTelling
from core.wire.translation.gemini.usage_writer import usage_object
from core.wire.translation.sequence import Sequence
from tests.core.wire.translation.gemini.requests import client

ME = Identity(request_id="req_1", created_at_s=1_700_000_000)
USAGE = Usage(input_tokens=80, cached_input_tokens=20, output_tokens=9, reasoning_tokens=5)
ANSWER = Answer(
    model="claude-opus-5",
    parts=(
        Thinking(text="Which city?", signature="of-anthropic", maker="anthropic"),
        Text(text="Let me look."),
        ToolCall(id="toolu_1", name="get_weather", arguments='{\n "city": "Paris"\n}'),
        ToolCall(id="toolu_2", name="get_time", arguments="{}"),
    ),
    stop="tool_calls",
    usage=USAGE,
)


def generated(body: bytes, status: int = 200) -> types.GenerateContentResponse:
    models = client(lambda _: httpx.Response(status, content=body)).models
    return models.generate_content(model="gemini-3-pro", contents="Hi")


def streamed(body: bytes) -> list[types.GenerateContentResponse]:
    headers = {"content-type": "text/event-stream"}
    models = client(lambda _: httpx.Response(200, headers=headers, content=body)).models
    return list(models.generate_content_stream(model="gemini-3-pro", contents="Hi"))


def parts_of(*answers: types.GenerateContentResponse) -> list[tuple[object, ...]]:
    """What the client has, the pieces of one text or thought put together."""
    parts: list[tuple[object, ...]] = []
    for part in [part for answer in answers for part in answer.candidates[0].content.parts]:
        if part.function_call is not None:
            call = part.function_call
            parts.append(("call", call.id, call.name, call.args, part.thought_signature))
        elif part.text:
            kind = "thought" if part.thought else "text"
            if parts and parts[-1][0] == kind:
                part.text = parts.pop()[1] + part.text
            parts.append((kind, part.text))
    return parts


# Whole ------------------------------------------------------------------------------------------------------------


def test_the_official_client_reads_an_answer_whole():
    answer = generated(write_answer(ANSWER, ME))

    signature = types.Part.model_validate({"thoughtSignature": FOREIGN_CALL}).thought_signature
    assert parts_of(answer) == [
        ("thought", "Which city?"),
        ("text", "Let me look."),
        ("call", "toolu_1", "get_weather", {"city": "Paris"}, signature),
        ("call", "toolu_2", "get_time", {}, None),
    ]
    assert answer.text == "Let me look."
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    assert (answer.model_version, answer.response_id) == ("claude-opus-5", "req_1")
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (100, 20)
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (9, 5, 114)


STOPS = [
    ("end", "STOP"), ("stop_sequence", "STOP"), ("tool_calls", "STOP"), ("length", "MAX_TOKENS"), ("refusal", "SAFETY")
]  # fmt: skip


@pytest.mark.parametrize(("stop", "reason"), STOPS)
def test_why_it_ended_is_said_in_gemini_s_words_whole_and_streamed(stop, reason):
    answer = Answer(model="m", parts=(Text(text="a"),), stop=stop)

    [whole, *streams] = [
        generated(write_answer(answer, ME)),
        streamed(told([Said("a"), Stopped(stop), Finished()]))[-1],
    ]

    assert {each.candidates[0].finish_reason.value for each in (whole, *streams)} == {reason}
    assert whole.usage_metadata is None


@pytest.mark.parametrize("parts", [(), (Text(text=""),), (Thinking(sealed="x", maker="openai"),)], ids=str)
def test_an_answer_that_says_nothing_has_one_empty_part(parts):
    answer = generated(write_answer(Answer(model="m", parts=parts, stop="refusal"), ME))

    assert [part.text for part in answer.candidates[0].content.parts] == [""]


def test_thoughts_stay_out_where_the_caller_did_not_ask_for_them():
    heard = [Thought("Which"), Said("Paris"), Finished()]

    whole = generated(write_answer(ANSWER, ME, shows_thinking=False))
    pieces = streamed(told(heard, shows_thinking=False))

    assert [part[0] for part in parts_of(whole)] == ["text", "call", "call"]
    assert parts_of(*pieces) == [("text", "Paris")]


def test_gemini_s_own_signatures_survive_and_no_other_s():
    parts = (
        Thinking(text="a", signature="YQ==", maker="gemini"),
        Thinking(text="b", signature="Yg==", maker="anthropic"),
        ToolCall(id="c", name="f", arguments="{}", signature="Yw=="),
    )

    [[own, other, call]] = [
        candidate.content.parts
        for candidate in generated(write_answer(Answer(model="m", parts=parts, stop="end"), ME)).candidates
    ]

    assert (own.thought_signature, other.thought_signature, call.thought_signature) == (b"a", None, b"c")


ARGUMENTS = [
    ("", {}),
    (" ", {}),
    ("{}", {}),
    ('{"a": [1, 2.5, "é"]}', {"a": [1, 2.5, "é"]}),
    ('{"a": 1', {"arguments": '{"a": 1'}),
    ("[1]", {"arguments": "[1]"}),
    ('{"a":' * 100 + "1" + "}" * 100, {"arguments": '{"a":' * 100 + "1" + "}" * 100}),
]


@pytest.mark.parametrize(("text", "arguments"), ARGUMENTS, ids=lambda value: str(value)[:20])
def test_whatever_the_arguments_are_the_call_is_there_and_has_an_object(text, arguments):
    call = ToolCall(id="", name="f", arguments=text)
    heard = [Called("0", "c", "f"), *([Argued("0", text)] if text else []), CallDone("0"), Finished()]

    whole = generated(write_answer(Answer(model="m", parts=(call,), stop="tool_calls"), ME))
    pieces = streamed(told(heard))

    assert [part[3] for part in parts_of(whole)] == [part[3] for part in parts_of(*pieces)] == [arguments]
    assert whole.function_calls[0].id is None


COUNTS = st.integers(0, 10_000)
NO_CACHE_WRITES = st.builds(
    Usage,
    input_tokens=COUNTS, cached_input_tokens=COUNTS, audio_input_tokens=COUNTS, cached_audio_input_tokens=COUNTS,
    image_input_tokens=COUNTS, video_input_tokens=COUNTS, output_tokens=COUNTS, reasoning_tokens=COUNTS,
    audio_output_tokens=COUNTS, image_output_tokens=COUNTS,
)  # fmt: skip


@given(NO_CACHE_WRITES)
def test_a_usage_is_read_again_as_it_was_written(usage):
    assert read_gemini_usage(msgspec.Raw(msgspec.json.encode(usage_object(usage)))) == usage


def test_what_was_written_to_a_cache_is_part_of_the_prompt():
    counted = usage_object(Usage(input_tokens=1, cache_write_5m_tokens=10, cache_write_1h_tokens=100, output_tokens=5))

    assert counted == {"promptTokenCount": 111, "candidatesTokenCount": 5, "totalTokenCount": 116}


# Streamed ---------------------------------------------------------------------------------------------------------


def told(heard: list[Heard], *, is_sse: bool = True, shows_thinking: bool = True) -> bytes:
    sequence, telling = Sequence(model="m"), StreamTelling(ME, is_sse=is_sse, shows_thinking=shows_thinking)
    return b"".join(telling.tell(step) for event in heard for step in sequence.hear(event))


HEARD = [
    Began("claude-opus-5", Usage(input_tokens=80, cached_input_tokens=20)),
    Thought("Which "),
    Thought("city?"),
    Said("Let me "),
    Said("look."),
    Called("a", "toolu_1", "get_weather"),
    Argued("a", '{\n "city"'),
    Argued("a", ': "Paris"\n}'),
    CallDone("a"),
    Called("b", "toolu_2", "get_time"),
    CallDone("b"),
    Stopped("tool_calls"),
    Counted(USAGE),
    Finished(),
]
INTERLEAVED = [
    Called("a", "toolu_1", "get_weather"),
    Called("b", "toolu_2", "get_time"),
    Argued("b", "{}"),
    Argued("a", '{"city":'),
    Argued("a", '"Paris"}'),
    Finished(),
]


def test_a_stream_comes_to_what_the_whole_answer_says():
    pieces = streamed(told(HEARD))
    whole = generated(write_answer(ANSWER, ME))

    assert parts_of(*pieces) == parts_of(whole)
    assert pieces[-1].usage_metadata == whole.usage_metadata
    assert pieces[-1].candidates[0].finish_reason == whole.candidates[0].finish_reason
    assert {piece.model_version for piece in pieces} == {"claude-opus-5"}
    assert {piece.response_id for piece in pieces} == {"req_1"}
    assert [piece.candidates[0].finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)


def test_calls_that_are_written_in_turns_come_whole_one_after_the_other():
    calls = [part[2:4] for part in parts_of(*streamed(told(INTERLEAVED)))]

    assert calls == [("get_weather", {"city": "Paris"}), ("get_time", {})]


def test_a_stream_is_the_same_as_a_json_array():
    array = told(HEARD, is_sse=False)

    events = [event for event in SSEParser().feed(told(HEARD)) if event.data]
    assert msgspec.json.decode(array) == [msgspec.json.decode(event.data) for event in events]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("is_sse", [True, False])
def test_our_own_reader_of_gemini_s_streams_splits_it_anywhere(is_sse, size):
    stream, splitter = told(HEARD, is_sse=is_sse), GeminiSplitter()

    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    events = [event for piece in pieces for event in splitter.feed(piece) if event.data]

    assert len(events) == len(streamed(told(HEARD)))
    assert splitter.is_array != is_sse
    rest = splitter.close()
    assert rest is None or (rest.data is None and rest.is_terminated)


ERROR = ProviderError(kind="overloaded", status=529, message="Overloaded", code="overloaded_error")
BREAKS = [
    ("at once", [Failed(ERROR)]),
    ("after the start", [Began("m"), Failed(ERROR)]),
    ("amid a text", [Said("Par"), Failed(ERROR)]),
    ("amid a call", [Said("Par"), Called("a", "1", "f"), Argued("a", '{"x'), Failed(ERROR)]),
]


@pytest.mark.parametrize("heard", [case[1] for case in BREAKS], ids=[case[0] for case in BREAKS])
def test_the_official_client_raises_on_a_stream_that_breaks_off(heard):
    with pytest.raises(errors.APIError) as raised:
        streamed(told(heard))

    assert (raised.value.code, raised.value.message, raised.value.status) == (529, "Overloaded", "UNAVAILABLE")


@pytest.mark.parametrize("heard", [case[1] for case in BREAKS], ids=[case[0] for case in BREAKS])
def test_an_array_that_breaks_off_is_closed_behind_the_error(heard):
    *pieces, last = msgspec.json.decode(told(heard, is_sse=False))

    assert last["error"]["message"] == "Overloaded"
    assert all("candidates" in piece for piece in pieces)
    assert "functionCall" not in str(pieces)


def test_our_own_refusal_ends_a_stream_and_nothing_follows_it():
    telling = StreamTelling(ME, is_sse=False)

    first, second = telling.broken(b'{\n"error": {"code": 402}\n}'), telling.broken(b'{"error":{}}')

    assert msgspec.json.decode(first) == [{"error": {"code": 402}}]
    assert (second, telling.tell(Break(ERROR))) == (b"", b"")


def test_nothing_follows_the_end():
    telling, sequence = StreamTelling(ME, is_sse=True), Sequence(model="m")
    for event in (Said("a"), Finished()):
        for step in sequence.hear(event):
            telling.tell(step)

    assert telling.broken(b'{"error":{}}') == b""


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
KEYS = st.sampled_from("abc")
EVENTS = st.lists(
    st.builds(Said, TEXTS) | st.builds(Thought, TEXTS) | st.builds(Called, KEYS, st.sampled_from(["", "i"]), TEXTS)
    | st.builds(Argued, KEYS, TEXTS | st.just("{}")) | st.builds(CallDone, KEYS) | st.just(Counted(USAGE)),
    max_size=14,
)  # fmt: skip


@given(EVENTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_order_of_events_is_a_stream_that_both_framings_carry(heard, is_broken):
    heard = [*heard, Failed(ERROR) if is_broken else Finished()]

    array = msgspec.json.decode(told(heard, is_sse=False))
    events = [msgspec.json.decode(event.data) for event in SSEParser().feed(told(heard)) if event.data]

    assert array == events
    assert ("error" in events[-1]) == is_broken
    for event in events[:-1]:
        [candidate] = types.GenerateContentResponse.model_validate(event).candidates
        assert len(candidate.content.parts) == 1
    if not is_broken:
        said = "".join(event.text for event in heard if isinstance(event, Said))
        assert said == "".join(
            part["text"]
            for event in events
            for part in event["candidates"][0]["content"]["parts"]
            if "text" in part and not part.get("thought")
        )


# The whole way ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_tool_is_called_and_its_result_comes_back(is_stream):
    heard = []

    def get_weather(city: str) -> dict[str, str]:
        """The weather of a city."""
        return {"weather": f"rain in {city}"}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/")
        DIALECTS["gemini"].parse_request(request.content, path=path)
        heard.append(read_request(request.content, path=path))
        if len(heard) == 1:
            call = ToolCall(id="toolu_1", name="get_weather", arguments='{"city":"Paris"}')
            whole = Answer(model="m", parts=(Text(text="One moment."), call), stop="tool_calls")
            events = [
                Said("One moment."),
                Called("a", "toolu_1", "get_weather"),
                Argued("a", call.arguments),
                Finished(),
            ]
        else:
            whole = Answer(model="m", parts=(Text(text="It rains."),), stop="end")
            events = [Said("It "), Said("rains."), Finished()]
        return httpx.Response(200, content=told(events) if is_stream else write_answer(whole, ME))

    models = client(answer).models
    config = types.GenerateContentConfig(tools=[get_weather])
    if is_stream:
        pieces = list(models.generate_content_stream(model="gemini-3-pro", contents="Weather?", config=config))
        text = "".join(piece.text or "" for piece in pieces)
        assert text == "One moment.It rains."
    else:
        assert models.generate_content(model="gemini-3-pro", contents="Weather?", config=config).text == "It rains."

    first, second = heard
    assert first.tools[0].name == "get_weather"
    assert first.tools[0].schema["properties"]["city"]["type"] == "string"
    assert [turn.role for turn in second.turns] == ["user", "assistant", "user"]
    assert second.turns[1].parts[-1] == ToolCall(id="toolu_1", name="get_weather", arguments='{"city":"Paris"}')
    assert second.turns[2].parts == (ToolResult(call_id="toolu_1", parts=(Text(text='{"weather":"rain in Paris"}'),)),)
    assert second.beyond == ()
