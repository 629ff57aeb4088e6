"""The official clients, unmodified, reading a stream from memory; and what each of them made of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import anthropic
import groq
import httpx
import httpx2
import openai
from google import genai
from google.genai import types

MESSAGES = [{"role": "user", "content": "Hi"}]


@dataclass
class View:
    """What the program using the client saw: text, why the answer ended, or what was raised."""

    text: str = ""
    finish_reason: str | None = None
    raised: Exception | None = None
    output: list[object] = field(default_factory=list)


Viewer = Callable[[list[bytes]], View]


def _seen(events: Callable[[View], Iterable[object]]) -> View:
    view = View()
    try:
        for _ in events(view):
            pass
    except Exception as error:
        view.raised = error
    return view


def openai_client(chunks: list[bytes]) -> openai.OpenAI:
    return openai.OpenAI(
        api_key="k", max_retries=0, http_client=httpx2.Client(transport=httpx2.MockTransport(_httpx2_answer(chunks)))
    )


def openai_chat(chunks: list[bytes]) -> View:
    def events(view: View) -> Iterator[object]:
        stream = openai_client(chunks).chat.completions.create(model="m", messages=MESSAGES, stream=True)
        for chunk in stream:
            for choice in chunk.choices:
                view.text += choice.delta.content or ""
                view.finish_reason = choice.finish_reason or view.finish_reason
            yield chunk

    return _seen(events)


def openai_completions(chunks: list[bytes]) -> View:
    def events(view: View) -> Iterator[object]:
        for chunk in openai_client(chunks).completions.create(model="m", prompt="Hi", stream=True):
            for choice in chunk.choices:
                view.text += choice.text
                view.finish_reason = choice.finish_reason or view.finish_reason
            yield chunk

    return _seen(events)


def openai_responses(chunks: list[bytes]) -> View:
    """By the helper that accumulates, which also checks that the events fit together."""

    def events(view: View) -> Iterator[object]:
        with openai_client(chunks).responses.stream(model="m", input="Hi") as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    view.text += event.delta
                if event.type in ("response.completed", "response.incomplete"):
                    details = event.response.incomplete_details
                    view.finish_reason = details.reason if details else event.response.status
                    view.output = list(event.response.output)
                yield event

    return _seen(events)


def anthropic_messages(chunks: list[bytes]) -> View:
    """By the helper that accumulates, which also checks that the events fit together."""

    def events(view: View) -> Iterator[object]:
        transport = httpx2.MockTransport(_httpx2_answer(chunks))
        client = anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))
        with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
            for event in stream:
                if event.type == "text":
                    view.text += event.text
                yield event
            message = stream.get_final_message()
            view.finish_reason = message.stop_reason
            view.output = list(message.content)

    return _seen(events)


def gemini(chunks: list[bytes]) -> View:
    def events(view: View) -> Iterator[object]:
        transport = httpx.MockTransport(_httpx_answer(chunks))
        options = types.HttpOptions(httpx_client=httpx.Client(transport=transport))
        client = genai.Client(api_key="k", http_options=options)
        for answer in client.models.generate_content_stream(model="m", contents="Hi"):
            for candidate in answer.candidates or ():
                parts = (candidate.content and candidate.content.parts) or ()
                view.text += "".join(part.text or "" for part in parts if not part.thought)
                if candidate.finish_reason is not None:
                    view.finish_reason = candidate.finish_reason.value
            yield answer

    return _seen(events)


def groq_chat(chunks: list[bytes]) -> View:
    def events(view: View) -> Iterator[object]:
        transport = httpx.MockTransport(_httpx_answer(chunks))
        client = groq.Groq(api_key="k", max_retries=0, http_client=httpx.Client(transport=transport))
        for chunk in client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            for choice in chunk.choices:
                view.text += choice.delta.content or ""
                view.finish_reason = choice.finish_reason or view.finish_reason
            yield chunk

    return _seen(events)


def _httpx2_answer(chunks: list[bytes]) -> Callable[[httpx2.Request], httpx2.Response]:
    headers = {"content-type": "text/event-stream"}
    return lambda _request: httpx2.Response(200, headers=headers, content=iter(chunks))


def _httpx_answer(chunks: list[bytes]) -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "text/event-stream"}
    return lambda _request: httpx.Response(200, headers=headers, content=iter(chunks))
