"""Tenants that ask one edge Worker in turns, each with a document of its own."""

import json
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.request import Request, urlopen

from bench.measuring.http_client import Target
from local.stack import Stack


class Tenants:
    """One tenant for each name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._tokens = {name: f"aw_live_{secrets.token_hex(24)}" for name in names}

    def kv(self) -> dict[str, dict[str, Any]]:
        """What the stack is to know of them before it starts."""
        entries: dict[str, dict[str, Any]] = {}
        for place, token in enumerate(self._tokens.values()):
            record = {
                "tenant": f"bench-{place}",
                "team": None,
                "role": "admin",
                "key_id": "key_bench",
                "disabled": False,
            }
            entries[f"key:{sha256(token.encode()).hexdigest()}"] = record
            entries[f"t:bench-{place}:config"] = {"requests_per_minute": 1_000_000}
        return entries

    def write(self, stack: Stack, kind: str, documents: Mapping[str, Any]) -> None:
        """Each tenant's document of this kind."""
        for name, document in documents.items():
            headers = {
                "authorization": f"Bearer {self._tokens[name]}",
                "if-match": "*",
                "content-type": "application/json",
            }
            request = Request(f"{stack.edge_url}/v1/{kind}", json.dumps(document).encode(), headers, method="PUT")
            with urlopen(request, timeout=30):
                pass

    def target(self, stack: Stack, name: str, path: str = "/v1/proxy/openai/v1/chat/completions") -> Target:
        headers = {"authorization": f"Bearer {self._tokens[name]}", "x-agentwatch-session-id": "bench"}
        return Target(name, stack.edge_url + path, headers)
