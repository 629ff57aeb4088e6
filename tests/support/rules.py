"""Rules as tests write them, and what is told of them."""

import json
from typing import Any

from exchange import Answer
from tests.support.api_client import Client
from tests.support.memory_ports import World


def a_rule(rule: str = "a-rule", **values: Any) -> dict[str, Any]:
    return {"id": rule, "condition": {"always": True}, "action": {"type": "block"}, **values}


def write_rules(admin: Client, *rules: dict[str, Any], **config: Any) -> None:
    answer = admin.ask("PUT", "/v1/rules", {"rules": rules}, if_match="*")
    assert answer.status == 200, answer.body
    if config:
        assert admin.ask("PUT", "/v1/config", config, if_match="*").status == 200


def error_of(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer.body, bytes)
    error: dict[str, Any] = json.loads(answer.body)["error"]
    return error


def last_call(world: World) -> dict[str, Any]:
    return [each for each in world.records if each["type"] == "call"][-1]


def alerts(world: World) -> list[dict[str, Any]]:
    """What waits in the Ledger's outbox for its alarm, and what the edge has sent itself."""
    kept = [json.loads(text) for text in world.ledger_of("acme").outbox]
    return [each for each in (*kept, *world.records) if each["type"] == "alert"]
