"""`python -m bench`: measure the local stack; print tables, and write JSON under `bench/results/`."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from bench.cost import COUNTED_EDGE, cost_json, cost_table, measure_cost
from bench.failover import chained_tenants, failover_json, failover_table, measure_failover
from bench.ladder import LADDER_WORKER, ladder_worker, rung
from bench.ledger import ledger_caller, ledger_json, ledger_table, measure_ledger
from bench.measuring.calls import BASELINE_WORKER, EDGE_WORKER, agentwatch, baseline_worker, targets
from bench.measuring.http_client import LoadError, Target
from bench.memory import measure_memory, memory_json, memory_table
from bench.neighbours import measure_neighbours, neighbours_json, neighbours_tables
from bench.overhead import measure_overhead, overhead_json, overhead_table
from bench.overspend.race import measure_overspend, overspend_json, overspend_table, strawman_worker
from bench.peers.comparison import full_tenant, installed_peers, measure_peers
from bench.peers.report import peers_json, peers_tables
from bench.profiling.profile import measure_profile, profile_json, profile_tables
from bench.rules import measure_rules, ruled_tenants, rules_json, rules_table
from bench.sdk import measure_sdk, sdk_json, sdk_tables
from bench.streams import measure_stream_memory, measure_streams, stream_memory_table, streams_json, streams_table
from local.paths import NODE, NODE_MODULES
from local.processes import StackError, free_port
from local.stack import Stack

RESULTS = Path(__file__).parent / "results"
INTERRUPTED = 130
"""The exit status of a command ended by Ctrl-C."""

_MEMORY_TARGETS: tuple[tuple[Callable[[Stack], Target], str], ...] = (
    (lambda stack: targets(stack)[1], BASELINE_WORKER),
    (lambda stack: rung(stack, "settle"), LADDER_WORKER),
    (agentwatch, EDGE_WORKER),
)
"""Who serves the requests while memory is watched, and the isolate it runs in."""

console = Console(width=None if sys.stdout.isatty() else 140)


class Which(StrEnum):
    overhead = "overhead"
    ledger = "ledger"
    memory = "memory"
    neighbours = "neighbours"
    overspend = "overspend"
    streams = "streams"
    cost = "cost"
    rules = "rules"
    failover = "failover"
    sdk = "sdk"
    peers = "peers"
    profile = "profile"
    all = "all"


def _dollars(text: str) -> str:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is not an amount in dollars, such as 5 or 0.50") from None
    if not (amount.is_finite() and amount > 0):
        raise typer.BadParameter("a cap must be above zero")
    return text


def main(
    which: Annotated[Which, typer.Argument(help="What to measure.")] = Which.all,
    samples: Annotated[
        int, typer.Option(min=320, help="overhead, rules, failover, sdk, peers: calls per target and load.")
    ] = 1_000,
    requests: Annotated[int, typer.Option(min=200, help="memory: calls that each target serves.")] = 10_000,
    calls: Annotated[int, typer.Option(min=20, help="overspend: calls at once on one session.")] = 1_000,
    cap_usd: Annotated[str, typer.Option(callback=_dollars, help="overspend: that session's cap in dollars.")] = "5",
    pace_ms: Annotated[float, typer.Option(min=0, help="overspend: milliseconds per token of those calls.")] = 25,
) -> None:
    """Measure AgentWatch on a fresh local stack: one benchmark by its name, or all of them (about 30 minutes).

    overhead: what it adds to a call, rung by rung. memory: does it grow with requests? overspend: a cap against
    many calls at once. ledger: one Ledger's pace. streams: what it adds to a stream. neighbours: what one tenant's
    bodies do to another. cost: what a call costs on Cloudflare's bill, row by row. rules: what rules add to a call.
    failover: what a chain adds. sdk: what the Python SDK adds to a call. peers: the same calls, and a cap, beside
    LiteLLM and Portkey, which it installs under .local. profile: where a call's time goes inside the isolate. Each
    prints a table and writes bench/results/NAME.json.
    """
    try:
        if which in (Which.overhead, Which.all):
            _run_overhead(samples)
        if which in (Which.memory, Which.all):
            _run_memory(requests)
        if which in (Which.overspend, Which.all):
            _run_overspend(calls, cap_usd, pace_ms)
        if which in (Which.ledger, Which.all):
            _run_ledger()
        if which in (Which.streams, Which.all):
            _run_streams()
        if which in (Which.neighbours, Which.all):
            _run_neighbours()
        if which in (Which.cost, Which.all):
            _run_cost()
        if which in (Which.rules, Which.all):
            _run_rules(samples)
        if which in (Which.failover, Which.all):
            _run_failover(samples)
        if which in (Which.sdk, Which.all):
            _run_sdk(samples)
        if which in (Which.peers, Which.all):
            _run_peers(samples)
        if which in (Which.profile, Which.all):
            _run_profile()
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(INTERRUPTED) from None
    except (StackError, LoadError, OSError, EOFError) as error:
        # EOFError: a server closed the connection in the middle of an answer.
        console.print(f"[red]{escape(str(error) or type(error).__name__)}[/red]")
        raise typer.Exit(1) from error


def _run_overhead(samples: int) -> None:
    with tempfile.TemporaryDirectory() as state, _stack(Path(state), ladder_worker()) as stack:
        loads = asyncio.run(measure_overhead(stack, samples, _say))
    console.print(overhead_table(loads))
    _write("overhead", overhead_json(loads))


def _run_memory(requests: int) -> None:
    courses = []
    for pick, worker in _MEMORY_TARGETS:
        with (
            tempfile.TemporaryDirectory() as state,
            _stack(Path(state), ladder_worker(), inspector_port=free_port()) as stack,
        ):
            courses.append(asyncio.run(measure_memory(stack, pick(stack), worker, requests, _say)))
    console.print(memory_table(courses))
    _write("memory", memory_json(courses))


def _run_overspend(calls: int, cap_usd: str, pace_ms: float) -> None:
    with tempfile.TemporaryDirectory() as state, _stack(Path(state)) as stack:
        found = asyncio.run(measure_overspend(stack, calls=calls, cap_usd=cap_usd, pace_ms=pace_ms, say=_say))
    console.print(overspend_table(found))
    _write("overspend", overspend_json(found))


def _run_ledger() -> None:
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", extra_workers=[ledger_caller()], with_database=False, say=_say) as stack,
    ):
        figures = asyncio.run(measure_ledger(stack, _say))
    console.print(ledger_table(figures))
    _write("ledger", ledger_json(figures))


def _run_streams() -> None:
    with tempfile.TemporaryDirectory() as state, _stack(Path(state), inspector_port=free_port()) as stack:
        loads = asyncio.run(measure_streams(stack, _say))
        memory = asyncio.run(measure_stream_memory(stack, _say))
    console.print(streams_table(loads))
    console.print(stream_memory_table(memory))
    _write("streams", streams_json(loads, memory))


def _run_neighbours() -> None:
    port = free_port()
    env = {f"{name}_BASE_URL": f"http://127.0.0.1:{port}" for name in ("OPENAI", "ANTHROPIC", "GEMINI")}
    keys = {f"{name}_API_KEY": "sk-bench" for name in ("OPENAI", "ANTHROPIC", "GEMINI")}
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", env={**env, **keys}, with_database=False, say=_say) as stack,
    ):
        found, weights = asyncio.run(measure_neighbours(stack, port, _say))
    for table in neighbours_tables(found, weights):
        console.print(table)
    _write("neighbours", neighbours_json(found, weights))


def _run_cost() -> None:
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", edge_entry=COUNTED_EDGE, say=_say) as stack,
    ):
        bills = asyncio.run(measure_cost(stack, _say))
    console.print(cost_table(bills))
    _write("cost", cost_json(bills))


def _run_rules(samples: int) -> None:
    tenants = ruled_tenants()
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", kv=tenants.kv(), with_database=False, say=_say) as stack,
    ):
        costs = asyncio.run(measure_rules(stack, tenants, samples, _say))
    console.print(rules_table(costs))
    _write("rules", rules_json(costs))


def _run_failover(samples: int) -> None:
    tenants = chained_tenants()
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", kv=tenants.kv(), with_database=False, say=_say) as stack,
    ):
        costs = asyncio.run(measure_failover(stack, tenants, samples, _say))
    console.print(failover_table(costs))
    _write("failover", failover_json(costs))


def _run_sdk(samples: int) -> None:
    with tempfile.TemporaryDirectory() as state, Stack(Path(state) / "stack", say=_say) as stack:
        figures = measure_sdk(stack, samples, _say)
    for table in sdk_tables(figures):
        console.print(table)
    _write("sdk", sdk_json(figures))


def _run_peers(samples: int) -> None:
    versions, absent = installed_peers(_say)
    tenants = full_tenant()
    with (
        tempfile.TemporaryDirectory() as state,
        Stack(Path(state) / "stack", kv=tenants.kv(), say=_say) as stack,
    ):
        found = measure_peers(stack, tenants, samples, versions, absent, _say)
    for table in peers_tables(found):
        console.print(table)
    _write("peers", peers_json(found))


def _run_profile() -> None:
    with (
        tempfile.TemporaryDirectory() as state,
        _stack(Path(state), ladder_worker(), inspector_port=free_port()) as stack,
    ):
        found = asyncio.run(measure_profile(stack, _say))
    for table in profile_tables(found):
        console.print(table)
    _write("profile", profile_json(found))


def _stack(state_dir: Path, *more_workers: dict[str, Any], inspector_port: int = 0) -> Stack:
    workers = [baseline_worker(), strawman_worker(), *more_workers]
    return Stack(state_dir / "stack", extra_workers=workers, inspector_port=inspector_port, say=_say)


def _say(message: str) -> None:
    console.print(f"[dim]{escape(message)}…[/dim]")


def _write(name: str, figures: Any) -> None:
    """One file per benchmark, with what is needed to read the figures later."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": _machine(), "figures": figures}, indent=2) + "\n")
    console.print(f"written to {path.relative_to(RESULTS.parent.parent)}")


def _machine() -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "node": subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip(),
        **{name: _npm_version(name) for name in ("workerd", "miniflare", "pyodide")},
    }


def _npm_version(name: str) -> str:
    return str(json.loads((NODE_MODULES / name / "package.json").read_text())["version"])


typer.run(main)
