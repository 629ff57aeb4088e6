"""An edge for each test, and no connection that another test has left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_edge import ScriptedEdge, scripted_edge

from agentwatch.edge import registry


@pytest.fixture
def edge() -> Iterator[ScriptedEdge]:
    with scripted_edge() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AGENTWATCH_API_KEY", "AGENTWATCH_BASE_URL", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield
    for connection in registry._process.connections.values():
        connection.sender.close()
    registry._process.connections.clear()
