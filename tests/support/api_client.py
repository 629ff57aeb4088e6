"""Clients of AgentWatch: members and administrators of two tenants, over HTTP as `app` sees it; and a call they make."""

import json
from collections.abc import Mapping
from typing import Any

from app import handle
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.inbound import an_inbound
from tests.support.memory_ports import TOKEN, World
from tests.support.scripted_records import JWT_SECRET, SUPABASE_URL

CHAT = "/v1/proxy/openai/v1/chat/completions"
CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1_000}
ANSWER = {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 100, "completion_tokens": 10}, "choices": [{}]}
BILLED_NANOUSD = 100 * 150 + 10 * 600
"""A small call, an answer to it, and what that costs."""

SSE = {"content-type": "text/event-stream"}

ADMIN = "aw_live_" + "cd" * 24
OTHER = "aw_live_" + "ef" * 24
"""The administrator of another tenant."""
OPERATOR = "aw_live_" + "0f" * 24


def a_world_with_administrators(config: Mapping[str, Any] | None = None) -> World:
    return with_administrators(World(config))


def with_administrators(world: World) -> World:
    for token, tenant in ((ADMIN, "acme"), (OTHER, "other")):
        world.knows(token, tenant=tenant, role="admin", key_id=f"key_{tenant}")
    return world


def an_isolate(**settings: str) -> Isolate:
    database = {"SUPABASE_URL": SUPABASE_URL, "SUPABASE_JWT_SECRET": JWT_SECRET}
    return Isolate(parse_settings({"OPENAI_API_KEY": "sk", "OPERATOR_TOKEN": OPERATOR, **database, **settings}))


def sse(document: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(document).encode() + b"\n\n"


class Client:
    """A member's or an administrator's client, or with no token a stranger's."""

    def __init__(self, world: World, isolate: Isolate, token: str | None = TOKEN) -> None:
        self._world, self._isolate, self._token = world, isolate, token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`headers` with underscores for dashes; a body that is no bytes goes as JSON."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = path.partition("?")
        own = {} if self._token is None else {"authorization": f"Bearer {self._token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = an_inbound(method, path, query, own | named, content)
        answer: Answer = self._world.run(handle(request, self._world.ports(), self._isolate))
        return answer

    def call(self, body: Any = CALL, path: str = CHAT, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path).body)

    def put(self, path: str, body: Any) -> Any:
        answer = self.ask("PUT", path, body)
        return json.loads(answer.body) if answer.status == 200 else json.loads(answer.body)["error"]
