"""Requests as real clients and careless ones send them: what arrives, what is refused and in whose words."""

import hashlib

import anthropic
import groq
import openai
import pytest
from google import genai

from tests.runtime.test_streams import spent_nanousd

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}
MESSAGES = [{"role": "user", "content": "hello"}]

OPENAI_STYLE = [
    ("openai", "openai/v1", "gpt-4o-mini"),
    ("openai without version", "openai", "gpt-4o-mini"),
    ("groq", "groq", "llama-3.1-8b-instant"),
    ("xai", "xai/v1", "grok-3-mini"),
    ("gemini", "gemini/v1beta/openai", "gemini-2.5-flash"),
    ("anthropic", "anthropic/v1", "claude-haiku-4-5"),
]


@pytest.fixture(params=OPENAI_STYLE, ids=lambda case: case[0])
def openai_client(request, stack):
    _, place, model = request.param
    base_url = f"{stack.edge_url}/v1/proxy/{place}"
    return openai.OpenAI(api_key=stack.tokens["live"], base_url=base_url, max_retries=0), model


def test_the_openai_sdk_reaches_every_provider(openai_client):
    client, model = openai_client

    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=30)

    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens > 0


def test_the_openai_sdk_streams_from_every_provider(openai_client):
    client, model = openai_client

    chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=30, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason


def test_the_openai_sdk_uses_responses_and_embeddings(stack):
    client = openai.OpenAI(api_key=stack.tokens["live"], base_url=f"{stack.edge_url}/v1/proxy/openai/v1")

    answer = client.responses.create(model="gpt-4o-mini", input="hello", max_output_tokens=30)
    vectors = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])

    assert answer.output_text
    assert len(vectors.data) == 2


def test_the_openai_sdk_streams_responses(stack):
    client = openai.OpenAI(api_key=stack.tokens["live"], base_url=f"{stack.edge_url}/v1/proxy/openai/v1")

    events = list(client.responses.create(model="gpt-4o-mini", input="hello", max_output_tokens=30, stream=True))

    assert events[-1].type == "response.completed"


def test_the_anthropic_sdk_works_in_both_ways(stack):
    client = anthropic.Anthropic(api_key=stack.tokens["live"], base_url=f"{stack.edge_url}/v1/proxy/anthropic")
    call = {"model": "claude-haiku-4-5", "max_tokens": 30, "messages": MESSAGES}

    answer = client.messages.create(**call)
    with client.messages.stream(**call) as stream:
        streamed = stream.get_final_message()

    assert answer.content[0].text
    assert streamed.usage.output_tokens > 0


def test_the_google_sdk_works_in_both_ways(stack):
    options = genai.types.HttpOptions(base_url=f"{stack.edge_url}/v1/proxy/gemini")
    client = genai.Client(api_key=stack.tokens["live"], http_options=options)

    answer = client.models.generate_content(model="gemini-2.0-flash", contents="hello")
    chunks = list(client.models.generate_content_stream(model="gemini-2.0-flash", contents="hello"))

    assert answer.text
    assert "".join(chunk.text or "" for chunk in chunks)


def test_the_groq_sdk_works_in_both_ways(stack):
    client = groq.Groq(api_key=stack.tokens["live"], base_url=f"{stack.edge_url}/v1/proxy/groq")
    call = {"model": "llama-3.1-8b-instant", "max_tokens": 30, "messages": MESSAGES}

    answer = client.chat.completions.create(**call)
    chunks = list(client.chat.completions.create(**call, stream=True))

    assert answer.choices[0].message.content
    assert chunks


def test_the_unified_endpoint_takes_the_provider_from_the_model(edge):
    for model in ("groq/llama-3.1-8b-instant", "gpt-4o-mini", "gemini/gemini-2.0-flash"):
        answer = edge.post("/v1/chat/completions", {**BODY, "model": model})

        assert answer.status_code == 200, answer.text


def test_the_models_of_the_price_table_are_listed(edge):
    ids = {model["id"] for model in edge.get("/v1/models").json()["data"]}

    assert "openai/gpt-4o-mini" in ids


def test_a_body_that_need_not_change_arrives_byte_for_byte(edge, run):
    body = b'{ "model":"gpt-4o-mini","messages":[{"role":"user","content":"h\\u00e9"}] , "max_tokens": 10,"x":1.0 }'
    edge.post(CHAT, body, x_mock_tag=run)

    (entry,) = edge.billed(run)

    assert entry["body_sha256"] == hashlib.sha256(body).hexdigest()


PLATFORM_HEADERS = {"cf-worker"}
"""Cloudflare puts it on every request a Worker makes; no Worker can take it off."""


def test_nothing_of_ours_reaches_a_provider(edge, run):
    edge.post(CHAT, BODY, x_mock_tag=run, x_agentwatch_session_id=run, cookie="a=b", x_forwarded_for="192.0.2.9")

    (entry,) = edge.billed(run)

    assert edge.token not in str(entry)
    names = set(entry["header_names"]) - PLATFORM_HEADERS
    assert not [name for name in names if name.startswith(("x-agentwatch", "cookie", "x-forwarded", "cf-"))]


BAD_REQUESTS = [
    ("no model", {"messages": MESSAGES}, {}, 400, "model"),
    ("bad JSON", b'{"model":', {}, 400, None),
    ("negative budget", BODY, {"x_agentwatch_budget_usd": "-1"}, 400, "x-agentwatch-budget-usd"),
    ("infinite budget", BODY, {"x_agentwatch_budget_usd": "inf"}, 400, "x-agentwatch-budget-usd"),
    ("session with slashes", BODY, {"x_agentwatch_session_id": "a/b"}, 400, "x-agentwatch-session-id"),
    ("no messages", {"model": "gpt-4o-mini", "messages": []}, {}, 400, "messages"),
    ("34 MB", b'{"model":"gpt-4o-mini","x":"' + b"a" * 34_000_000 + b'"}', {}, 413, None),
]


@pytest.mark.parametrize(
    ("body", "headers", "status", "param"), [case[1:] for case in BAD_REQUESTS], ids=[case[0] for case in BAD_REQUESTS]
)
def test_bad_input_is_refused_by_name_at_no_cost(edge, run, body, headers, status, param):
    answer = edge.post(CHAT, body, x_mock_tag=run, **headers)

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["param"] == param
    assert answer.headers["x-should-retry"] == "false"
    assert edge.billed(run) == []


def test_a_foreign_token_is_refused_in_each_dialect(stack):
    foreign = "aw_live_" + "0" * 48

    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(api_key=foreign, base_url=f"{stack.edge_url}/v1/proxy/openai").models.list()
    with pytest.raises(anthropic.AuthenticationError):
        anthropic.Anthropic(api_key=foreign, base_url=f"{stack.edge_url}/v1/proxy/anthropic").models.list()


def test_an_unknown_provider_is_not_found(edge):
    answer = edge.post("/v1/proxy/azure/v1/chat/completions", BODY)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_not_found")


def test_a_path_nobody_meters_is_refused(edge, run):
    answer = edge.post("/v1/proxy/openai/v1/images/generations", {"prompt": "x"}, x_mock_tag=run)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unmetered_path")
    assert edge.billed(run) == []


@pytest.mark.parametrize("place", ["x_api_key", "x_goog_api_key", "api_key", "x_agentwatch_key"])
def test_the_token_is_accepted_wherever_an_sdk_puts_it(edge, place):
    answer = edge.get("/v1/models", authorization="", **{place: edge.token})

    assert answer.status_code == 200


def test_the_static_map_knows_tokens_that_kv_does_not(edge, stack):
    answer = edge.get("/v1/budget-check?session_id=s", authorization=f"Bearer {stack.tokens['static']}")

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"], ids=["json", "stream"])
def test_gemini_takes_what_google_does_and_bills_what_its_code_read(edge, run, method):
    body = {
        "contents": {"parts": {"text": "hello"}},
        "tools": {"codeExecution": {}},
        "generationConfig": {
            "maxOutputTokens": "100",
            "candidateCount": "1",
            "thinkingConfig": {"thinkingBudget": "0"},
        },
    }

    answer = edge.post(
        f"/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:{method}",
        body,
        x_agentwatch_session_id=run,
        x_mock="tool_use_prompt_tokens=50000;output_tokens=20",
        x_mock_tag=run,
    )

    assert answer.status_code == 200, answer.text
    (entry,) = edge.billed(run)
    assert entry["usage"]["input_tokens"] >= 50_000
    assert spent_nanousd(edge, run) == entry["billed_nanousd"] > 0
    assert edge.session(run)["held_usd"] == 0
