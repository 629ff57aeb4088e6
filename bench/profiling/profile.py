"""Where a call's time goes: AgentWatch's isolate beside the ladder's last rungs, and AgentWatch's Python by function.

The Ledger runs in the edge Worker's isolate here, so it is in the figures; work after the answer is in them as well.
V8's profile and the look at the interpreter are taken one after the other: either slows what it watches a little.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.ladder import LADDER_WORKER, rung
from bench.measuring.calls import EDGE_WORKER, agentwatch, json_call
from bench.measuring.http_client import Connection, LoadError, Target
from bench.measuring.inspector import inspected
from bench.overhead import opened
from bench.profiling.isolate import INTERVAL_US, PARTS, IsolateTime, Profiled, isolate_time
from bench.profiling.python_frames import Function, PythonTime, sample
from local.stack import Stack

CONNECTIONS = 16
WARM_UP_CALLS = 1_600
"""The first thousand are an isolate's slowest."""
ROUNDS = 3
ROUND_S = 6.0
LOOK_S = 30.0
SHOWN_SHARE = 0.01
OURS = "/session/metadata/"
"""Where the Worker's files are in the interpreter's own file system."""

PLACES = (
    (f"{OURS}durable_objects/", "the Ledger, beside its core"),
    (f"{OURS}core/ledger/", "the Ledger's core"),
    (f"{OURS}core/", "the rest of the core"),
    (f"{OURS}bindings/", "the edge's bindings and entry"),
    (f"{OURS}entry.py", "the edge's bindings and entry"),
    (f"{OURS}python_modules/", "the runtime's SDK"),
    (OURS, "the edge's orchestration"),
    ("/lib/python3.14/site-packages/_cloudflare/", "the runtime's SDK"),
    ("/lib/python314.zip/pyodide/", "event loop"),
    ("/lib/python314.zip/_pyodide/", "event loop"),
    ("/lib/python314.zip/asyncio/", "event loop"),
    ("", "the standard library, and code that it makes"),
)
"""What a file belongs to, by how its name begins; the first that fits."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Of each target the isolate's time, and AgentWatch's time in Python."""

    isolates: dict[str, IsolateTime]
    python: PythonTime


async def measure_profile(stack: Stack, say: Callable[[str], None]) -> Profile:
    targets = {
        "py + row": (rung(stack, "hold"), LADDER_WORKER),
        "py + close": (rung(stack, "settle"), LADDER_WORKER),
        "agentwatch": (agentwatch(stack), EDGE_WORKER),
    }
    rounds: dict[str, list[IsolateTime]] = {name: [] for name in targets}
    for target, _ in targets.values():
        async with _load(target) as load:
            await load.served(WARM_UP_CALLS)
    for number in range(ROUNDS):
        say(f"profile: isolates, round {number + 1} of {ROUNDS}")
        for name, (target, worker) in targets.items():
            rounds[name].append(await _isolate(stack, target, worker))
    say("profile: Python, by function")
    async with _load(agentwatch(stack)):
        with ProcessPoolExecutor(1) as another:
            # In a process of its own: within this one it would look only when the client has nothing to do.
            loop = asyncio.get_running_loop()
            python = await loop.run_in_executor(another, sample, stack.workerd_pid(), LOOK_S)
    return Profile({name: _together(found) for name, found in rounds.items()}, python)


def profile_tables(found: Profile) -> list[Table]:
    return [_isolates_table(found.isolates), _places_table(found.python), _functions_table(found.python)]


def profile_json(found: Profile) -> dict[str, Any]:
    python = found.python
    functions = sorted(python.within, key=lambda function: -python.within[function])
    return {
        "isolates": {name: {"calls": time.calls, **time.parts_ms} for name, time in found.isolates.items()},
        "samples": python.samples,
        "in_python": python.in_python,
        "places": places(python),
        "functions": [
            {**asdict(each), "own": python.own.get(each, 0), "within": python.within[each]} for each in functions
        ],
    }


def places(python: PythonTime) -> dict[str, int]:
    """Samples by what the innermost function belongs to, the most frequent first."""
    found: Counter[str] = Counter()
    for function, count in python.own.items():
        found[_place(function)] += count
    return dict(found.most_common())


def _isolates_table(isolates: dict[str, IsolateTime]) -> Table:
    table = Table(title=f"Milliseconds of the isolate's thread a call, {CONNECTIONS} connections")
    for column in ("", *isolates):
        table.add_column(column, justify="right" if column else "left")
    for part in PARTS:
        table.add_row(part, *(f"{time.per_call_ms(part):.2f}" for time in isolates.values()))
    table.add_section()
    table.add_row("all", *(f"{time.total_per_call_ms:.2f}" for time in isolates.values()))
    return table


def _places_table(python: PythonTime) -> Table:
    table = Table(title=f"Python's own time in {python.in_python} of {python.samples} samples, by what runs, %")
    table.add_column("place")
    table.add_column("own", justify="right")
    for place, count in places(python).items():
        table.add_row(place, f"{100 * count / python.in_python:.1f}")
    return table


def _functions_table(python: PythonTime) -> Table:
    table = Table(title=f"Functions in at least {SHOWN_SHARE:.0%} of the samples in Python, %")
    for column in ("function", "own", "with what it calls"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for function, count in sorted(python.within.items(), key=lambda item: -item[1]):
        if count >= SHOWN_SHARE * python.in_python:
            shares = (python.own.get(function, 0), count)
            table.add_row(f"{function.file} {function.name}", *(f"{100 * n / python.in_python:.1f}" for n in shares))
    return table


def _place(function: Function) -> str:
    return next(place for start, place in PLACES if function.file.startswith(start))


async def _isolate(stack: Stack, target: Target, worker: str) -> IsolateTime:
    async with _load(target) as load, inspected(stack.inspector_port, worker) as inspector:
        await inspector.ask("Profiler.enable", dict[str, Any])
        await inspector.ask("Profiler.setSamplingInterval", dict[str, Any], {"interval": INTERVAL_US})
        await inspector.ask("Profiler.start", dict[str, Any])
        before = load.calls
        await asyncio.sleep(ROUND_S)
        calls = load.calls - before
        profiled = await inspector.ask("Profiler.stop", Profiled)
    if not calls:
        raise LoadError(f"{target.name} answered no call in {ROUND_S:.0f} s")
    return isolate_time(profiled.profile, calls)


def _together(times: list[IsolateTime]) -> IsolateTime:
    parts_ms: Counter[str] = Counter()
    for time in times:
        parts_ms.update(time.parts_ms)
    return IsolateTime(sum(time.calls for time in times), parts_ms)


class _Load:
    """Calls without a pause on every connection."""

    def __init__(self, connections: list[Connection], request: bytes) -> None:
        self.calls = 0
        self._is_over = False
        self._tasks = [asyncio.create_task(self._repeat(connection, request)) for connection in connections]

    async def served(self, calls: int) -> None:
        """Once so many calls are answered, or one has failed."""
        while self.calls < calls and not any(task.done() for task in self._tasks):
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Raises what a call has failed by."""
        self._is_over = True
        await asyncio.gather(*self._tasks)

    async def _repeat(self, connection: Connection, request: bytes) -> None:
        while not self._is_over:
            await connection.call_s(request)
            self.calls += 1


@asynccontextmanager
async def _load(target: Target) -> AsyncIterator[_Load]:
    async with opened(target, CONNECTIONS) as connections:
        load = _Load(connections, json_call(target))
        try:
            yield load
        finally:
            await load.end()
