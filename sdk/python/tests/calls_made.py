"""Calls, their ends and guards with good defaults, for tests that care for one thing about them."""

from __future__ import annotations

from typing import Any

from agentwatch.calls import CallEnd, CallFacts, Usage
from agentwatch.guard import Guard
from agentwatch.settings import read_settings

CANARY = "aw_test_" + "c0ffee" * 8


def some_facts(**changes: Any) -> CallFacts:
    values: dict[str, Any] = {
        "provider": "openai",
        "dialect": "openai_chat",
        "path": "chat/completions",
        "model": "gpt-5",
        "is_streaming": False,
        "input_bytes": 120,
    }
    return CallFacts(**(values | changes))


def some_end(**changes: Any) -> CallEnd:
    usage = Usage(prompt_tokens=10, completion_tokens=5)
    values: dict[str, Any] = {"outcome": "complete", "usage": usage, "status": 200}
    return CallEnd(**(values | changes))


def a_guard(url: str, **arguments: Any) -> Guard:
    given = {"agentwatch_api_key": CANARY, "agentwatch_base_url": url, "agentwatch_timeout_seconds": 1.0}
    given |= {f"agentwatch_{name}": value for name, value in arguments.items()}
    return Guard(read_settings(given, {}))
