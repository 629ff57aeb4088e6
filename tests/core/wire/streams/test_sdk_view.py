"""What the official clients make of a stream that is cut, at every point where it can be.

The tables record it: with the hard form each client raises, with the soft form each ends on its own truncation
reason. With neither, every one of them takes a stream that broke off for a complete answer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import groq
import openai
import pytest
from google.genai import errors as genai_errors

from core.refusals import UpstreamTruncated
from tests.core.wire.streams import sdk_clients
from tests.core.wire.streams.builders import CASES, REFUSAL, REQUEST_ID, a_meter, hold_for, play, refuses
from tests.core.wire.streams.sdk_clients import View, Viewer

VIEWERS: dict[str, tuple[str, Viewer]] = {
    "openai chat": ("openai_chat", sdk_clients.openai_chat),
    "groq chat": ("openai_chat", sdk_clients.groq_chat),
    "openai completions": ("openai_completions", sdk_clients.openai_completions),
    "openai responses": ("openai_responses", sdk_clients.openai_responses),
    "anthropic": ("anthropic_messages", sdk_clients.anthropic_messages),
    "google-genai": ("gemini", sdk_clients.gemini),
}
CODE_OF: dict[str, Callable[[Any], object]] = {
    "openai chat": lambda error: error.code,
    "groq chat": lambda error: error.body["code"],
    "openai completions": lambda error: error.code,
    "openai responses": lambda error: error.code,
    "anthropic": lambda error: error.body["error"]["code"],
    "google-genai": lambda error: error.details["error"]["details"][0]["reason"],
}
RAISED: dict[str, type[Exception]] = {
    "openai chat": openai.APIError,
    "groq chat": groq.APIError,
    "openai completions": openai.APIError,
    "openai responses": openai.APIError,
    "anthropic": anthropic.APIStatusError,
    "google-genai": genai_errors.ClientError,
}
TRUNCATION_REASON = {
    "openai chat": "length",
    "groq chat": "length",
    "openai completions": "length",
    "openai responses": "max_output_tokens",
    "anthropic": "max_tokens",
    "google-genai": "MAX_TOKENS",
}

Cut = tuple[bytes, bytes]


def cases_of(dialect: str) -> list[Path]:
    """All but the JSON array, which no official client reads."""
    return [case for case in CASES if case.parent.name == dialect and case.name != "json_array"]


def cuts(case: Path, *, is_soft: bool) -> set[bytes]:
    """The streams a client may get when the money ends after any number of tokens."""
    streams = set()
    upstream = (case / "upstream.sse").read_bytes()
    for output_tokens in range(40):
        meter = a_meter(case.parent.name, granted_nanousd=hold_for(case, output_tokens=output_tokens))
        played = play(meter, [upstream], refuses)
        if played.is_cut:
            ending = meter.render_cut(REFUSAL, REQUEST_ID, is_soft=is_soft)
            streams.add(played.forwarded + ending)
    return streams


@pytest.mark.parametrize("client", VIEWERS)
def test_a_hard_cut_raises_wherever_it_falls(client: str) -> None:
    dialect, viewer = VIEWERS[client]
    views = [viewer([stream]) for case in cases_of(dialect) for stream in cuts(case, is_soft=False)]

    assert len(views) > 3
    assert {type(view.raised) for view in views} == {RAISED[client]}
    assert {CODE_OF[client](view.raised) for view in views} == {"answer_cut"}
    assert all("the answer was cut after 20 tokens" in str(view.raised) for view in views)


@pytest.mark.parametrize("client", VIEWERS)
def test_a_soft_cut_ends_with_a_truncation_reason_wherever_it_falls(client: str) -> None:
    dialect, viewer = VIEWERS[client]
    views = [viewer([stream]) for case in cases_of(dialect) for stream in cuts(case, is_soft=True)]

    assert len(views) > 3
    assert [view.raised for view in views if view.raised] == []
    assert {view.finish_reason for view in views} == {TRUNCATION_REASON[client]}


@pytest.mark.parametrize("client", VIEWERS)
def test_what_a_client_reads_of_a_cut_stream_is_how_the_answer_begins(client: str) -> None:
    dialect, viewer = VIEWERS[client]
    for case in cases_of(dialect):
        whole = viewer([(case / "upstream.sse").read_bytes()])
        for stream in cuts(case, is_soft=True):
            assert whole.text.startswith(viewer([stream]).text)


@pytest.mark.parametrize("client", [client for client in VIEWERS if client != "openai completions"])
def test_an_upstream_that_breaks_off_raises_instead_of_passing_for_an_end(client: str) -> None:
    dialect, viewer = VIEWERS[client]
    upstream = (cases_of(dialect)[0].parent / "truncated" / "upstream.sse").read_bytes()
    meter = a_meter(dialect, is_full=True)
    played = play(meter, [upstream], refuses)
    notice = meter.render_cut(UpstreamTruncated("the stream broke off"), REQUEST_ID, is_soft=False)

    told, untold = viewer([played.forwarded + notice]), viewer([played.forwarded])

    assert played.result.is_truncated
    assert "broke off" in str(told.raised)
    assert untold.raised is None, "the client notices by itself now: say so in the table above"


@pytest.mark.parametrize("client", VIEWERS)
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_stream_that_is_not_cut_is_read_whole(client: str, size: int) -> None:
    dialect, viewer = VIEWERS[client]
    for case in cases_of(dialect):
        upstream = (case / "upstream.sse").read_bytes()
        meter = a_meter(dialect, is_full=True, strips_usage=True)
        chunks = [upstream[start : start + size] for start in range(0, len(upstream), size)]

        assert same(viewer([play(meter, chunks, refuses).forwarded]), viewer([upstream]), case)


def same(ours: View, theirs: View, case: Path) -> bool:
    """A fragment of a truncated stream is not passed on; all else is."""
    if case.name == "truncated":
        return theirs.text.startswith(ours.text)
    return (ours.text, ours.finish_reason, type(ours.raised)) == (
        theirs.text,
        theirs.finish_reason,
        type(theirs.raised),
    )


def test_partial_text_of_a_soft_cut_is_in_the_final_response() -> None:
    case = next(case for case in cases_of("openai_responses") if case.name == "message")

    for stream in cuts(case, is_soft=True):
        view = sdk_clients.openai_responses([stream])
        texts = [part.text for item in view.output for part in item.content]
        assert "".join(texts) == view.text
