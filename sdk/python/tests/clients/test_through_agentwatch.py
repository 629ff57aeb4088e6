"""Through AgentWatch: where each request goes, what it carries, and when it goes directly instead."""

from typing import Any

import openai
import pytest
from clients.conftest import HELLO, reported
from clients.scripted_provider import Journal
from clients.test_ways_to_leave import at_the_real_address

import agentwatch

CHAT = {"model": "gpt-asked", "messages": HELLO}
PROXY = {"agentwatch_primary_provider": "agentwatch", "base_url": "https://api.openai.com/v1"}
REFUSAL = {"error": {"message": "no", "type": "budget_error", "code": "budget_exhausted", "param": None, "spent_usd": "5",
                     "limit_usd": "5"}}  # fmt: skip


@pytest.fixture
def proxied(make: Any, url: str) -> Any:
    def of(**options: Any) -> Any:
        return make(**{**PROXY, "http_client": at_the_real_address(url), **options})

    return of


def test_a_call_carries_the_token_beside_the_caller_s_own_key(proxied: Any, journal: Journal) -> None:
    client = proxied(agentwatch_session_budget_usd="5", agentwatch_project="p")

    client.chat.completions.create(**CHAT)

    ((_, path, _, headers),) = [each for each in journal.requests if "chat" in each[1]]
    assert path == "/v1/proxy/openai/v1/chat/completions"
    assert (headers["x-agentwatch-key"], headers["authorization"]) == ("aw_test_token", "Bearer sk-own")
    assert headers["x-agentwatch-session-id"] == "run-1"
    assert (headers["x-agentwatch-budget-usd"], headers["x-agentwatch-project"]) == ("5", "p")
    assert reported(client, journal) == []


@pytest.mark.parametrize("call", [
    lambda client: client.models.list(), lambda client: client.post("/batches", body={}, cast_to=object),
    lambda client: client.chat.completions.create(**CHAT),
], ids=["free", "unmetered", "metered"])  # fmt: skip
def test_agentwatch_s_token_never_reaches_a_provider(proxied: Any, journal: Journal, call: Any) -> None:
    call(proxied(api_key="aw_test_token"))

    assert journal.requests
    for _, path, _, headers in journal.requests:
        assert path.startswith("/v1/proxy/openai/v1/")
        assert "authorization" not in headers and headers["x-agentwatch-key"] == "aw_test_token"


def test_a_refusal_is_the_sdk_s_own_exception_with_the_client_s_behind_it(proxied: Any, journal: Journal) -> None:
    journal.refusal = REFUSAL

    with pytest.raises(agentwatch.AgentBudgetExceeded) as raised:
        proxied().chat.completions.create(**CHAT)

    assert isinstance(raised.value.__cause__, openai.APIStatusError)
    assert (raised.value.session_id, raised.value.spent, raised.value.limit) == ("run-1", 5, 5)


@pytest.mark.parametrize("max_retries", [0, 2])
def test_where_agentwatch_cannot_be_reached_the_call_goes_directly_and_is_reported(
    proxied: Any, journal: Journal, max_retries: int
) -> None:
    client = proxied(
        agentwatch_base_url="http://127.0.0.1:9", agentwatch_fallback_provider="direct", max_retries=max_retries
    )

    for _ in range(3):
        assert client.chat.completions.create(**CHAT).usage.prompt_tokens == 30

    assert len(journal.calls()) == 3
    for _, path, _, headers in journal.calls():
        assert path == "/provider/v1/chat/completions"
        assert headers["authorization"] == "Bearer sk-own"
        assert not [name for name in headers if name.startswith("x-agentwatch")]


def test_without_a_key_of_its_own_a_call_goes_nowhere_else(proxied: Any, journal: Journal) -> None:
    client = proxied(
        api_key="aw_test_token", agentwatch_base_url="http://127.0.0.1:9", agentwatch_fallback_provider="direct",
        max_retries=0,
    )  # fmt: skip

    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(**CHAT)

    assert journal.requests == []


def test_an_error_that_agentwatch_answers_is_no_reason_to_ask_elsewhere(proxied: Any, journal: Journal) -> None:
    client = proxied(agentwatch_fallback_provider="direct", max_retries=0)
    journal.statuses = [500]

    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(**CHAT)

    assert [path for _, path, _, _ in journal.calls()] == []


def test_an_address_that_agentwatch_does_not_know_is_said_at_once(make: Any) -> None:
    with pytest.raises(ValueError, match="agentwatch_primary_provider"):
        make(agentwatch_primary_provider="agentwatch")
