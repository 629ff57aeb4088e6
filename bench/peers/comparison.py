"""Who is compared, under which loads, and what AgentWatch's figures are of each peer's."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from bench.failover import CLAUDE
from bench.measuring.calls import agentwatch, targets
from bench.measuring.http_client import Target
from bench.measuring.mock import play
from bench.measuring.tenants import Tenants
from bench.peers.cap import CAP_KINDS, CAP_USD, CapResult, run_cap
from bench.peers.gateways import Contender, litellm, portkey
from bench.peers.installing import install, litellm_installation, portkey_installation
from bench.peers.rounds import JSON, STREAM, Figures, Kind, in_rounds, warm
from bench.rules import BOOKS
from local.processes import StackError
from local.stack import Stack

FULL = "AgentWatch, 50 rules and a chain"
OURS = ("AgentWatch", FULL)
CONNECTIONS = (1, 16, 64)
STREAMS_SHARE = 4
"""One stream for so many JSON calls: it takes longer."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    kind: str
    connections: int
    figures: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of ours divided by a peer's: calls a second want to be above one, milliseconds below."""

    kind: str
    connections: int
    ours: str
    peer: str
    calls_a_second: float
    p50: float
    first_p50: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`versions` has all peers; `absent` says of some why they have no figures."""

    versions: dict[str, str]
    absent: dict[str, str]
    loads: list[Load]
    caps: list[CapResult]


def installed_peers(say: Say) -> tuple[dict[str, str], dict[str, str]]:
    """The peers' versions, and why a peer could not be installed."""
    installations = (litellm_installation(), portkey_installation())
    reasons = {peer.name: install(peer, say) for peer in installations}
    versions = {peer.name: peer.version for peer in installations}
    return versions, {name: reason for name, reason in reasons.items() if reason is not None}


def full_tenant() -> Tenants:
    """The tenant whose calls meet fifty rules and have a chain that they do not need."""
    return Tenants([FULL])


def measure_peers(
    stack: Stack, tenants: Tenants, samples: int, versions: dict[str, str], absent: dict[str, str], say: Say
) -> Comparison:
    """`samples` JSON calls and a quarter as many streams to each contender at each load; then the cap."""
    tenants.write(stack, "rules", {FULL: {"rules": BOOKS["50 match"]}})
    tenants.write(stack, "failover", {FULL: {"chains": [{"match": {"model": "gpt-4o-mini"}, "hops": [CLAUDE]}]}})
    with ExitStack() as running:
        peers, not_started = _started(stack.mock_url, absent, running, say)
        loads = list(_loads(stack, [_direct(stack), *peers, *_ours(stack, tenants)], samples, say))
    absent = {**absent, **not_started}
    return Comparison(versions, absent, loads, list(_caps(stack, absent, say)))


def ratios(load: Load) -> list[Ratio]:
    """Each of ours to each peer that has figures."""
    peers = [name for name in load.figures if name not in (*OURS, "direct")]
    return [_ratio(load, ours, peer) for ours in OURS for peer in peers]


def _ratio(load: Load, ours: str, peer: str) -> Ratio:
    mine, theirs = load.figures[ours], load.figures[peer]
    first = None
    if mine.first is not None and theirs.first is not None:
        first = round(mine.first.p50_ms / theirs.first.p50_ms, 2)
    return Ratio(
        load.kind,
        load.connections,
        ours,
        peer,
        calls_a_second=round(mine.calls_a_second / theirs.calls_a_second, 2),
        p50=round(mine.whole.p50_ms / theirs.whole.p50_ms, 2),
        first_p50=first,
    )


def _started(
    mock_url: str, absent: dict[str, str], running: ExitStack, say: Say
) -> tuple[list[Contender], dict[str, str]]:
    """The peers that run, which end with `running`, and why others do not."""
    ways: dict[str, Callable[[str], AbstractContextManager[Contender]]] = {"LiteLLM": litellm, "Portkey": portkey}
    peers, not_started = [], {}
    for name, start in ways.items():
        if name in absent:
            continue
        say(f"peers: starting {name}")
        try:
            peers.append(running.enter_context(start(mock_url)))
        except StackError as error:
            not_started[name] = f"could not be started: {error}"
    return peers, not_started


def _direct(stack: Stack) -> Contender:
    return Contender(targets(stack)[0], None)


def _ours(stack: Stack, tenants: Tenants) -> list[Contender]:
    """Both within a session's budget that never runs out."""
    plain, full = agentwatch(stack), tenants.target(stack, FULL)
    budget = {"x-agentwatch-budget-usd": "100000"}
    named = [Target("AgentWatch", plain.url, plain.headers), Target(FULL, full.url, {**full.headers, **budget})]
    return [Contender(target, stack.workerd_pid()) for target in named]


def _loads(stack: Stack, contenders: list[Contender], samples: int, say: Say) -> Iterator[Load]:
    say("peers: everybody warms up")
    play(stack.mock_url, JSON.script)
    asyncio.run(warm(contenders))
    for kind, count in ((JSON, samples), (STREAM, samples // STREAMS_SHARE)):
        play(stack.mock_url, kind.script)
        for connections in CONNECTIONS:
            say(f"peers: {kind.name}, connections: {connections}")
            yield Load(kind.name, connections, asyncio.run(in_rounds(contenders, kind, connections, count)))


def _caps(stack: Stack, absent: dict[str, str], say: Say) -> Iterator[CapResult]:
    """Each kind of call through each way, on a budget of its own that nothing was spent of."""
    for kind in CAP_KINDS:
        say(f"peers: a cap of ${CAP_USD}, {kind.name}")
        if "LiteLLM" not in absent:
            with litellm(stack.mock_url, cap_usd=CAP_USD) as peer:
                yield run_cap(peer, kind, stack.mock_url)
        yield run_cap(_capped(stack, kind), kind, stack.mock_url)


def _capped(stack: Stack, kind: Kind) -> Contender:
    """A session with the cap."""
    target = agentwatch(stack)
    session = {"x-agentwatch-session-id": f"cap-{kind.name}", "x-agentwatch-budget-usd": CAP_USD}
    return Contender(Target("AgentWatch", target.url, {**target.headers, **session}), stack.workerd_pid())
