"""The official clients as they come, each sending one call to each way that it has of asking, JSON and streamed.

A caller returns the finish reason it saw, or none; it looks for nothing that its client does not tell it. The rule easy
to break: retries stay as the client has them, because what is judged is what people run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anthropic
import groq
import openai
from google import genai
from google.genai import errors as genai_errors
from llmock.scenarios import Match

MESSAGES = [{"role": "user", "content": "hello"}]
SDK_ERRORS = (openai.APIError, anthropic.APIError, groq.APIError, genai_errors.APIError)
ASKED_AGAIN_MAX = 3


def openai_client(root: str, token: str) -> openai.OpenAI:
    return openai.OpenAI(api_key=token, base_url=f"{root}/openai/v1")


def openai_chat(root: str, token: str) -> str | None:
    answer = openai_client(root, token).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, max_tokens=50)
    return answer.choices[0].finish_reason


def openai_chat_stream(root: str, token: str) -> str | None:
    client = openai_client(root, token)
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, max_tokens=50, stream=True)
    return last(choice.finish_reason for chunk in stream for choice in chunk.choices)


def openai_responses(root: str, token: str) -> str | None:
    return openai_client(root, token).responses.create(model="gpt-4o-mini", input="hello", max_output_tokens=50).status


def openai_responses_stream(root: str, token: str) -> str | None:
    client = openai_client(root, token)
    stream = client.responses.create(model="gpt-4o-mini", input="hello", max_output_tokens=50, stream=True)
    return last(event.response.status for event in stream if event.type == "response.completed")


def openai_embeddings(root: str, token: str) -> str | None:
    vectors = openai_client(root, token).embeddings.create(model="text-embedding-3-small", input="hello")
    return str(len(vectors.data[0].embedding))


def anthropic_messages(root: str, token: str) -> str | None:
    client = anthropic.Anthropic(api_key=token, base_url=f"{root}/anthropic")
    return client.messages.create(model="claude-haiku-4-5", messages=MESSAGES, max_tokens=50).stop_reason


def anthropic_messages_stream(root: str, token: str) -> str | None:
    client = anthropic.Anthropic(api_key=token, base_url=f"{root}/anthropic")
    stream = client.messages.create(model="claude-haiku-4-5", messages=MESSAGES, max_tokens=50, stream=True)
    return last(event.delta.stop_reason for event in stream if event.type == "message_delta")


def gemini_client(root: str, token: str) -> genai.Client:
    """LLMock serves one version of Google's paths, and the client's own is another."""
    options = genai.types.HttpOptions(base_url=f"{root}/gemini", api_version="v1beta")
    return genai.Client(api_key=token, http_options=options)


def gemini(root: str, token: str) -> str | None:
    client = gemini_client(root, token)  # named: it closes its connections when nobody holds it
    answer = client.models.generate_content(model="gemini-2.0-flash", contents="hello")
    return answer.candidates[0].finish_reason.value


def gemini_stream(root: str, token: str) -> str | None:
    client = gemini_client(root, token)
    stream = client.models.generate_content_stream(model="gemini-2.0-flash", contents="hello")
    reasons = (candidate.finish_reason for answer in stream for candidate in answer.candidates or ())
    return last(reason and reason.value for reason in reasons)


def groq_chat(root: str, token: str) -> str | None:
    client = groq.Groq(api_key=token, base_url=f"{root}/groq")
    model = "llama-3.1-8b-instant"
    return client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=50).choices[0].finish_reason


def groq_chat_stream(root: str, token: str) -> str | None:
    client = groq.Groq(api_key=token, base_url=f"{root}/groq")
    model = "llama-3.1-8b-instant"
    stream = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=50, stream=True)
    return last(choice.finish_reason for chunk in stream for choice in chunk.choices)


def xai_chat(root: str, token: str) -> str | None:
    client = openai.OpenAI(api_key=token, base_url=f"{root}/xai/v1")
    answer = client.chat.completions.create(model="grok-3-mini", messages=MESSAGES, max_tokens=50)
    return answer.choices[0].finish_reason


def xai_chat_stream(root: str, token: str) -> str | None:
    client = openai.OpenAI(api_key=token, base_url=f"{root}/xai/v1")
    stream = client.chat.completions.create(model="grok-3-mini", messages=MESSAGES, max_tokens=50, stream=True)
    return last(choice.finish_reason for chunk in stream for choice in chunk.choices)


def last(reasons: Iterator[str | None]) -> str | None:
    """Reads to the end."""
    return next((reason for reason in reversed(list(reasons)) if reason), None)


@dataclass(frozen=True)
class Caller:
    """One way to call, and where LLMock sees it arrive."""

    ask: Callable[[str, str], str | None]
    path: str
    is_stream: bool = False
    attempts: int = 3
    """How often the client tries what it takes for a passing fault, left as it comes."""

    def match(self) -> Match:
        return Match(path=self.path, stream=self.is_stream)


CALLERS = (
    Caller(openai_chat, "/v1/chat/completions"),
    Caller(openai_chat_stream, "/v1/chat/completions", is_stream=True),
    Caller(openai_responses, "/v1/responses"),
    Caller(openai_responses_stream, "/v1/responses", is_stream=True),
    Caller(openai_embeddings, "/v1/embeddings"),
    Caller(anthropic_messages, "/anthropic/v1/messages"),
    Caller(anthropic_messages_stream, "/anthropic/v1/messages", is_stream=True),
    Caller(gemini, "/gemini/v1beta/models/*:generateContent", attempts=1),
    Caller(gemini_stream, "/gemini/v1beta/models/*:streamGenerateContent", is_stream=True, attempts=1),
    Caller(groq_chat, "/groq/openai/v1/chat/completions"),
    Caller(groq_chat_stream, "/groq/openai/v1/chat/completions", is_stream=True),
    Caller(xai_chat, "/xai/v1/chat/completions"),
    Caller(xai_chat_stream, "/xai/v1/chat/completions", is_stream=True),
)
STREAMING = tuple(caller for caller in CALLERS if caller.is_stream)


@dataclass(frozen=True)
class Came:
    """What came of a call: the finish reason, and what was raised on the way, in order."""

    reason: str | None
    raised: tuple[Exception, ...] = ()


def ask_once(caller: Caller, root: str, token: str) -> Came:
    try:
        return Came(caller.ask(root, token))
    except SDK_ERRORS as error:
        return Came(None, (error,))


def ask_once_whatever_it_raises(caller: Caller, root: str, token: str) -> Came:
    """The clients raise what their JSON reader does, each in its own way."""
    try:
        return ask_once(caller, root, token)
    except ValueError as error:
        return Came(None, (error,))


def ask_until_it_does_not_raise(caller: Caller, root: str, token: str) -> Came:
    raised: tuple[Exception, ...] = ()
    for _ in range(ASKED_AGAIN_MAX):
        came = ask_once(caller, root, token)
        raised += came.raised
        if not came.raised:
            return Came(came.reason, raised)
    return Came(None, raised)


Way = Callable[[Caller, str, str], Came]
