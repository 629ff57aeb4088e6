"""A cap against many calls at once, through AgentWatch and through a peer, judged by the provider's journal.

The provider bills every call by the same list price, whoever passed it on; what a gateway believes it has spent is not
asked. A few calls go first, one after the other, so that nobody begins cold; they count.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measuring.http_client import Connection, LoadError
from bench.measuring.mock import clear_journal, ended_entries, play
from bench.overhead import opened
from bench.peers.gateways import Contender
from bench.peers.rounds import Kind

CAP_USD = "0.05"
CAP_NANOUSD = 50_000_000
CALLS = 300
FIRST_CALLS = 5
MODEL = "gpt-4o"
TOKENS, PACE_MS = 40, 20
RUN_TIMEOUT_S = 300.0
TOLD_S = 1.0
"""By then a gateway has added up what has ended."""

_SCRIPT = f"output_tokens={TOKENS};pace_ms={PACE_MS}"
CAP_KINDS = (Kind("JSON", False, TOKENS, _SCRIPT), Kind("stream", True, TOKENS, _SCRIPT))


@dataclass(frozen=True, slots=True)
class CapResult:
    """One way's run. Spent, completed and cut are the provider's journal's; refused and broken what clients saw."""

    way: str
    kind: str
    calls: int
    cap_nanousd: int
    would_cost_nanousd: int
    """What the calls cost when nothing stops any."""
    spent_nanousd: int
    completed: int
    cut: int
    refused: int
    broken: int
    """Connections that ended without a whole answer."""
    afterwards: int | None
    """The status of one more call when all is over."""
    took_s: float

    @property
    def over_cap_nanousd(self) -> int:
        return max(0, self.spent_nanousd - self.cap_nanousd)


def run_cap(contender: Contender, kind: Kind, mock_url: str) -> CapResult:
    """All calls at once on a cap that nothing was spent of."""
    play(mock_url, kind.script)
    clear_journal(mock_url)
    request = contender.target.request(kind.body(MODEL), {})
    started_s = time.monotonic()
    statuses = asyncio.run(_calls(contender, request, FIRST_CALLS, connections=1))
    statuses += asyncio.run(_calls(contender, request, CALLS, connections=CALLS))
    took_s = time.monotonic() - started_s
    entries = ended_entries(mock_url)
    time.sleep(TOLD_S)
    (afterwards,) = asyncio.run(_calls(contender, request, 1, connections=1))
    return judged(contender.name, kind.name, entries, statuses, afterwards, took_s)


def judged(
    way: str,
    kind: str,
    entries: Sequence[Mapping[str, Any]],
    statuses: Sequence[int | None],
    afterwards: int | None,
    took_s: float,
) -> CapResult:
    """What the journal says of a run whose calls were all alike, and were answered with these statuses."""
    billed = [entry["billed_nanousd"] for entry in entries]
    completed = sum(entry["ended"] == "complete" for entry in entries)
    return CapResult(
        way, kind, len(statuses), CAP_NANOUSD,
        would_cost_nanousd=max(billed, default=0) * len(statuses),
        spent_nanousd=sum(billed),
        completed=completed,
        cut=sum(entry["generated_tokens"] > 0 for entry in entries) - completed,
        refused=sum(status not in (None, 200) for status in statuses),
        broken=statuses.count(None),
        afterwards=afterwards,
        took_s=round(took_s, 1),
    )  # fmt: skip


async def _calls(contender: Contender, request: bytes, count: int, *, connections: int) -> list[int | None]:
    """The statuses of so many calls, on connections that are all open before the first is sent."""

    async def some(connection: Connection) -> list[int | None]:
        return [await _status(connection, request) for _ in range(count // connections)]

    async with asyncio.timeout(RUN_TIMEOUT_S), opened(contender.target, connections) as all_connections:
        found = await asyncio.gather(*map(some, all_connections))
    return [status for each in found for status in each]


async def _status(connection: Connection, request: bytes) -> int | None:
    """None where the answer broke off."""
    try:
        head = await connection.begin(request)
        async for _ in connection.rest(head):
            pass
    except (EOFError, OSError, ValueError, LoadError):
        return None
    return head.status
