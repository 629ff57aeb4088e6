"""What each official client, unmodified, makes of each refusal: what it raises, what that says, and whether it tries
again by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import groq
import httpx
import httpx2
import openai
import pytest
from google import genai
from google.genai import errors, types

from core.refusals import AnswerCut, Refusal, UpstreamTruncated
from core.wire.dialects import DIALECTS
from exchange import Answer, refused
from tests.core.wire.dialects.refusal_samples import REQUEST_ID, SAMPLES

MESSAGES: Any = [{"role": "user", "content": "Hi"}]
RETRIES = 2
COMPLETE = [sample for sample in SAMPLES if not isinstance(sample, AnswerCut | UpstreamTruncated)]
"""Refusals that come as a whole answer: of a stream that was cut or broke off it is only ever told inside it."""


@dataclass
class Provider:
    """Answers every request with one refusal and counts them."""

    refusal: Refusal
    dialect: str
    calls: int = 0

    def httpx(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.refusal.status, headers=self._headers(), content=self._body())

    def httpx2(self, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(self.refusal.status, headers=self._headers(), content=self._body())

    def _headers(self) -> dict[str, str]:
        return dict(self._answer().headers)

    def _body(self) -> bytes:
        self.calls += 1
        body = self._answer().body
        assert isinstance(body, bytes)
        return body

    def _answer(self) -> Answer:
        return refused(self.refusal, DIALECTS[self.dialect], REQUEST_ID)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clients' waits between tries, recorded instead of waited."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def call_openai(provider: Provider) -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(provider.httpx2))
    openai.OpenAI(api_key="k", max_retries=RETRIES, http_client=client).chat.completions.create(
        model="m", messages=MESSAGES
    )


def call_openai_responses(provider: Provider) -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(provider.httpx2))
    openai.OpenAI(api_key="k", max_retries=RETRIES, http_client=client).responses.create(model="m", input="Hi")


def call_anthropic(provider: Provider) -> None:
    client = httpx2.Client(transport=httpx2.MockTransport(provider.httpx2))
    anthropic.Anthropic(api_key="k", max_retries=RETRIES, http_client=client).messages.create(
        model="m", max_tokens=9, messages=MESSAGES
    )


def call_groq(provider: Provider) -> None:
    client = httpx.Client(transport=httpx.MockTransport(provider.httpx))
    groq.Groq(api_key="k", max_retries=RETRIES, http_client=client).chat.completions.create(
        model="m", messages=MESSAGES
    )


def call_gemini(provider: Provider) -> None:
    options = types.HttpOptions(
        httpx_client=httpx.Client(transport=httpx.MockTransport(provider.httpx)),
        retry_options=types.HttpRetryOptions(attempts=1 + RETRIES),
    )
    genai.Client(api_key="k", http_options=options).models.generate_content(model="m", contents="Hi")


Call = Callable[[Provider], None]

OPENAI_CLASSES: dict[int, type[Exception]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
}
GROQ_CLASSES: dict[int, type[Exception]] = {
    400: groq.BadRequestError,
    401: groq.AuthenticationError,
    403: groq.PermissionDeniedError,
    404: groq.NotFoundError,
    409: groq.ConflictError,
    429: groq.RateLimitError,
    500: groq.InternalServerError,
    502: groq.InternalServerError,
    503: groq.InternalServerError,
    504: groq.InternalServerError,
}
ANTHROPIC_CLASSES: dict[int, type[Exception]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.PaymentRequiredError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    502: anthropic.InternalServerError,
    503: anthropic.InternalServerError,
    504: anthropic.InternalServerError,
}


def play(call: Call, refusal: Refusal, dialect: str) -> tuple[Provider, Any]:
    provider = Provider(refusal, dialect)
    with pytest.raises(Exception) as raised:
        call(provider)
    return provider, raised.value


def tries_expected(refusal: Refusal) -> int:
    return 1 + RETRIES if refusal.is_retryable else 1


@pytest.mark.parametrize("refusal", COMPLETE, ids=lambda refusal: refusal.code)
@pytest.mark.parametrize("call", [call_openai, call_openai_responses])
def test_the_openai_client(call: Call, refusal: Refusal, waits: list[float]) -> None:
    provider, error = play(call, refusal, "openai_chat")

    assert isinstance(error, OPENAI_CLASSES.get(refusal.status, openai.APIStatusError))
    assert (error.status_code, error.code, error.type, error.param) == (
        refusal.status, refusal.code, refusal.type, refusal.param,
    )  # fmt: skip
    assert error.body["message"] == refusal.message
    assert refusal.message in str(error)
    assert error.request_id == REQUEST_ID
    assert provider.calls == tries_expected(refusal)


@pytest.mark.parametrize("refusal", COMPLETE, ids=lambda refusal: refusal.code)
def test_the_groq_client(refusal: Refusal, waits: list[float]) -> None:
    provider, error = play(call_groq, refusal, "openai_chat")

    assert isinstance(error, GROQ_CLASSES.get(refusal.status, groq.APIStatusError))
    assert (error.status_code, error.body["error"]["code"]) == (refusal.status, refusal.code)
    assert error.body["error"]["message"] == refusal.message
    assert provider.calls == tries_expected(refusal)


@pytest.mark.parametrize("refusal", COMPLETE, ids=lambda refusal: refusal.code)
def test_the_anthropic_client(refusal: Refusal, waits: list[float]) -> None:
    provider, error = play(call_anthropic, refusal, "anthropic_messages")

    assert isinstance(error, ANTHROPIC_CLASSES.get(refusal.status, anthropic.APIStatusError))
    assert (error.status_code, error.body["error"]["code"]) == (refusal.status, refusal.code)
    assert error.body["error"]["message"] == refusal.message
    assert error.request_id == REQUEST_ID
    assert provider.calls == tries_expected(refusal)


@pytest.mark.parametrize("refusal", COMPLETE, ids=lambda refusal: refusal.code)
def test_the_gemini_client(refusal: Refusal, waits: list[float]) -> None:
    provider, error = play(call_gemini, refusal, "gemini")

    assert isinstance(error, errors.ServerError if refusal.status >= 500 else errors.ClientError)
    assert (error.code, error.message) == (refusal.status, refusal.message)
    assert error.details["error"]["details"][0]["reason"] == refusal.code
    # It goes by the status alone, where it is set to try again at all.
    assert provider.calls == tries_expected(refusal)


WAITING = [sample for sample in COMPLETE if sample.retry_after_ms is not None]


@pytest.mark.parametrize("refusal", WAITING, ids=lambda refusal: refusal.code)
@pytest.mark.parametrize("call", [call_openai, call_anthropic, call_groq])
def test_a_client_waits_as_long_as_it_is_told(call: Call, refusal: Refusal, waits: list[float]) -> None:
    play(call, refusal, "anthropic_messages" if call is call_anthropic else "openai_chat")

    assert waits == [refusal.retry_after_ms / 1_000] * RETRIES


BUDGET = next(sample for sample in SAMPLES if sample.code == "budget_exhausted")


def test_a_program_can_read_the_budget_s_numbers_from_each_client_s_error(waits: list[float]) -> None:
    _, from_openai = play(call_openai, BUDGET, "openai_chat")
    _, from_anthropic = play(call_anthropic, BUDGET, "anthropic_messages")
    _, from_gemini = play(call_gemini, BUDGET, "gemini")

    assert from_openai.body["limit_usd"] == "5"
    assert from_anthropic.body["error"]["limit_usd"] == "5"
    assert from_gemini.details["error"]["details"][0]["metadata"]["limit_usd"] == "5"
