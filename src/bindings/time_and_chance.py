"""The clock and fresh identifiers."""

import asyncio
import secrets
import time


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
