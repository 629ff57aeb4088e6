"""What failover costs a call: without a chain, with one that nobody needs, and with a first hop that fails.

Tenants ask the same edge Worker in turns, each with a chain of its own. The first hop fails by an answer that cools
nothing down (a request too long for it), so that every call asks it. Where the next one is a model of the same API,
what is added is the failed attempt and one question to the Ledger; where it is Claude, its translation, too.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.request import Request, urlopen

from rich.table import Table

from bench.measuring.calls import PROMPT
from bench.measuring.figures import Latency
from bench.measuring.http_client import Connection, Target
from bench.measuring.tenants import Tenants
from bench.overhead import in_turns
from local.stack import Stack

SERVES, FAILS = "gpt-4.1-nano", "gpt-4o-mini"
CLAUDE = {"provider": "anthropic", "model": "claude-haiku-4-5"}
OTHER_MODEL = {"provider": "openai", "model": SERVES}

CHAINS: Mapping[str, list[dict[str, Any]]] = {
    "no chain": [],
    "a chain that is not needed": [{"match": {"model": SERVES}, "hops": [CLAUDE]}],
    "the first hop fails": [{"match": {"model": FAILS}, "hops": [OTHER_MODEL]}],
    "the first hop fails, Claude serves": [{"match": {"model": FAILS}, "hops": [CLAUDE]}],
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls took with one chain: how long, and how much processor time of workerd (ms a call)."""

    chain: str
    latency: Latency
    processor_ms: float


def chained_tenants() -> Tenants:
    return Tenants(CHAINS)


async def measure_failover(stack: Stack, tenants: Tenants, samples: int, say: Callable[[str], None]) -> list[Cost]:
    """`samples` JSON calls with each chain, over one connection."""
    tenants.write(stack, "failover", {name: {"chains": chains} for name, chains in CHAINS.items()})
    script = {"script": "status=413", "provider": "openai", "model": FAILS, "times": 10 * samples}
    headers = {"content-type": "application/json"}
    with urlopen(Request(f"{stack.mock_url}/_mock/scripts", json.dumps(script).encode(), headers), timeout=30):
        pass
    say(f"failover: {len(CHAINS)} chains in turns")
    targets = [tenants.target(stack, name) for name in CHAINS]
    turns = await in_turns(targets, 1, samples, _call, Connection.call_s, pid=stack.workerd_pid())
    processor = turns.processor_ms()
    return [Cost(name, found, processor[name]) for name, found in turns.latencies().items()]


def _call(target: Target) -> bytes:
    model = FAILS if "fail" in target.name else SERVES
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 50}
    return target.request(json.dumps(body).encode(), {})


def failover_table(costs: list[Cost]) -> Table:
    table = Table(title="Milliseconds a call, by its tenant's failover chain")
    for column in ("chain", "p50", "p99", "cpu", "added p50", "added cpu"):
        table.add_column(column, justify="left" if column == "chain" else "right")
    for cost in costs:
        table.add_row(
            cost.chain,
            f"{cost.latency.p50_ms:.2f}",
            f"{cost.latency.p99_ms:.2f}",
            f"{cost.processor_ms:.2f}",
            f"{cost.latency.p50_ms - costs[0].latency.p50_ms:+.2f}",
            f"{cost.processor_ms - costs[0].processor_ms:+.2f}",
        )
    return table


def failover_json(costs: list[Cost]) -> list[dict[str, Any]]:
    return [asdict(cost) for cost in costs]
