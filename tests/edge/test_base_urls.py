"""Whatever base URL a client was given, its calls arrive; and what does not arrive is told in its own form, and says what
to write."""

import json
from typing import Any

import anthropic
import openai
import pytest

from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import Client
from tests.support.memory_ports import ScriptedAnswer, World

SETTINGS = parse_settings({f"{name}_API_KEY": "sk" for name in ("OPENAI", "ANTHROPIC", "GEMINI", "GROQ", "XAI")})
CHAT = {"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}


def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[Answer, World]:
    world = World({})
    world.answer = ScriptedAnswer(chunks=(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}',))
    return Client(world, Isolate(SETTINGS)).ask(method, path, body, **headers), world


ARRIVING = [
    ("/v1/proxy/openai/v1/v1/chat/completions", CHAT, "https://api.openai.com/v1/chat/completions"),
    ("/v1/proxy/anthropic/v1/v1/messages", CHAT, "https://api.anthropic.com/v1/messages"),
    ("/v1/proxy/groq/openai/v1/openai/v1/chat/completions", CHAT, "https://api.groq.com/openai/v1/chat/completions"),
    (
        "/v1/proxy/gemini/v1beta/v1beta/models/gemini-2.5-flash:generateContent",
        CONTENTS,
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
    ),
    ("/v1/v1/proxy/openai/v1/chat/completions", CHAT, "https://api.openai.com/v1/chat/completions"),
    ("/v1/v1/chat/completions", CHAT, "https://api.openai.com/v1/chat/completions"),
    ("/v1/v1/messages", {**CHAT, "model": "claude-haiku-4-5"}, "https://api.anthropic.com/v1/messages"),
    (
        "/v1/completions",
        {"model": "openai/gpt-3.5-turbo-instruct", "prompt": "hi", "max_tokens": 9},
        "https://api.openai.com/v1/completions",
    ),
]


@pytest.mark.parametrize(("path", "body", "url"), ARRIVING, ids=[path for path, _, _ in ARRIVING])
def test_a_version_written_twice_or_not_at_all_arrives(path: str, body: Any, url: str) -> None:
    answer, world = ask("POST", path, body)

    assert [sent.url for sent in world.sent] == [url], answer.body
    assert world.ledger_calls >= 2, "held for and settled"


def test_who_has_no_legacy_completions_is_told_so() -> None:
    answer, world = ask("POST", "/v1/completions", {"model": "claude-haiku-4-5", "prompt": "hi"})

    assert (answer.status, world.sent) == (400, [])
    assert b"cannot be translated for it: completions" in answer.body


BASE_URLS = [
    "/v1/proxy/anthropic", "/v1/proxy/openai/", "/v1/v1/proxy/gemini", "/v1/proxy/openai/v1", "/v1/proxy/anthropic/v1/",
    "/v1/proxy/groq/openai/v1", "/v1/proxy/gemini/v1beta", "/v1/proxy/gemini/v1beta/openai/", "/v1/proxy/xai/v1/v1",
]  # fmt: skip


@pytest.mark.parametrize("path", BASE_URLS)
def test_who_looks_whether_anybody_is_there_is_told_what_comes_behind(path: str) -> None:
    seen, world = Client(World({}), Isolate(SETTINGS), None).ask("HEAD", path), World({})
    told = Client(world, Isolate(SETTINGS), None).ask("GET", path)

    assert (seen.status, told.status, world.sent) == (200, 200, [])
    assert "come behind it" in json.loads(told.body)["message"]


@pytest.mark.parametrize("path", ["/v1/proxy/nobody", "/v1/proxy/nobody/v1", "/v1/proxy/"])
def test_nobody_s_base_url_is_not_found(path: str) -> None:
    assert Client(World({}), Isolate(SETTINGS), None).ask("GET", path).status == 404


def test_a_route_that_there_is_not_says_where_providers_are() -> None:
    answer, _ = ask("POST", "/v1/moderations", {"input": "hi"})

    assert answer.status == 404
    assert b"/v1/proxy/{provider}/" in answer.body


GEMINI_S = ["v1beta/cachedContents", "v1beta/files", "upload/v1beta/files", "v1beta/batches", "v1beta/x/operations/o:y"]


@pytest.mark.parametrize("path", GEMINI_S)
def test_gemini_s_own_paths_are_refused_in_its_own_form_by_the_path_that_was_sent(path: str) -> None:
    answer, _ = ask("POST", f"/v1/proxy/gemini/{path}", {})

    error = json.loads(answer.body)["error"]
    assert (error["status"], error["details"][0]["reason"]) == ("PERMISSION_DENIED", "unmetered_path")
    assert f"POST /v1/proxy/gemini/{path} " in error["message"]


@pytest.mark.parametrize("token", [None, "aw_live_" + "99" * 24])
@pytest.mark.parametrize("path", ["/v1/proxy/xai/v1/messages", "/v1/messages?beta=true", "/v1/messages/batches"])
def test_a_caller_of_messages_is_refused_in_anthropic_s_form(path: str, token: str | None) -> None:
    answer = Client(World({}), Isolate(SETTINGS), token).ask("POST", path, CHAT)

    assert json.loads(answer.body)["type"] == "error"


# The unified surface's models ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai%2Fgpt-4o-mini", "openai/gpt-4o-mini"),
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("groq%2Fopenai%2Fgpt-oss-120b", "groq/openai/gpt-oss-120b"),
    ],
)
def test_a_model_is_found_by_the_name_that_a_call_takes(asked: str, found: str) -> None:
    answer, _ = ask("GET", f"/v1/models/{asked}")

    model = json.loads(answer.body)
    assert (answer.status, model["id"]) == (200, found)
    assert openai.types.Model.model_validate(model).owned_by == found.partition("/")[0]
    assert anthropic.types.ModelInfo.construct(**model).display_name == found.partition("/")[2]


@pytest.mark.parametrize("asked", ["gpt-9", "openai/gpt-9", "nobody/gpt-4o"])
def test_a_model_without_a_price_is_not_found(asked: str) -> None:
    answer, _ = ask("GET", f"/v1/models/{asked}")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (404, "model")


def test_the_list_of_models_is_one_whole_page_to_both_clients() -> None:
    answer, _ = ask("GET", "/v1/models")

    page = json.loads(answer.body)
    assert (page["object"], page["has_more"]) == ("list", False)
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
