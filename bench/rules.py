"""What rules cost a call: none, fifty that never match, fifty that all match, and those with one of the session's.

Tenants ask the same edge Worker in turns, each with rules of its own and within a session, so that whatever else
the machine does falls on all of them alike. Processor time is that of the whole workerd process.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.measuring.calls import PROMPT, json_call
from bench.measuring.figures import Latency
from bench.measuring.http_client import Connection, Target
from bench.measuring.tenants import Tenants
from bench.overhead import in_turns
from local.stack import Stack

RULES = 50
NEVER = [{"model_pattern": f"no-such-model-{n}*", "prompt_tokens_min": 10} for n in range(RULES)]
ALWAYS = [{"model_pattern": "gpt-4o*", "prompt_tokens_min": n + 1, "max_tokens_min": 1} for n in range(RULES)]
OF_THE_SESSION = {"growth_ratio_min": 1.4, "session_spend_usd_min": "1000000", "repeated_prompt_min": 1_000_000_000}


def _tagging(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": f"rule-{n}", "condition": condition, "action": {"type": "tag", "tags": [f"tag-{n}"]}}
        for n, condition in enumerate(conditions)
    ]


BOOKS: Mapping[str, list[dict[str, Any]]] = {
    "none": [],
    "50 never": _tagging(NEVER),
    "50 match": _tagging(ALWAYS),
    "50 match, 1 of the session": [
        *_tagging(ALWAYS[1:]),
        {"id": "of-the-session", "priority": 1, "condition": OF_THE_SESSION, "action": {"type": "block"}},
    ],
}


LONG_BOOKS: Mapping[str, list[dict[str, Any]]] = {
    "none, 100 KB": [],
    "risk tags, 100 KB": _tagging([{"risk_tags_any": ["PII_SSN", "SECRET_SSH_KEY"]}]),
    "steps, 100 KB": _tagging([{"repeated_step_min": 1_000}]),
}
"""What has to be read of a request for them, which takes time with its length: a transcript of tool calls."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls took under one rulebook: how long, and how much processor time of workerd (ms a call)."""

    rules: str
    latency: Latency
    processor_ms: float


def ruled_tenants() -> Tenants:
    return Tenants([*BOOKS, *LONG_BOOKS])


async def measure_rules(stack: Stack, tenants: Tenants, samples: int, say: Callable[[str], None]) -> list[Cost]:
    """`samples` JSON calls under each rulebook, over one connection; a quarter as many with a long request."""
    tenants.write(stack, "rules", {name: {"rules": rules} for name, rules in {**BOOKS, **LONG_BOOKS}.items()})
    costs = []
    for books, count, encode in ((BOOKS, samples, json_call), (LONG_BOOKS, samples // 4, _long_call)):
        say(f"rules: {len(books)} rulebooks in turns")
        targets = [tenants.target(stack, name) for name in books]
        turns = await in_turns(targets, 1, count, encode, Connection.call_s, pid=stack.workerd_pid())
        processor = turns.processor_ms()
        costs += [Cost(name, found, processor[name]) for name, found in turns.latencies().items()]
    return costs


def _long_call(target: Target) -> bytes:
    """A request of about 100 KB: an agent's transcript, each of whose steps is another."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    for step in range(30):
        called = {
            "id": f"call_{step}",
            "type": "function",
            "function": {"name": "read", "arguments": f'{{"at": {step}}}'},
        }
        messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": f"call_{step}", "content": f"{step}: " + PROMPT * 11})
    body = {"model": "gpt-4o-mini", "messages": messages, "max_tokens": 50}
    return target.request(json.dumps(body).encode(), {"x-mock": "output_tokens=50"})


def rules_table(costs: list[Cost]) -> Table:
    table = Table(title="Milliseconds a call, by the rules of its tenant")
    for column in ("rules", "p50", "p99", "cpu", "added p50", "added cpu"):
        table.add_column(column, justify="left" if column == "rules" else "right")
    without = costs[0]
    for cost in costs:
        without = cost if cost.rules.startswith("none") else without
        added_p50 = cost.latency.p50_ms - without.latency.p50_ms
        table.add_row(
            cost.rules,
            f"{cost.latency.p50_ms:.2f}",
            f"{cost.latency.p99_ms:.2f}",
            f"{cost.processor_ms:.2f}",
            f"{added_p50:+.2f}",
            f"{cost.processor_ms - without.processor_ms:+.2f}",
        )
    return table


def rules_json(costs: list[Cost]) -> list[dict[str, Any]]:
    return [asdict(cost) for cost in costs]
