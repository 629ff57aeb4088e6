"""However a stream is left, its call ends once, and what was written so far is counted."""

import gc
import json
from typing import Any

import pytest
from clients.conftest import HELLO, reported
from clients.scripted_provider import Journal

CHAT = {"model": "gpt-asked", "messages": HELLO, "stream": True}
MESSAGE = {"model": "claude-asked", "messages": HELLO, "max_tokens": 50, "stream": True}


def opened(client: Any, kind: str) -> Any:
    return client.messages.create(**MESSAGE) if kind == "anthropic" else client.chat.completions.create(**CHAT)


def read(stream: Any) -> None:
    assert list(stream)


def read_within(stream: Any) -> None:
    with stream as same:
        assert list(same)


def broken_off(stream: Any) -> None:
    for _ in stream:
        break


def broken_off_within(stream: Any) -> None:
    with stream as same:
        for _ in same:
            break


def closed(stream: Any) -> None:
    next(iter(stream))
    stream.close()


def closed_twice(stream: Any) -> None:
    closed(stream)
    stream.close()


def never_read(stream: Any) -> None:
    pass


def left_by_an_exception(stream: Any) -> None:
    with pytest.raises(ZeroDivisionError), stream as same:
        for _ in same:
            raise ZeroDivisionError


def response_closed(stream: Any) -> None:
    next(iter(stream))
    stream.response.close()


WAYS = {
    read: "complete", read_within: "complete", broken_off: "client_disconnected",
    broken_off_within: "client_disconnected", closed: "client_disconnected", closed_twice: "client_disconnected",
    never_read: "client_disconnected", left_by_an_exception: "client_disconnected",
    response_closed: "client_disconnected",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(("leave", "outcome"), WAYS.items(), ids=[way.__name__ for way in WAYS])
def test_a_stream_that_is_left_ends_its_call_once(
    make: Any, journal: Journal, kind: str, leave: Any, outcome: str
) -> None:
    client = make(kind)

    leave(opened(client, kind))
    gc.collect()

    (report,) = reported(client, journal)
    assert report["outcome"] == outcome
    assert report["prompt_tokens"] > 0 and report["completion_tokens"] > 0
    if outcome == "complete" and kind == "anthropic":
        assert (report["prompt_tokens"], report["completion_tokens"], report.get("is_estimated")) == (30, 4, None)
    if outcome != "complete":
        assert report["is_estimated"]


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("leaves", [False, True])
async def test_an_async_stream_ends_its_call_once(make: Any, journal: Journal, kind: str, leaves: bool) -> None:
    client = make(f"{kind} async")

    async with await opened(client, kind) as stream:
        async for _ in stream:
            if leaves:
                break

    (report,) = reported(client, journal)
    assert report["outcome"] == ("client_disconnected" if leaves else "complete")


def test_a_stream_of_responses_is_counted_by_its_last_event(make: Any, journal: Journal) -> None:
    client = make()

    assert list(client.responses.create(model="gpt-asked", input="hello", stream=True))

    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report["completion_tokens"], report["outcome"]) == (30, 4, "complete")


def test_a_user_who_asks_for_usage_gets_it(make: Any, journal: Journal) -> None:
    client = make()

    chunks = list(client.chat.completions.create(**CHAT, stream_options={"include_usage": True}))

    (report,) = reported(client, journal)
    assert (chunks[-1].choices, chunks[-1].usage.prompt_tokens) == ([], 30)
    assert (report["prompt_tokens"], report.get("is_estimated")) == (30, None)


def test_an_address_that_is_nobody_s_is_not_asked_for_usage(make: Any, journal: Journal) -> None:
    client = make()

    list(client.chat.completions.create(**CHAT))

    ((_, _, body, _),) = journal.calls()
    assert "stream_options" not in json.loads(body)
    assert reported(client, journal)[0]["is_estimated"]


def test_at_openai_usage_is_asked_for_and_its_chunk_is_nobody_s_business(make: Any, journal: Journal, url: str) -> None:
    client = make(base_url="https://api.openai.com/v1", http_client=at_the_real_address(url))

    chunks = list(client.chat.completions.create(**CHAT))

    assert all(chunk.choices for chunk in chunks)
    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report["completion_tokens"], report.get("is_estimated")) == (30, 4, None)


def at_the_real_address(url: str) -> Any:
    """The library that the client runs on, with the scripted provider at api.openai.com."""
    import openai

    library = __import__("httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx")

    class Moved(library.HTTPTransport):  # type: ignore[misc,name-defined]
        def handle_request(self, request: Any) -> Any:
            if request.url.host == "api.openai.com":
                request.url = library.URL(url + "/provider" + request.url.raw_path.decode())
                request.headers["host"] = request.url.netloc.decode()
            return super().handle_request(request)

    return library.Client(transport=Moved())
