"""One running stack for all tests of this folder, and what they ask of it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.support.access import AUDIENCE
from tests.support.key_server import KeyServer

SETTLED_TIMEOUT_S = 20.0


@pytest.fixture(scope="session")
def key_server() -> Iterator[KeyServer]:
    """Of the team whose single sign-on the stack believes."""
    with KeyServer() as server:
        yield server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, key_server: KeyServer) -> Iterator[Stack]:
    with Stack(
        tmp_path_factory.mktemp("stack") / "state",
        has_second_edge=True,
        env={
            "HOLD_TTL_MS": "3000",
            "FIRST_BYTE_TIMEOUT_MS": "12000",
            "SDK_HOLD_TTL_MS": "10000",
            "ACCESS_TEAM_DOMAIN": key_server.url,
            "ACCESS_APPLICATIONS": json.dumps({AUDIENCE: "signed-on"}),
        },
    ) as running:
        yield running


@dataclass(frozen=True)
class Edge:
    """The edge Worker as one tenant's client sees it, and the provider's truth beside it."""

    stack: Stack
    token: str

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """POST JSON (or bytes as they are); header names with underscores for dashes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.stack.edge_url + path, content=content, headers=self.headers(**headers), timeout=60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.stack.edge_url + path, headers=self.headers(**headers), timeout=60)

    def put(self, path: str, body: Any) -> httpx.Response:
        return httpx.put(self.stack.edge_url + path, json=body, headers=self.headers(), timeout=60)

    def delete(self, path: str) -> httpx.Response:
        return httpx.delete(self.stack.edge_url + path, headers=self.headers(), timeout=60)

    def headers(self, **headers: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json", **named}

    def session(self, session_id: str) -> dict[str, Any]:
        """The session's budget once nothing is held on it any more."""
        return eventually(
            lambda: self.get(f"/v1/budget-check?session_id={session_id}").json(), lambda check: check["held_usd"] == 0
        )

    def billed(self, tag: str) -> list[dict[str, Any]]:
        """What the provider's journal says of the calls with this `x-mock-tag`, once all have ended."""
        return eventually(
            lambda: httpx.get(f"{self.stack.mock_url}/_mock/journal", params={"tag": tag}).json()["entries"],
            lambda entries: all(entry["ended"] != "running" for entry in entries),
        )

    def outcomes(self, session_id: str) -> list[str]:
        """How the session's calls ended, as far as they have a row by now."""
        query = "select outcome from llm_request_logs where session_id = %s order by started_at"
        with psycopg.connect(self.stack.postgres_dsn, autocommit=True) as connection:
            return [row[0] for row in connection.execute(query, (session_id,))]


def eventually(read: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    """Read until it is there; the last reading fails the test by what it shows."""
    deadline = time.monotonic() + SETTLED_TIMEOUT_S
    while not is_there(value := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_there(value), value
    return value


@pytest.fixture
def edge(stack: Stack) -> Edge:
    return Edge(stack, stack.tokens["live"])


@pytest.fixture
def admin(stack: Stack) -> Edge:
    return Edge(stack, stack.tokens["admin"])


@pytest.fixture
def other_tenant(stack: Stack) -> Edge:
    return Edge(stack, stack.tokens["other_tenant"])


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    """An id of this test's own: for its session and its tag in the journal."""
    return Path(request.node.nodeid).name.replace("::", ".").replace("[", ".").replace("]", "")[-60:]
