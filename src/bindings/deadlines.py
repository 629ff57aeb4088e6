"""How long each part of the platform may take to answer. One that hangs is one that is away: everything goes on without
it as designed, and nobody waits for ever.

The numbers are far above what a part that is well takes and far below what clients wait (SDKs ten minutes). Together
they fit into the 30 s that work may go on for after a client has left: a Ledger that hangs at a settlement, then the
queue, then the Ledger's outbox. Who has hung is not asked again.
"""

from typing import Any

from pyodide.ffi import JsException

from bindings.ffi import own_javascript

KV_MS = 3_000
"""A cold read of a central store takes some hundred milliseconds."""

LEDGER_MS = 10_000
"""A Ledger that wakes starts an interpreter (0.7 s from a snapshot, 5 s without one), and some calls of a burst wait
seconds for their turn. Given up on sooner, they would pass on the outage allowance, past the tenant's caps."""

QUEUE_MS = 5_000

RECORDS_MS = 15_000
"""Supabase ends a statement after 8 s by default, so an answer that takes longer is not coming. With its body."""

KEY_SERVER_MS = 3_000
"""Access answers from near by; who waits is a person."""
RATE_LIMITER_MS = 1_000
"""Counted where the request came in."""


async def within(milliseconds: int, target: Any, method: str, *arguments: Any) -> Any:
    """What the JavaScript method returns, or an exception like those it raises itself: see `is_late`."""
    return await own_javascript("deadlines").within(milliseconds, target, method, *arguments)


def is_late(fault: BaseException) -> bool:
    """Whether this is the deadline's and not the binding's own fault."""
    return isinstance(fault, JsException) and fault.name == "TimeoutError"
