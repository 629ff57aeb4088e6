"""When a stream is over: providers say so early, late, or in every event, and a cut is told in each case."""

import msgspec
import pytest

from tests.core.wire.streams.builders import (
    OUTPUT_NANOUSD,
    PROMPT_NANOUSD,
    REFUSAL,
    REQUEST_ID,
    a_meter,
    grants_all,
    play,
    refuses,
    sse,
)


def chat(content: str, *, finish: str | None = "stop", index: int = 0) -> bytes:
    delta = {"content": content} if content else {}
    return sse({"id": "c", "model": "m", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})


def gemini(text: str, *, finish: object = "STOP", **more: object) -> bytes:
    content = {"content": {"parts": [{"text": text}]}} if text else {}
    ending = {} if finish is None else {"finishReason": finish}
    return sse({"candidates": [{"index": 0, **content, **ending, **more}]})


def message_delta(stop_reason: str | None) -> bytes:
    return sse({"type": "message_delta", "delta": {"stop_reason": stop_reason}})


def anthropic(text: str) -> bytes:
    block = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return sse(block) + message_delta("end_turn")


def responses(text: str) -> bytes:
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}
    return sse(delta) + sse({"type": "response.completed", "response": {"status": "completed"}})


EVERY_EVENT_ENDS = {
    "openai_chat": chat(" word"),
    "openai_completions": sse({"choices": [{"index": 0, "text": " word", "finish_reason": "length"}]}),
    "gemini": gemini(" word"),
    "anthropic_messages": anthropic(" word"),
    "openai_responses": responses(" word"),
}


SOFTLY = {"openai_chat": b'"length"', "openai_completions": b'"length"', "gemini": b"MAX_TOKENS"}
"""The others cannot be ended softly before they have begun."""


@pytest.mark.parametrize("is_soft", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("dialect", EVERY_EVENT_ENDS)
def test_a_cut_is_told_although_every_event_says_that_it_is_the_last(dialect: str, is_soft: bool) -> None:
    event = EVERY_EVENT_ENDS[dialect]
    meter = a_meter(dialect, granted_nanousd=PROMPT_NANOUSD + 12 * OUTPUT_NANOUSD, slice_tokens=12)

    played = play(meter, [event] * 60, refuses)
    ending = meter.render_cut(REFUSAL, REQUEST_ID, is_soft=is_soft)

    assert played.is_cut
    assert 0 < len(played.forwarded) < len(event) * 30
    assert (SOFTLY.get(dialect, b"answer_cut") if is_soft else b"answer_cut") in ending


@pytest.mark.parametrize("dialect", EVERY_EVENT_ENDS)
def test_a_stream_whose_every_event_says_so_is_over_when_it_closes(dialect: str) -> None:
    played = play(a_meter(dialect), [EVERY_EVENT_ENDS[dialect]] * 5, grants_all)

    assert played.forwarded == EVERY_EVENT_ENDS[dialect] * 5
    assert not played.result.is_truncated


USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}
AFTER_THE_END = {
    "Gemini's grounding": ("gemini", gemini("", finish=None, groundingMetadata={"webSearchQueries": ["caps"]})),
    "Gemini's usage": ("gemini", sse({"usageMetadata": USAGE})),
    "Gemini's usage beside a candidate": ("gemini", sse({"candidates": [{"index": 0}], "usageMetadata": USAGE})),
    "Gemini's signature": (
        "gemini",
        sse({"candidates": [{"content": {"parts": [{"text": "", "thoughtSignature": "Ab"}]}, "index": 0}]}),
    ),
    "an empty delta": ("openai_chat", chat("", finish=None)),
    "usage": ("openai_chat", sse({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})),
    "usage beside a choice": (
        "openai_chat",
        sse({"choices": [{"index": 0, "delta": {}}], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
    ),
    "a ping": ("anthropic_messages", sse({"type": "ping"})),
}


@pytest.mark.parametrize(("dialect", "after"), AFTER_THE_END.values(), ids=AFTER_THE_END)
def test_what_comes_after_the_end_passes_and_the_end_stands(dialect: str, after: bytes) -> None:
    stream = EVERY_EVENT_ENDS[dialect] + after
    meter = a_meter(dialect)

    played = play(meter, [stream], grants_all)

    assert played.forwarded == stream
    assert not played.result.is_truncated


def test_usage_after_the_end_is_the_final_count() -> None:
    played = play(a_meter("gemini"), [gemini("Hi"), sse({"usageMetadata": USAGE})], grants_all)

    assert played.result.is_provider_usage
    assert played.result.usage.total_tokens == 9


REOPENED = {
    "openai_chat": chat(" word") + chat(" more", finish=None),
    "gemini": gemini(" word") + gemini(" more", finish=None),
    "anthropic_messages": anthropic(" word")
    + sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " more"}}),
    "openai_responses": responses(" word") + sse({"type": "response.output_text.delta", "delta": " more"}),
}


@pytest.mark.parametrize("dialect", REOPENED)
def test_output_after_the_end_opens_the_stream_again(dialect: str) -> None:
    meter = a_meter(dialect)

    played = play(meter, [REOPENED[dialect]], grants_all)

    assert played.result.is_truncated
    assert meter.render_cut(REFUSAL, REQUEST_ID, is_soft=False)


def test_a_choice_that_has_ended_is_not_ended_again_by_a_soft_cut() -> None:
    words = [chat("a"), *[chat(" b", finish=None, index=1)] * 50]
    meter = a_meter(granted_nanousd=PROMPT_NANOUSD + 12 * OUTPUT_NANOUSD)

    assert play(meter, words, refuses).is_cut
    ending = msgspec.json.decode(meter.render_cut(REFUSAL, REQUEST_ID, is_soft=True).split(b"\n")[0][6:])

    assert [choice["index"] for choice in ending["choices"]] == [1]


ODD_RESPONSES = [b'"note":"h\xffllo"', b'"note":"\\ud83d"', b'"created_at":1e400', b'"meta":{"a":1,\ndata: "b":2}']


@pytest.mark.parametrize("odd", ODD_RESPONSES)
def test_a_soft_cut_of_a_response_keeps_what_is_odd_in_it_on_one_line(odd: bytes) -> None:
    created = b'data: {"type":"response.created","response":{"id":"resp_1",%b}}\n\n' % odd
    item = b'data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message",%b}}\n\n' % odd
    words = [sse({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": " a"})] * 60
    meter = a_meter("openai_responses", granted_nanousd=PROMPT_NANOUSD + 12 * OUTPUT_NANOUSD)

    assert play(meter, [created, item, *words], refuses).is_cut
    *events, rest = meter.render_cut(REFUSAL, REQUEST_ID, is_soft=True).split(b"\n\n")

    assert rest == b"" and all(len(event.split(b"\n")) == 2 for event in events)
    assert events[-1].startswith(b"event: response.incomplete\n") and b"resp_1" in events[-1]


def test_a_brace_too_many_does_not_hide_the_rest_of_an_array() -> None:
    parts = [b'[{"candidates":[]}', b"}", gemini("Hi")[6:].strip()]

    played = play(a_meter("gemini"), [b",".join(parts)], grants_all)

    assert played.forwarded == b",".join(parts)
    assert not played.result.is_truncated


@pytest.mark.parametrize("reason", [1, "STOP", "\ufffd"])
def test_a_reason_of_any_kind_ends_a_stream(reason: object) -> None:
    played = play(a_meter("gemini"), [gemini("Hi", finish=reason)], grants_all)

    assert (played.result.is_truncated, played.result.finish_reason) == (False, str(reason))
