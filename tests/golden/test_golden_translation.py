"""Calls said in another dialect, both ways: `translation/{caller}_by_{target}/{case}/` has what the caller sends
(`request.json`), what the provider is sent (`sent.json`), what it answers (`upstream.json`, `upstream.sse`), and what the
caller hears (`client.json`, `client.sse`)."""

import json
from pathlib import Path

import pytest

from core.money.usage import Usage
from core.wire.translation.answer import Identity
from core.wire.translation.translate import Translation, translated

FOLDER = Path(__file__).parent / "translation"
CASES = sorted(path.parent for path in FOLDER.glob("*/*/request.json"))
IDENTITY = Identity(request_id="req_1", created_at_s=1_795_478_400)
CALLERS = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic_messages", "gemini": "gemini"}
TARGETS = {
    "chat": ("openai", "gpt-4o-mini"),
    "responses": ("openai", "gpt-5-mini"),
    "messages": ("anthropic", "claude-haiku-4-5"),
}


def said(case: Path, *, is_streaming: bool) -> tuple[bytes, Translation]:
    caller, _, target = case.parent.name.partition("_by_")
    provider, model = TARGETS[target]
    method = "streamGenerateContent" if is_streaming else "generateContent"
    body = json.loads((case / "request.json").read_text())
    if caller != "gemini":
        body["stream"] = is_streaming
    sent, translation = translated(
        json.dumps(body).encode(),
        spoken=CALLERS[caller],
        path=f"v1beta/models/gemini-2.5-flash:{method}" if caller == "gemini" else "",
        provider=provider,
        model=model,
        output_tokens_default=1_000,
        user_key=b"key",
    )
    return sent, translation


def check(path: Path, actual: bytes, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-golden", default=False):
        path.write_bytes(actual)
    assert actual == path.read_bytes()


def pretty(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=1, ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_request_is_said_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    sent, _ = said(case, is_streaming=False)
    streamed, _ = said(case, is_streaming=True)

    check(case / "sent.json", pretty(sent), request)
    whole, in_pieces = ({**json.loads(body), "stream": None, "stream_options": None} for body in (sent, streamed))
    assert whole == in_pieces
    assert json.loads(streamed)["stream"] is True


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_an_answer_is_said_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    _, translation = said(case, is_streaming=False)

    check(case / "client.json", pretty(translation.answer((case / "upstream.json").read_bytes(), IDENTITY)), request)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_stream_is_said_as_reviewed_however_it_is_cut(case: Path, request: pytest.FixtureRequest) -> None:
    _, translation = said(case, is_streaming=True)
    events = (case / "upstream.sse").read_bytes()

    def told(size: int) -> bytes:
        stream = translation.stream(IDENTITY, input_usage=Usage(input_tokens=9), is_sse=True)
        parts = [stream.feed(events[at : at + size]) for at in range(0, len(events), size)]
        return b"".join([*parts, stream.finish(), stream.ended()])

    check(case / "client.sse", told(len(events)), request)
    assert told(1) == told(len(events))
