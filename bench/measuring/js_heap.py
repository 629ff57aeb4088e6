"""What a Worker's JavaScript heap really holds, asked of V8's inspector.

Nothing limits memory here, so V8 lets garbage lie and resident memory says little. The inspector's own request for a
collection is served only while the Worker has calls to answer; a heap snapshot, which begins with one, always is.
"""

from typing import Any

import msgspec

from bench.measuring.inspector import inspected


class _Usage(msgspec.Struct, frozen=True):
    usedSize: int
    backingStorageSize: int = 0


async def live_heap_bytes(inspector_port: int, worker: str, *, is_busy: bool = False) -> int:
    """What is left of a Worker's heap after a collection, array buffers included and wasm memory not.

    An idle Worker takes a snapshot, which makes the process's resident memory grow by several times as much.
    """
    async with inspected(inspector_port, worker) as inspector:
        await inspector.ask(f"HeapProfiler.{'collectGarbage' if is_busy else 'takeHeapSnapshot'}", dict[str, Any])
        usage = await inspector.ask("Runtime.getHeapUsage", _Usage)
    return usage.usedSize + usage.backingStorageSize
