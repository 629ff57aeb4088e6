"""A tenant of a test's own, with an administrator and a member, so that what it has sealed is nobody else's."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from local.stack import Stack
from tests.runtime.conftest import Edge


@dataclass(frozen=True)
class Tenant:
    name: str
    admin: Edge
    member: Edge


def a_tenant(stack: Stack, **config: Any) -> Tenant:
    name = f"sealed-{secrets.token_hex(4)}"
    tokens = {role: f"aw_live_{secrets.token_hex(24)}" for role in ("admin", "member")}
    for role, token in tokens.items():
        record = {"tenant": name, "role": role, "key_id": f"key_{role}"}
        stack.put_kv(f"key:{hashlib.sha256(token.encode()).hexdigest()}", record)
    stack.put_kv(f"t:{name}:config", {"requests_per_minute": 1_000_000, **config})
    return Tenant(name, Edge(stack, tokens["admin"]), Edge(stack, tokens["member"]))
