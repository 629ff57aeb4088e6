"""The Durable Object: one JSON text in, one out, and an alarm. Everything else is the service's.

A fault never crosses RPC as an exception: it is logged here and answered as a text of no known type, which the edge
takes for a ledger that cannot be reached.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from js import console
from workers import DurableObject

from bindings.ffi import JS_FAULTS, object_to_js, platform_env
from core import messages
from core.messages import AccountView, Message
from core.money import format_usd
from durable_objects.ledger_service import LedgerService
from durable_objects.ledger_store import LedgerStore

FAULT = '{"type":"fault"}'
CHECKPOINT_AFTER_MS = 2_000
"""Between mirror writes of one key KV wants a second; totals in memory lose nothing by waiting."""

MIRROR_TTL_S = 24 * 3_600
OUTBOX_BATCH_MAX = 50


class ObjectSql:
    """`SqlDatabase` over the object's own storage."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._sql.exec(sql, *values).raw().toArray()]


class Ledger(DurableObject):
    """One tenant's money."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._tenant = str(self.ctx.id.name)
        self._service = LedgerService(LedgerStore(ObjectSql(self.ctx.storage.sql)), self._tenant)
        self._alarm_at_ms: int | None = None

    async def admit(self, text: str) -> str:
        return await self._answer(text, messages.AdmitRequest, self._service.admit)

    async def extend(self, text: str) -> str:
        return await self._answer(text, messages.ExtendRequest, self._service.extend)

    async def settle(self, text: str) -> str:
        return await self._answer(text, messages.SettleRequest, self._service.settle)

    async def record(self, text: str) -> str:
        return await self._answer(text, messages.RecordRequest, self._service.record)

    async def status(self, text: str) -> str:
        return await self._answer(text, messages.StatusRequest, self._service.status)

    async def configure(self, text: str) -> str:
        return await self._answer(text, messages.ConfigureRequest, self._service.configure)

    async def list_sessions(self, text: str) -> str:
        return await self._answer(text, messages.ListSessionsRequest, self._service.list_sessions)

    async def enqueue(self, text: str) -> str:
        self._service.enqueue(text)
        await self._wake_by(_now_ms() + CHECKPOINT_AFTER_MS)
        return "{}"

    async def alarm(self, alarm_info: Any = None) -> None:
        self._alarm_at_ms = None
        self._service.sweep(_now_ms())
        await self._mirror(self._service.take_sessions_to_mirror())
        is_empty = await self._drain_outbox()
        await self._plan_alarm(is_outbox_empty=is_empty)

    async def _answer(self, text: str, kind: type[Message], method: Callable[[Any, int], Message]) -> str:
        try:
            answer = method(messages.from_wire(text, kind), _now_ms())
        except (msgspec.DecodeError, AssertionError) as fault:
            console.error(f'{{"event":"ledger_fault","kind":"{type(fault).__name__}","at":"{kind.__name__}"}}')
            return FAULT
        await self._plan_alarm(is_outbox_empty=True)
        return messages.to_wire(answer)

    async def _plan_alarm(self, *, is_outbox_empty: bool) -> None:
        now_ms = _now_ms()
        moments = [self._service.next_expiry_at_ms()]
        if self._service.needs_checkpoint() or not is_outbox_empty:
            moments.append(now_ms + CHECKPOINT_AFTER_MS)
        known = [moment for moment in moments if moment is not None]
        if known:
            await self._wake_by(max(min(known), now_ms + 1))

    async def _wake_by(self, moment_ms: int) -> None:
        """Set the alarm only if it has to ring earlier than planned: setting it is a row written."""
        if self._alarm_at_ms is None or moment_ms < self._alarm_at_ms:
            self._alarm_at_ms = moment_ms
            await self.ctx.storage.setAlarm(moment_ms)

    async def _mirror(self, sessions: list[AccountView]) -> None:
        """KV copies are a cache: one that cannot be written is written at the next change."""
        kv = platform_env().AGENTWATCH_KV
        options = object_to_js({"expirationTtl": MIRROR_TTL_S})
        for account in sessions:
            root = f"t:{self._tenant}:s:{account.id}:"
            limit = account.limit_nanousd
            values = {
                "usd": format_usd(account.spent_nanousd),
                "tokens": str(account.prompt_tokens + account.completion_tokens),
                "budget_usd": "" if limit is None else format_usd(limit),
            }
            try:
                for name, value in values.items():
                    await kv.put(root + name, value, options)
            except JS_FAULTS:
                return

    async def _drain_outbox(self) -> bool:
        """Hand kept messages to the queue, oldest first. True when none is left."""
        queue = platform_env().TELEMETRY_QUEUE
        for message_id, text in self._service.outbox(OUTBOX_BATCH_MAX):
            try:
                await queue.send(text, object_to_js({"contentType": "text"}))
            except JS_FAULTS:
                return False
            self._service.delivered(message_id)
        return not self._service.outbox(1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
