"""The clock, fresh identifiers, and comparison in constant time."""

import asyncio
import secrets
import time

from js import crypto

from bindings.ffi import bytes_to_js


class WorkerClock:
    """`Clock`. In a Worker the time only moves when something is awaited."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1_000)


class RandomIds:
    """`Ids` of 128 random bits."""

    def new(self, prefix: str) -> str:
        return prefix + secrets.token_hex(16)


def digests_equal(known: bytes, given: bytes) -> bool:
    """Compare two digests of equal length by the platform's own constant-time primitive."""
    return bool(crypto.subtle.timingSafeEqual(bytes_to_js(known), bytes_to_js(given)))
