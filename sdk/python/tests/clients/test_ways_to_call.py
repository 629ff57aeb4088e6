"""However a client is called, the call is one: one report with its counts, and nothing of the answer is another."""

import copy
import json
from typing import Any

import anthropic
import openai
import pytest
from clients.conftest import HELLO, KINDS, reported
from clients.scripted_provider import Journal
from pydantic import BaseModel

import agentwatch


class Shape(BaseModel):
    a: int


CHAT = {"model": "gpt-asked", "messages": HELLO}
MESSAGE = {"model": "claude-asked", "messages": HELLO, "max_tokens": 50}


def _in_a_stream(client: Any) -> Any:
    return list(client.chat.completions.create(**CHAT, stream=True))


def _helper(client: Any) -> Any:
    with client.chat.completions.stream(**CHAT) as stream:
        return list(stream)


def _streaming_response(client: Any) -> Any:
    with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        return response.parse()


def _streaming_json(client: Any) -> Any:
    with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        return response.json()


def _claude_helper(client: Any) -> Any:
    with client.messages.stream(**MESSAGE) as stream:
        return stream.get_final_message()


OPENAI_WAYS = {
    "create": lambda client: client.chat.completions.create(**CHAT),
    "parse": lambda client: client.chat.completions.parse(**CHAT, response_format=Shape),
    "raw": lambda client: client.chat.completions.with_raw_response.create(**CHAT).parse(),
    "raw, never parsed": lambda client: client.chat.completions.with_raw_response.create(**CHAT),
    "streaming response": _streaming_response,
    "streaming response, as JSON": _streaming_json,
    "post": lambda client: client.post("/chat/completions", body=dict(CHAT), cast_to=object),
    "completions": lambda client: client.completions.create(model="gpt-asked", prompt="hello"),
    "responses": lambda client: client.responses.create(model="gpt-asked", input="hello"),
    "with_options, twice": lambda client: (
        client.with_options(timeout=9).with_options(max_retries=0).chat.completions.create(**CHAT)
    ),
    "copy.copy": lambda client: copy.copy(client).chat.completions.create(**CHAT),
}
ANTHROPIC_WAYS = {
    "create": lambda client: client.messages.create(**MESSAGE),
    "beta": lambda client: client.beta.messages.create(**MESSAGE),
    "helper": _claude_helper,
    "stream": lambda client: list(client.messages.create(**MESSAGE, stream=True)),
    "raw": lambda client: client.messages.with_raw_response.create(**MESSAGE).parse(),
    "with_options": lambda client: client.with_options(timeout=9).messages.create(**MESSAGE),
}


@pytest.mark.parametrize("way", OPENAI_WAYS.values(), ids=OPENAI_WAYS)
def test_a_call_of_openai_s_client_is_reported_once(make: Any, journal: Journal, way: Any) -> None:
    client = make()

    way(client)

    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report["completion_tokens"], report["model"]) == (30, 4, "gpt-answered")
    assert (report["outcome"], report["status"], report.get("is_estimated")) == ("complete", 200, None)
    assert (report["session_id"], report["iteration_index"]) == ("run-1", 1)


@pytest.mark.parametrize("way", ANTHROPIC_WAYS.values(), ids=ANTHROPIC_WAYS)
def test_a_call_of_anthropic_s_client_is_reported_once(make: Any, journal: Journal, way: Any) -> None:
    client = make("anthropic")

    way(client)

    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report["completion_tokens"], report["model"]) == (30, 4, "claude-answered")
    assert (report["outcome"], report["dialect"]) == ("complete", "anthropic_messages")


def test_embeddings_have_no_output(make: Any, journal: Journal) -> None:
    client = make()

    client.embeddings.create(model="gpt-asked", input="hello", encoding_format="float")

    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report["completion_tokens"]) == (30, 0)


async def test_an_async_client_is_reported_as_well(make: Any, journal: Journal) -> None:
    client, claude = make("openai async"), make("anthropic async")

    await client.chat.completions.create(**CHAT)
    async with client.chat.completions.with_streaming_response.create(**CHAT) as response:
        await response.parse()
    await claude.messages.create(**MESSAGE)
    async with claude.messages.stream(**MESSAGE) as stream:
        await stream.get_final_message()

    counts = [(each["prompt_tokens"], each["completion_tokens"]) for each in reported(client, journal)]
    assert counts == [(30, 4)] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_and_headers_on_the_wire_are_those_of_the_official_client(
    make: Any, url: str, journal: Journal, kind: str
) -> None:
    _, official, root = KINDS[kind]
    if "async" in kind:
        pytest.skip("the same code builds it")
    given = copy.deepcopy(CHAT if kind == "openai" else MESSAGE)
    for client in (official(api_key="sk-own", base_url=url + root), make(kind)):
        (client.chat.completions if kind == "openai" else client.messages).create(**given)

    (_, _, body, headers), (_, _, watched_body, watched_headers) = journal.calls()
    assert body == watched_body
    assert headers == watched_headers
    assert given == (CHAT if kind == "openai" else MESSAGE)


def test_a_wrapped_client_is_the_client_that_it_was(url: str, journal: Journal) -> None:
    client = openai.OpenAI(api_key="sk-own", base_url=url + "/provider/v1")
    completions = client.chat.completions
    options: dict[str, Any] = {"agentwatch_api_key": "aw_test_token", "agentwatch_base_url": url}

    same = agentwatch.wrap(agentwatch.wrap(client, **options), **options)
    completions.create(**CHAT)

    assert same is client and isinstance(same, openai.OpenAI)
    assert len(reported(same, journal)) == 1


def test_azure_s_client_is_watched_by_wrapping_it(url: str, journal: Journal) -> None:
    client = openai.AzureOpenAI(api_key="sk-own", base_url=url + "/provider/openai/deployments/mine", api_version="1")
    watched = agentwatch.wrap(client, agentwatch_api_key="aw_test_token", agentwatch_base_url=url)

    watched.chat.completions.create(**CHAT)

    assert [each["model"] for each in reported(watched, journal)] == ["gpt-answered"]


def test_what_the_client_repeats_is_one_call_of_several_attempts(make: Any, journal: Journal) -> None:
    client = make()
    journal.statuses = [500, 429, 200]

    client.chat.completions.create(**CHAT)

    assert [(each["attempts"], each["outcome"]) for each in reported(client, journal)] == [(3, "complete")]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_an_error_of_the_provider_is_the_client_s_own_and_costs_nothing(
    make: Any, journal: Journal, status: int
) -> None:
    client = make(max_retries=0)
    journal.statuses = [status]

    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(**CHAT)

    (report,) = reported(client, journal)
    assert (raised.value.status_code, report["status"], report["outcome"]) == (status, status, "failed")
    assert (report["prompt_tokens"], report["completion_tokens"]) == (0, 0)


def test_a_hold_lowers_the_ceiling_of_the_request_and_of_nothing_else(make: Any, journal: Journal) -> None:
    client = make(agentwatch_holds=True)
    journal.hold = {"output_tokens_max": 20}
    given = {**CHAT, "max_tokens": 500}

    client.chat.completions.create(**given)
    client.chat.completions.create(**CHAT)

    first, second = (json.loads(body) for _, _, body, _ in journal.calls())
    assert first == {**given, "max_tokens": 20}
    assert second == {**CHAT, "max_tokens": 20}  # an address that is not OpenAI's own
    assert given["max_tokens"] == 500


def test_an_exhausted_budget_stops_a_call_before_its_provider_is_asked(make: Any, journal: Journal) -> None:
    client = make(agentwatch_enforcement_mode=True)
    journal.check = {"exceeded": True, "spent_usd": 5, "limit_usd": 5}

    for _ in range(5):
        with pytest.raises(agentwatch.AgentBudgetExceeded):
            client.chat.completions.create(**CHAT)

    assert journal.calls() == []
    assert len(journal.asked("/v1/budget-check")) == 1


def test_what_is_not_metered_is_counted_or_refused_where_nothing_goes_unasked(make: Any, journal: Journal) -> None:
    client = make()
    client.images.generate(prompt="a cat", model="gpt-image-1")
    assert client.agentwatch.unmetered_paths == {"images/generations": 1}

    closed = make(agentwatch_enforcement_mode=True, agentwatch_enforcement_fail_open=False)
    with pytest.raises(agentwatch.AgentBudgetCheckUnavailable):
        closed.images.generate(prompt="a cat", model="gpt-image-1")
    assert reported(client, journal) == []


def test_an_answer_in_the_background_is_settled_when_somebody_asks_for_it(
    make: Any, journal: Journal, monkeypatch: Any
) -> None:
    from clients import scripted_provider

    client = make()
    queued = {**scripted_provider.WHOLE["responses"], "status": "queued", "usage": None}
    monkeypatch.setitem(scripted_provider.WHOLE, "responses", queued)
    answer = client.responses.create(model="gpt-asked", input="hello", background=True)
    assert reported(client, journal) == []

    monkeypatch.setattr(scripted_provider.Provider, "do_GET", lambda self: self.whole(200, DONE))
    client.responses.retrieve(answer.id)

    assert [(each["prompt_tokens"], each["outcome"]) for each in reported(client, journal)] == [(30, "complete")]


DONE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-answered", "status": "completed", "output": [],
        "usage": {"input_tokens": 30, "output_tokens": 4, "total_tokens": 34}}  # fmt: skip


def test_printing_a_client_shows_no_token(make: Any) -> None:
    client = make()

    assert "aw_test_token" not in f"{client!r} {client.agentwatch!r} {client.agentwatch.settings!r}"


def test_the_user_agent_names_the_client_as_it_is(make: Any, journal: Journal) -> None:
    make().chat.completions.create(**CHAT)
    make("anthropic").messages.create(**MESSAGE)

    agents = [headers["user-agent"] for _, _, _, headers in journal.calls()]
    assert [agent.partition("/")[0] for agent in agents] == ["OpenAI", "Anthropic"]
    assert isinstance(make("anthropic"), anthropic.Anthropic)


@pytest.mark.parametrize("code", ["rule_blocked", "rule_throttled", "unmetered_path", "unpriced_model"])
def test_what_the_tenant_has_decided_stops_a_call_that_would_fail_open(make: Any, journal: Journal, code: str) -> None:
    client = make(agentwatch_holds=True)
    journal.hold_status = 403
    journal.hold = {"error": {"message": "rule 'no minis'", "type": "permission_error", "code": code, "param": None}}

    with pytest.raises(agentwatch.AgentBudgetCheckUnavailable, match=code):
        client.chat.completions.create(**CHAT)

    assert journal.calls() == []


def test_a_rate_limit_of_agentwatch_s_own_stops_nobody_who_fails_open(make: Any, journal: Journal) -> None:
    client = make(agentwatch_holds=True)
    journal.hold_status = 429
    journal.hold = {"error": {"message": "too fast", "type": "rate_limit_error", "code": "rate_limited", "param": None}}

    assert client.chat.completions.create(**CHAT)
