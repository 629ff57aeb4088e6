"""A mistake of ours anywhere beside a call leaves the user's call as it would be without us."""

from typing import Any

import pytest
from clients.conftest import HELLO
from clients.scripted_provider import Journal

from agentwatch.clients import client_watch, private_names, watch

CHAT = {"model": "gpt-asked", "messages": HELLO}

MISTAKES = [
    (client_watch, "risk_tags_of"),
    (client_watch.ClientWatch, "_changed"),
    (client_watch.ClientWatch, "returned"),
    (client_watch.ClientWatch, "processed"),
    (client_watch, "attach"),
    (private_names, "content_of"),
    (watch.Watch, "data"),
    (watch.Watch, "closed"),
    (watch.Watch, "exhausted"),
    (watch.Watch, "collected"),
    (watch.Watch, "answered"),
    (watch, "risk_tags_of"),
]


def wrong(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a mistake")


@pytest.mark.parametrize(("place", "name"), MISTAKES, ids=[name for _, name in MISTAKES])
def test_a_call_and_a_stream_are_as_without_us(
    make: Any, journal: Journal, monkeypatch: Any, place: Any, name: str
) -> None:
    client = make()
    monkeypatch.setattr(place, name, wrong)

    answer = client.chat.completions.create(**CHAT)
    with client.chat.completions.create(**CHAT, stream=True) as stream:
        said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    assert answer.usage.prompt_tokens == 30
    assert said == "once upon a time"


def test_an_error_of_the_user_s_own_is_the_user_s(make: Any) -> None:
    client = make()

    with pytest.raises(ZeroDivisionError), client.chat.completions.create(**CHAT, stream=True) as stream:
        for _ in stream:
            raise ZeroDivisionError
