"""Chat streams, heard as providers send them, odd ones above all."""

import pytest

from core.money.usage import Usage
from core.wire.sse import SSEEvent
from core.wire.translation.answer import (
    Began,
    Called,
    Counted,
    End,
    Failed,
    Finished,
    Heard,
    ProviderError,
    Said,
    Stopped,
    Thought,
)
from tests.core.wire.translation.chat.streams import (
    DONE,
    blocks_in,
    call,
    calling,
    chunk,
    data,
    final_completion,
    heard_in,
    told_of,
    written,
)

ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk(finish="stop")
CALLS = chunk(finish="tool_calls")
COUNTS = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
USAGE = Usage(input_tokens=9, output_tokens=4)
ALONE = data({"model": "gpt-5.5", "choices": [], "usage": COUNTS})
BEGAN = Began("gpt-5.5")


def test_thinking_text_and_refusals_are_heard_where_each_provider_has_them() -> None:
    deltas = [{"reasoning_content": "H"}, {"reasoning": "m"}, {"content": "A"}, {"refusal": "No."}]

    heard = heard_in([ROLE, *map(chunk, deltas), STOP, DONE])

    assert heard == [BEGAN, Thought("H"), Thought("m"), Said("A"), Said("No."), Stopped("refusal"), Finished()]


USAGES: dict[str, tuple[list[SSEEvent], list[Heard]]] = {
    "alone, after the reason": ([STOP, ALONE, DONE], [Stopped("end"), Counted(USAGE), Finished()]),
    "alone, and no last word": ([STOP, ALONE], [Stopped("end"), Counted(USAGE), Finished()]),
    "with the reason": ([chunk(finish="stop", usage=COUNTS), DONE], [Stopped("end"), Counted(USAGE), Finished()]),
    "before the reason": ([ALONE, STOP, DONE], [Counted(USAGE), Stopped("end"), Finished()]),
    "in Groq's place": ([chunk(finish="stop", x_groq={"id": "r", "usage": COUNTS}), DONE], [Stopped("end"), Counted(USAGE), Finished()]),
    "in every chunk": (
        [chunk({"content": "B"}, usage={"prompt_tokens": 9, "completion_tokens": 1}), chunk(finish="stop", usage=COUNTS), DONE],
        [Said("B"), Counted(Usage(input_tokens=9, output_tokens=1)), Stopped("end"), Counted(USAGE), Finished()],
    ),
    "zero": (
        [chunk(finish="stop", usage={"prompt_tokens": 0, "completion_tokens": 0}), DONE], [Stopped("end"), Counted(Usage()), Finished()],
    ),
    "never": ([STOP, DONE], [Stopped("end"), Finished()]),
    "never, and no reason": ([DONE], [Finished()]),
}  # fmt: skip


@pytest.mark.parametrize(("events", "heard"), USAGES.values(), ids=USAGES.keys())
def test_a_usage_is_heard_wherever_it_stands(events: list[SSEEvent], heard: list[Heard]) -> None:
    assert heard_in([chunk({"content": "A"}), *events]) == [BEGAN, Said("A"), *heard]

    told = told_of(heard_in([chunk({"content": "A"}), *events]))

    assert sum(isinstance(step, End) for step in told) == 1 and isinstance(told[-1], End)


STOPS = [
    ("stop", "end"), ("length", "length"), ("tool_calls", "end"), ("content_filter", "refusal"),
    ("content_filter: PROHIBITED_CONTENT", "refusal"), ("SAFETY", "refusal"), ("who knows", "end"),
]  # fmt: skip


@pytest.mark.parametrize(("finish", "stop"), STOPS)
def test_why_a_stream_ended_is_heard(finish: str, stop: str) -> None:
    told = told_of(heard_in([chunk({"content": "A"}), chunk(finish=finish), DONE]))

    assert isinstance(told[-1], End) and told[-1].stop == stop


A, B = '{"city":"Paris"}', '{"city":"Rome"}'
CALL_STREAMS: dict[str, tuple[list[SSEEvent], list[tuple[str, str]]]] = {
    "as it is specified": (
        [
            calling(call(index=0, id="a", type="function", name="f", arguments="")),
            calling(call(index=0, arguments='{"city":')), calling(call(index=0, arguments='"Paris"}')),
            calling(call(index=1, id="b", type="function", name="g", arguments="")), calling(call(index=1, arguments=B)),
        ],
        [("a f", A), ("b g", B)],
    ),
    "arguments in the opening chunk": ([calling(call(index=0, id="a", name="f", arguments=A))], [("a f", A)]),
    "arguments that begin in the opening chunk": (
        [calling(call(index=0, id="a", name="f", arguments='{"city":')), calling(call(index=0, arguments='"Paris"}'))],
        [("a f", A)],
    ),
    "in turns": (
        [
            calling(call(index=0, id="a", name="f", arguments="")), calling(call(index=1, id="b", name="f", arguments="")),
            calling(call(index=0, arguments='{"city":')), calling(call(index=1, arguments='{"city":')),
            calling(call(index=0, arguments='"Paris"}')), calling(call(index=1, arguments='"Rome"}')),
        ],
        [("a f", A), ("b f", B)],
    ),
    "no index": (
        [
            calling(call(id="a", name="f", arguments="")), calling(call(arguments='{"city":')), calling(call(arguments='"Paris"}')),
            calling(call(id="b", name="f", arguments='{"city":')), calling(call(arguments='"Rome"}')),
        ],
        [("a f", A), ("b f", B)],
    ),
    "no index and no id": (
        [calling(call(name="f", arguments=A)), calling(call(name="f", arguments=B))], [("call_0 f", A), ("call_1 f", B)],
    ),
    "two in one chunk without an index": (
        [calling(call(id="a", name="f", arguments=A), call(id="b", name="f", arguments=B))], [("a f", A), ("b f", B)],
    ),
    "the index always 0": (
        [calling(call(index=0, id="a", name="f", arguments=A)), calling(call(index=0, id="b", name="f", arguments=B))],
        [("a f", A), ("b f", B)],
    ),
    "the index always 0, in pieces": (
        [
            calling(call(index=0, id="a", name="f", arguments='{"city":')), calling(call(index=0, arguments='"Paris"}')),
            calling(call(index=0, id="b", name="f", arguments='{"city":')), calling(call(index=0, arguments='"Rome"}')),
        ],
        [("a f", A), ("b f", B)],
    ),
    "the index always 0 and no id, one tool twice": (
        [calling(call(index=0, id="", name="f", arguments=A)), calling(call(index=0, id="", name="f", arguments=B))],
        [("call_0 f", A), ("call_1 f", B)],
    ),
    "the index always 0 and no id, two tools without arguments": (
        [calling(call(index=0, name="f", arguments="")), calling(call(index=0, name="g", arguments=""))],
        [("call_0 f", "{}"), ("call_1 g", "{}")],
    ),
    "the index always 0, by their ids in turns": (
        [
            calling(call(index=0, id="a", name="f", arguments="")), calling(call(index=0, id="b", name="f", arguments="")),
            calling(call(index=0, id="a", arguments=A)), calling(call(index=0, id="b", arguments=B)),
        ],
        [("a f", A), ("b f", B)],
    ),
    "the id in every delta": (
        [
            calling(call(index=0, id="a", name="f", arguments="")), calling(call(index=0, id="a", arguments='{"city":')),
            calling(call(index=0, id="a", arguments='"Paris"}')),
        ],
        [("a f", A)],
    ),
    "the id and the name in every delta": (
        [
            calling(call(index=0, id="a", name="f", arguments='{"city":')), calling(call(index=0, id="a", name="f", arguments='"Paris"}')),
            calling(call(index=0, id="a", name="f", arguments="")),
        ],
        [("a f", A)],
    ),
    "another id in every delta": (
        [
            calling(call(index=0, id="a", name="f", arguments="")), calling(call(index=0, id="b", arguments='{"city":')),
            calling(call(index=0, id="c", arguments='"Paris"}')), calling(call(index=1, id="d", name="f", arguments=B)),
        ],
        [("a f", A), ("d f", B)],
    ),
    "one id for two calls": (
        [calling(call(index=0, id="a", name="f", arguments=A)), calling(call(index=1, id="a", name="f", arguments=B))],
        [("a f", A), ("a_2 f", B)],
    ),
    "one id for two calls, in pieces": (
        [
            calling(call(index=0, id="a", name="f", arguments='{"city":')), calling(call(index=1, id="a", name="f", arguments="")),
            calling(call(index=0, arguments='"Paris"}')), calling(call(index=1, arguments=B)),
        ],
        [("a f", A), ("a_2 f", B)],
    ),
    "one id for two calls at one index": (
        [calling(call(index=0, id="a", name="f", arguments=A)), calling(call(index=0, id="a", name="f", arguments=B))],
        [("a f", A), ("a_2 f", B)],
    ),
    "indexes with a gap": (
        [calling(call(index=2, id="a", name="f", arguments=A)), calling(call(index=7, id="b", name="f", arguments=B))],
        [("a f", A), ("b f", B)],
    ),
    "the index as a text": (
        [calling(call(index="0", id="a", name="f", arguments='{"city":')), calling(call(index=0, arguments='"Paris"}'))], [("a f", A)],
    ),
    "an id before the name": (
        [calling(call(index=0, id="a")), calling(call(index=0, arguments='{"city":')), calling(call(index=0, name="f", arguments='"Paris"}'))],
        [("a f", A)],
    ),
    "no name ever": ([chunk({"content": "A"}), calling(call(index=0, id="a", arguments=A))], [("text", "A")]),
    "no arguments": ([calling(call(index=0, id="a", name="f", arguments=""))], [("a f", "{}")]),
    "arguments as an object": ([calling(call(index=0, id="a", name="f", arguments={"city": "Paris"}))], [("a f", A)]),
    "empty deltas around": (
        [
            chunk({"content": "A", "tool_calls": []}), calling(call(index=0, id="a", name="f", arguments="")),
            chunk({"content": "", "tool_calls": []}), chunk({"content": None, "reasoning_content": ""}),
            calling(call(index=0, arguments=A)), chunk({}),
        ],
        [("text", "A"), ("a f", A)],
    ),
    "text amid the arguments": (
        [
            calling(call(index=0, id="a", name="f", arguments='{"city":')), chunk({"content": "B"}),
            calling(call(index=0, arguments='"Paris"}')),
        ],
        [("a f", A), ("text", "B")],
    ),
    "the old way": (
        [
            chunk({"function_call": {"name": "f", "arguments": ""}}), chunk({"function_call": {"arguments": '{"city":'}}),
            chunk({"function_call": {"arguments": '"Paris"}'}}),
        ],
        [("call_0 f", A)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("finish", [CALLS, STOP], ids=["tool_calls", "stop"])
@pytest.mark.parametrize(("events", "blocks"), CALL_STREAMS.values(), ids=CALL_STREAMS.keys())
def test_calls_are_told_from_each_other(
    events: list[SSEEvent], blocks: list[tuple[str, str]], finish: SSEEvent
) -> None:
    told = told_of(heard_in([ROLE, *events, finish, DONE]))

    assert blocks_in(told) == blocks
    has_called = any(what != "text" for what, _ in blocks)
    assert isinstance(told[-1], End) and told[-1].stop == ("tool_calls" if has_called else "end")


@pytest.mark.parametrize(("events", "blocks"), CALL_STREAMS.values(), ids=CALL_STREAMS.keys())
def test_the_official_client_has_the_same_calls(events: list[SSEEvent], blocks: list[tuple[str, str]]) -> None:
    completion = final_completion(written(told_of(heard_in([ROLE, *events, STOP, DONE]))))

    calls = completion.choices[0].message.tool_calls or []
    told = [(f"{each.id} {each.function.name}", each.function.arguments) for each in calls if each.type == "function"]
    assert told == [block for block in blocks if block[0] != "text"]


def test_a_stop_before_its_call_ends_in_the_call() -> None:
    told = told_of(heard_in([STOP, calling(call(index=0, id="a", name="f", arguments=A)), DONE]))

    assert isinstance(told[-1], End) and told[-1].stop == "tool_calls"


def test_gemini_s_signature_passes_to_the_caller() -> None:
    signature = {"google": {"thought_signature": "sig"}}
    events = [calling(call(index=0, id="a", name="f", arguments=A, extra_content=signature)), STOP, DONE]

    [message] = [choice.message for choice in final_completion(written(told_of(heard_in(events)))).choices]

    assert message.to_dict()["tool_calls"][0]["extra_content"] == signature  # type: ignore[index]


def test_a_signature_that_comes_before_its_call_s_name_is_the_call_s() -> None:
    signature = {"google": {"thought_signature": "sig"}}
    early = calling(call(index=0, id="a", extra_content=signature))

    heard = heard_in([early, calling(call(index=0, name="f", arguments=A)), STOP, DONE])

    assert Called("0", "a", "f", "sig") in heard


def test_only_the_first_choice_is_heard() -> None:
    other = [chunk({"content": "no"}, index=1), chunk(finish="length", index=1)]

    assert heard_in([chunk({"content": "A"}), *other, STOP, DONE]) == [BEGAN, Said("A"), Stopped("end"), Finished()]


FAILURES: dict[str, tuple[SSEEvent, ProviderError]] = {
    "an error object": (
        data({"error": {"message": "Oops", "type": "server_error", "code": None}}),
        ProviderError(kind="api", status=500, message="Oops", code="server_error"),
    ),
    "an error with a code": (
        data({"error": {"message": "Slow down", "type": "tokens", "code": "rate_limit_exceeded"}}),
        ProviderError(kind="rate_limit", status=429, message="Slow down", code="rate_limit_exceeded"),
    ),
    "an error in a chunk": (
        chunk({"content": "B"}, error={"message": "Oops", "code": 503}),
        ProviderError(kind="overloaded", status=503, message="Oops", code="503"),
    ),
    "Gemini's list of one": (
        data([{"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}]),
        ProviderError(kind="rate_limit", status=429, message="Slow down", code="429"),
    ),
    "Groq's aside": (
        data({"choices": [], "x_groq": {"id": "r", "error": "Tool use failed"}}),
        ProviderError(kind="api", status=500, message="Tool use failed", code="api_error"),
    ),
    "an event of that name": (
        SSEEvent(b"", b'{"message":"Oops","type":"overloaded_error"}', "error"),
        ProviderError(kind="overloaded", status=529, message="Oops", code="overloaded_error"),
    ),
    "an event of that name that is no JSON": (
        SSEEvent(b"", b"upstream broke", "error"),
        ProviderError(kind="api", status=500, message="the provider answered with status 500"),
    ),
    "a call that the model got wrong": (
        chunk(finish="function_call_filter: MALFORMED_FUNCTION_CALL"),
        ProviderError(
            kind="api", status=502, message="the model made a tool call that cannot be read", code="malformed_function_call",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("event", "error"), FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("before", [[], [ROLE], [ROLE, chunk({"content": "A"})]], ids=["first", "prelude", "content"])
def test_an_error_is_heard_as_the_last_word(before: list[SSEEvent], event: SSEEvent, error: ProviderError) -> None:
    heard = heard_in([*before, event, chunk({"content": "C"}), ALONE, DONE])

    assert heard[-1] == Failed(error)
    assert sum(isinstance(each, Failed | Finished) for each in heard) == 1


def test_nothing_is_heard_after_an_error_in_the_same_chunk() -> None:
    wrong = {"index": 0, "finish_reason": "MALFORMED_FUNCTION_CALL"}
    late = {"index": 0, "delta": {"content": "B"}}

    heard = heard_in([data({"choices": [wrong, late], "usage": COUNTS})])

    assert len(heard) == 1 and isinstance(heard[0], Failed)


def test_a_broken_line_ends_nothing() -> None:
    good = [chunk({"content": "A"}) for _ in range(60)]
    broken = [SSEEvent(b"", text) for text in (b'{"choices":[{"de', b"7", b"[1]", b"null", b"[" * 9_000)]
    comment = SSEEvent(b": ping\n\n", None)

    heard = heard_in([*good[:30], *broken, comment, *good[30:], STOP, DONE])

    assert heard == [BEGAN, *[Said("A")] * 60, Stopped("end"), Finished()]


def test_a_cut_stream_has_no_end() -> None:
    heard = heard_in([ROLE, chunk({"content": "A"})])

    assert not any(isinstance(each, Finished | Failed) for each in heard)
