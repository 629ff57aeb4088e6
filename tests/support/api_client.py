"""Clients of AgentWatch's own API: members and administrators of two tenants, over HTTP as `app` sees it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from app import handle
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.inbound import an_inbound
from tests.support.memory_ports import World

ADMIN = "aw_live_" + "cd" * 24
OTHER = "aw_live_" + "ef" * 24
"""The administrator of another tenant."""


def a_world_with_administrators(config: Mapping[str, Any] | None = None) -> World:
    world = World(config)
    for token, tenant in ((ADMIN, "acme"), (OTHER, "other")):
        record = {"tenant": tenant, "role": "admin", "key_id": f"key_{tenant}"}
        world.kv[f"key:{hashlib.sha256(token.encode()).hexdigest()}"] = json.dumps(record)
    return world


def an_isolate() -> Isolate:
    return Isolate(parse_settings({"OPENAI_API_KEY": "sk"}))


class Client:
    """One tenant's or administrator's client."""

    def __init__(self, world: World, isolate: Isolate, token: str) -> None:
        self._world, self._isolate, self._token = world, isolate, token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`headers` with underscores for dashes."""
        content = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = an_inbound(method, path, query, {"authorization": f"Bearer {self._token}", **named}, content)
        answer: Answer = self._world.run(handle(request, self._world.ports(), self._isolate))
        return answer

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path).body)

    def put(self, path: str, body: Any) -> Any:
        answer = self.ask("PUT", path, body)
        return json.loads(answer.body) if answer.status == 200 else json.loads(answer.body)["error"]
