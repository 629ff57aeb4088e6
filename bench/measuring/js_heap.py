"""What a Worker's JavaScript heap really holds, asked of V8's inspector.

Nothing limits memory here, so V8 lets garbage lie and resident memory says little. The inspector's own request for a
collection is served only while the Worker has calls to answer; a heap snapshot, which begins with one, always is.
"""

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

COLLECTING = '{"id": 1, "method": "HeapProfiler.collectGarbage"}'
COLLECTING_IDLE = '{"id": 1, "method": "HeapProfiler.takeHeapSnapshot"}'
ASKING = '{"id": 2, "method": "Runtime.getHeapUsage"}'


class _Target(msgspec.Struct):
    id: str
    webSocketDebuggerUrl: str


class _Usage(msgspec.Struct, frozen=True):
    usedSize: int = 0
    backingStorageSize: int = 0


class _Message(msgspec.Struct):
    id: int = 0
    result: _Usage = _Usage()


async def live_heap_bytes(inspector_port: int, worker: str, *, is_busy: bool = False) -> int:
    """What is left of a Worker's heap after a collection, array buffers included and wasm memory not.

    An idle Worker takes a snapshot, which makes the process's resident memory grow by several times as much.
    """
    async with httpx.AsyncClient() as client:
        listing = await client.get(f"http://127.0.0.1:{inspector_port}/json")
    targets = msgspec.json.decode(listing.content, type=list[_Target])
    (url,) = [target.webSocketDebuggerUrl for target in targets if target.id == f"core:user:{worker}"]
    async with connect(url, max_size=None) as inspector:
        await _answer(inspector, COLLECTING if is_busy else COLLECTING_IDLE, 1)
        usage = await _answer(inspector, ASKING, 2)
    return usage.usedSize + usage.backingStorageSize


async def _answer(inspector: ClientConnection, request: str, request_id: int) -> _Usage:
    """The answer to this request; what the inspector tells besides is dropped."""
    await inspector.send(request)
    while True:
        message = msgspec.json.decode(await inspector.recv(), type=_Message)
        if message.id == request_id:
            return message.result
