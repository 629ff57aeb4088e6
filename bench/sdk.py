"""What the Python SDK adds to a call, how fast it reports, and what it keeps while AgentWatch is away.

Every way asks the same mock provider with the official client, in turns: as it is, watched, with a check or a hold
before each call, and through AgentWatch; then with an AgentWatch that refuses connections and one that never answers.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import agentwatch
import httpx2
from agentwatch.calls import CallEnd, CallFacts, Usage
from agentwatch.guard import Guard
from agentwatch.settings import read_settings
from openai import OpenAI
from rich.table import Table

from bench.measuring.calls import PROMPT
from bench.measuring.figures import Latency, latency, mib
from bench.measuring.process_memory import read_process
from local.processes import free_port
from local.provider_addresses import MockProviders
from local.stack import Stack

TIMEOUT_S = 0.5
HOUR_OF_CALLS = 100_000
"""About 28 a second."""
REPORTS = 5_000
OUTAGES = ("nobody listens", "nobody answers")

FACTS = CallFacts(
    provider="openai",
    dialect="openai_chat",
    path="chat/completions",
    model="gpt-4o-mini",
    is_streaming=False,
    input_bytes=400,
)
END = CallEnd(outcome="complete", usage=Usage(prompt_tokens=100, completion_tokens=50), status=200)


@dataclass(frozen=True, slots=True)
class Way:
    """How long calls take in one way, and what the first and the tenth took."""

    name: str
    latency: Latency
    first_ms: float
    tenth_ms: float


@dataclass(frozen=True, slots=True)
class SdkFigures:
    ways: list[Way]
    reports_per_second: float
    away_kept: int
    """Of an hour of calls: reports that wait when AgentWatch has been away all the time."""
    away_dropped: int
    away_grown_bytes: int


def measure_sdk(stack: Stack, samples: int, say: Callable[[str], None]) -> SdkFigures:
    """`samples` calls in each way, one after the other; ten of them in an outage at a time-out of half a second."""
    say("sdk: ways to call, in turns")
    with _mute_address() as mute:
        settings = _settings(stack, mute)
        clients = {"official client": _official(stack)} | {
            name: _watched(stack, given) for name, given in settings.items()
        }
        ways = _ways(clients, samples)
    say(f"sdk: {REPORTS} reports")
    pace = _reports_per_second(stack)
    say(f"sdk: {HOUR_OF_CALLS} calls with nobody to report to")
    return SdkFigures(ways, pace, *_away())


def _settings(stack: Stack, mute: str) -> Mapping[str, Mapping[str, Any]]:
    here = {"agentwatch_base_url": stack.edge_url, "agentwatch_timeout_seconds": 10.0}
    away = {"agentwatch_timeout_seconds": TIMEOUT_S, "agentwatch_enforcement_mode": True}
    return {
        "watched": here,
        "checked": {**here, "agentwatch_enforcement_mode": True},
        "held": {**here, "agentwatch_holds": True},
        "through AgentWatch": {**here, "agentwatch_primary_provider": "agentwatch"},
        OUTAGES[0]: {**away, "agentwatch_base_url": f"http://127.0.0.1:{free_port()}"},
        OUTAGES[1]: {**away, "agentwatch_base_url": mute},
    }


def _official(stack: Stack) -> OpenAI:
    return OpenAI(api_key="sk-bench", http_client=_transport(stack))


def _watched(stack: Stack, given: Mapping[str, Any]) -> OpenAI:
    return agentwatch.WatchedOpenAI(
        api_key="sk-bench",
        http_client=_transport(stack),
        agentwatch_api_key=stack.tokens["live"],
        agentwatch_session_budget_usd="100000",
        **given,
    )


def _transport(stack: Stack) -> httpx2.Client:
    return httpx2.Client(transport=MockProviders(stack.mock_url), timeout=60)


def _ways(clients: Mapping[str, OpenAI], samples: int) -> list[Way]:
    taken: dict[str, list[float]] = {name: [] for name in clients}
    for count in range(samples):
        for name, client in clients.items():
            taken[name].append(_call_s(client))
            if count == 0 and name not in OUTAGES:
                taken[name][0] = _call_s(client)  # the first opens connections, which is no cost of a call
    return [Way(name, latency(each), each[0] * 1000, each[9] * 1000) for name, each in taken.items()]


def _call_s(client: OpenAI) -> float:
    began = time.perf_counter()
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": PROMPT}], max_tokens=50,
        extra_headers={"x-mock": "output_tokens=50"},
    )  # fmt: skip
    return time.perf_counter() - began


def _reports_per_second(stack: Stack) -> float:
    guard = _guard(stack.edge_url, stack.tokens["live"])
    began = time.perf_counter()
    for _ in range(REPORTS):
        guard.begin(FACTS).end(END)
    if not guard.flush(120):
        raise OSError("AgentWatch did not take the reports within two minutes")
    return REPORTS / (time.perf_counter() - began)


def _away() -> tuple[int, int, int]:
    """An hour of calls with nobody at AgentWatch's address: reports kept, dropped, and what the process has grown."""
    guard = _guard(f"http://127.0.0.1:{free_port()}", "aw_test_" + "0" * 48)
    guard.begin(FACTS).end(END)
    before = read_process(os.getpid()).resident_bytes
    for _ in range(HOUR_OF_CALLS):
        guard.begin(FACTS).end(END)
    grown = read_process(os.getpid()).resident_bytes - before
    sender = guard.connection.sender
    return sender.waiting_records, sender.dropped, grown


def _guard(url: str, token: str) -> Guard:
    return Guard(read_settings({"agentwatch_base_url": url, "agentwatch_api_key": token}, {}))


@contextmanager
def _mute_address() -> Iterator[str]:
    """Where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def sdk_tables(figures: SdkFigures) -> list[Table]:
    ways = Table(title="Milliseconds a call of the Python SDK, over one connection")
    for column in ("way", "p50", "p99", "added p50", "first", "tenth"):
        ways.add_column(column, justify="left" if column == "way" else "right")
    for way in figures.ways:
        numbers = (way.latency.p50_ms, way.latency.p99_ms, way.latency.p50_ms - figures.ways[0].latency.p50_ms)
        ways.add_row(way.name, *(f"{each:.2f}" for each in (*numbers, way.first_ms, way.tenth_ms)))
    rest = Table(title="Reports")
    for column in ("a second", "kept of an hour away", "dropped", "grown (MiB)"):
        rest.add_column(column, justify="right")
    rest.add_row(
        f"{figures.reports_per_second:.0f}", str(figures.away_kept), str(figures.away_dropped),
        mib(figures.away_grown_bytes),
    )  # fmt: skip
    return [ways, rest]


def sdk_json(figures: SdkFigures) -> dict[str, Any]:
    return asdict(figures)
