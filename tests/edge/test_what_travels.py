"""What a provider is shown of a request, from the caller's socket to ours: whose key, which parameters, whose account."""

import json

import pytest

from core.providers import PROVIDERS
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import Client
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

KEYS = {provider: f"ours-{provider}" for provider in PROVIDERS}
SETTINGS = parse_settings({PROVIDERS[name].secret_name: key for name, key in KEYS.items()})
ANTHROPIC_KEY = "sk-ant-api03-R2d2C3poBb8K2soIg88"
OPENAI_KEY = "sk-R2d2C3poBb8K2soIg88L337"
MESSAGES = {"max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
GEMINI = "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"


def call(
    path: str, model: str = "gpt-4o-mini", query: str = "", body: object = None, **headers: str
) -> tuple[Answer, World]:
    world = World({})
    world.answer = ScriptedAnswer(chunks=(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}',))
    asked = body or {"model": model, **MESSAGES}
    return Client(world, Isolate(SETTINGS)).call(asked, f"{path}?{query}", **headers), world


def shown(world: World) -> dict[str, str]:
    """Everything a provider sees that looks like a key."""
    (sent,) = world.sent
    return {
        name: value for name, value in sent.headers.items() if name in ("authorization", "x-api-key", "x-goog-api-key")
    }


ROUTES = [
    ("/v1/proxy/openai/v1/chat/completions", {"authorization": "Bearer ours-openai"}),
    ("/v1/proxy/groq/openai/v1/chat/completions", {"authorization": "Bearer ours-groq"}),
    ("/v1/proxy/xai/v1/chat/completions", {"authorization": "Bearer ours-xai"}),
    ("/v1/proxy/xai/v1/messages", {"authorization": "Bearer ours-xai"}),
    ("/v1/proxy/gemini/v1beta/openai/chat/completions", {"authorization": "Bearer ours-gemini"}),
]


@pytest.mark.parametrize(("path", "ours"), ROUTES)
def test_a_key_of_another_provider_s_is_shown_to_nobody(path: str, ours: dict[str, str]) -> None:
    _, world = call(path, x_api_key=ANTHROPIC_KEY)

    assert shown(world) == ours
    assert ANTHROPIC_KEY not in str(world.sent)


def test_a_key_in_its_own_provider_s_header_is_used() -> None:
    _, world = call("/v1/proxy/anthropic/v1/messages", x_api_key=ANTHROPIC_KEY)

    assert shown(world) == {"x-api-key": ANTHROPIC_KEY}


@pytest.mark.parametrize("value", [f"Basic {OPENAI_KEY}", f"Digest {OPENAI_KEY}", "Bearer unused"])
def test_what_is_no_key_is_shown_to_nobody(value: str) -> None:
    _, world = call("/v1/proxy/openai/chat/completions", x_agentwatch_key=TOKEN, authorization=value)

    assert shown(world) == {"authorization": "Bearer ours-openai"}


def test_on_the_unified_endpoint_a_key_must_say_whose_it_is() -> None:
    answer, world = call(
        "/v1/chat/completions", "groq/llama-3.1-8b-instant", authorization=f"Bearer {TOKEN}:{OPENAI_KEY}"
    )

    assert (answer.status, world.sent, world.ledger_calls) == (400, [], 0)
    assert b"openai=your-key" in answer.body


@pytest.mark.parametrize(
    ("model", "bearer"), [("openai/gpt-4o-mini", OPENAI_KEY), ("groq/llama-3.1-8b-instant", "ours-groq")]
)
def test_on_the_unified_endpoint_a_named_key_goes_to_its_provider_only(model: str, bearer: str) -> None:
    _, world = call("/v1/chat/completions", model, authorization=f"Bearer {TOKEN}:openai={OPENAI_KEY}")

    assert shown(world) == {"authorization": f"Bearer {bearer}"}


def test_a_token_in_the_address_lets_in_and_stays_here() -> None:
    contents = {"contents": [{"parts": [{"text": "hi"}]}]}

    _, world = call(GEMINI, query=f"alt=sse&key={TOKEN}", body=contents, authorization="")

    assert world.sent[0].url.endswith(":streamGenerateContent?alt=sse")
    assert shown(world) == {"x-goog-api-key": "ours-gemini"}


SESSIONS = [
    ({"x_agentwatch_session_id": "run-42"}, ""),
    ({}, "x-agentwatch-session-id=run-42"),
    ({"authorization": f"Bearer {TOKEN}~run-42"}, ""),
    ({"authorization": "", "x_goog_api_key": f"{TOKEN}~run-42:gemini={OPENAI_KEY}"}, ""),
    ({"authorization": ""}, f"key={TOKEN}~run-42"),
]


@pytest.mark.parametrize(("headers", "query"), SESSIONS)
@pytest.mark.parametrize("is_metered", [True, False])
def test_a_session_is_charged_wherever_it_is_named_and_no_provider_hears_of_it(
    headers: dict[str, str], query: str, is_metered: bool
) -> None:
    world = World({})
    world.answer = ScriptedAnswer(chunks=(b'{"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}',))
    path = "/v1/proxy/gemini/v1beta/models" + ("/gemini-2.5-flash:generateContent" if is_metered else "")
    body = {"contents": [{"parts": [{"text": "hi"}]}]} if is_metered else None

    answer = Client(world, Isolate(SETTINGS)).ask(
        "POST" if is_metered else "GET", f"{path}?{query}&pageSize=5", body, **headers
    )

    assert answer.status == 200
    assert len(world.sent) == 1
    assert "run-42" not in str((world.sent[0].url, dict(world.sent[0].headers), world.sent[0].body))
    assert ("pageSize=5" in world.sent[0].url) is not is_metered
    assert ("x-agentwatch-session-spent-usd" in answer.headers) is is_metered


BEHIND_TOKENS = [
    (f"{TOKEN}~run-42", 200),
    (f"{TOKEN}~a/b", 400),
    (f"{TOKEN}~", 400),
    ("aw_live_" + "00" * 24 + "~run-42", 401),
    ("aw_live_" + "00" * 24 + "~a/b", 401),
]


@pytest.mark.parametrize(("token", "status"), BEHIND_TOKENS)
def test_what_stands_behind_a_token_is_judged_once_the_token_is_good(token: str, status: int) -> None:
    answer, world = call("/v1/chat/completions", authorization=f"Bearer {token}")

    assert answer.status == status
    assert (b"token~session" in answer.body) is (status == 400)
    assert len(world.sent) == (status == 200)


MASKS = [
    "fields=candidates",
    "$fields=candidates",
    "%24fields=candidates",
    "$alt=json;enum-encoding=int",
    "key=AIzaOther",
]


@pytest.mark.parametrize("mask", MASKS)
def test_no_mask_reaches_the_provider_of_a_metered_call(mask: str) -> None:
    contents = {"contents": [{"parts": [{"text": "hi"}]}]}

    _, world = call(GEMINI, query=f"{mask}&alt=sse", body=contents, x_goog_fieldmask="candidates")

    assert world.sent[0].url.endswith(":streamGenerateContent?alt=sse")
    assert "x-goog-fieldmask" not in world.sent[0].headers


def test_a_metered_body_goes_as_json_whatever_the_caller_calls_it() -> None:
    _, world = call(
        "/v1/proxy/openai/chat/completions", content_type="text/plain", accept="text/csv", range="bytes=0-9"
    )

    assert {name: world.sent[0].headers.get(name) for name in ("content-type", "accept", "range")} == {
        "content-type": "application/json",
        "accept": "*/*",
        "range": None,
    }


def test_a_fine_tune_under_the_shared_account_is_refused_before_any_money_moves() -> None:
    answer, world = call("/v1/proxy/openai/chat/completions", "ft:gpt-4o-mini-2024-07-18:acme::x")

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (403, "shared_account")
    assert (world.sent, world.ledger_calls) == ([], 0)
