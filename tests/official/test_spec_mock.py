"""The mock of a provider's whole API: what it reads from a client, and what it answers."""

import re
from typing import Literal, Optional, Union

import pytest
from groq.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from tests.edge.sdk_routes import routes_of_clients
from tests.official.answers import COUNTS, events, example, joined
from tests.official.spec import operations
from tests.official.spec_mock import app


class Branch(BaseModel):
    name: str
    kind: Literal["leaf", "fork"]
    left_out: str | None = None
    kept: dict[str, str] = Field(default_factory=dict)
    usage: Optional["Usage"] = None
    branches: list["Branch"]
    parent: Union["Branch", str]


class Usage(BaseModel):
    input_tokens: int
    cached_tokens: int


def test_an_example_has_what_is_required_no_more_and_ends_where_a_type_holds_itself() -> None:
    assert example(Branch) == {
        "name": "string",
        "kind": "leaf",
        "kept": {},
        "usage": {"input_tokens": COUNTS["input_tokens"], "cached_tokens": 0},
        "branches": [],
        "parent": "string",
    }


@pytest.mark.parametrize("kind", [ChatCompletion, Response])
def test_an_example_of_an_answer_is_valid_and_has_a_usage(kind: type[BaseModel]) -> None:
    answer = kind.model_validate(example(kind), strict=True)

    assert answer.usage.total_tokens == COUNTS["total_tokens"]


def test_a_stream_of_many_kinds_of_events_is_one_that_has_ended() -> None:
    assert [event["type"] for event in events(ResponseStreamEvent)] == ["response.created", "response.completed"]


def test_an_answer_that_is_read_in_two_ways_has_what_both_need() -> None:
    assert joined({"a": 1, "of": [{"b": 2}]}, {"a": 3, "of": [{"c": 4}]}) == {"a": 1, "of": [{"b": 2, "c": 4}]}


def test_every_route_of_a_client_is_there() -> None:
    known = {(each.method, re.sub(r"{\w+}", "x", each.path.removeprefix("/openai/v1"))) for each in operations("groq")}

    assert known == {(method, path) for provider, method, path in routes_of_clients() if provider == "groq"}


def test_it_answers_in_json_in_a_stream_and_in_bytes() -> None:
    with TestClient(app("groq")) as client:
        chat = client.post("/openai/v1/chat/completions", json={})
        stream = client.post("/openai/v1/chat/completions", json={"stream": True})
        speech = client.post("/openai/v1/audio/speech", json={})

        assert chat.json()["usage"]["completion_tokens"] == COUNTS["completion_tokens"]
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.text.endswith("data: [DONE]\n\n")
        assert speech.content == b"binary"
        assert client.get("/openai/v1/nowhere").status_code == 404
