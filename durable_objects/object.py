"""The Durable Object: JSON in, a question a line, JSON out, and an alarm. Everything else is the service's.

A fault never crosses RPC as an exception: it is logged here and answered as `Fault`, which the edge takes for a ledger
that cannot be reached. After one, memory is made again from the rows.
"""

import time
import traceback
from collections.abc import Awaitable
from typing import Any

import msgspec
from js import console
from workers import DurableObject

from bindings.deadlines import KV_MS, QUEUE_MS, within
from bindings.ffi import JS_FAULTS, object_to_js, platform_env
from core.ledger.keeping.outbox import NotKept
from core.ledger.keys.messages import KeyWritten
from core.ledger.messages import Fault, Message
from core.ledger.mirror import mirror_key, mirror_text
from core.ledger.questions import read_question, to_wire
from durable_objects.service import LedgerService
from durable_objects.storage.rows import LedgerStore

CONFIG_KEY = "t:{tenant}:config"
"""The copy of the tenant's documents that the edge reads."""

MIRROR_TTL_S = 24 * 3_600
MIRRORS_PER_ALARM_MAX = 50
"""Far from the thousand KV writes that one invocation may make, and done in a second or two."""

OUTBOX_PER_ALARM_MAX = 50
KEYS_COPIED_AT_ONCE_MAX = 20
RETRY_AFTER_MS = 5_000
"""After a fault of the alarm, or a queue that did not take a message."""


class ObjectSql:
    """`SqlDatabase` over the object's own storage, as the platform hands it out: without the SDK's conversions."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._sql.exec(sql, *values).raw().toArray()]


class Ledger(DurableObject):
    """One tenant's money."""

    def __new__(cls, ctx: Any, env: Any) -> "Ledger":
        # What `__init__` gets is wrapped: every argument and result of its storage is inspected and converted.
        ledger = super().__new__(cls)
        ledger._storage = ctx.storage
        return ledger

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._tenant = str(self.ctx.id.name)
        self._alarm_at_ms: int | None = None
        self._outbox_due_at_ms = 0
        self._awake: LedgerService | None = self._wake()

    def tell(self, text: str) -> str | Awaitable[str]:
        """Answer questions (`core.ledger.questions`), whatever they are, a line each. No coroutine, which would cost a
        third of a millisecond: what this writes, the alarm too, is written before its answer leaves."""
        answers = [self._answered(line) for line in text.split("\n")]
        self._plan_alarm()
        said = "\n".join(map(to_wire, answers))
        return self._once_copied(said) if any(isinstance(each, KeyWritten) for each in answers) else said

    def _answered(self, line: str) -> Message:
        try:
            question = read_question(line)
        except msgspec.DecodeError as error:
            _log("ledger_refused", problem=str(error))
            return Fault()
        try:
            answer: Message = self._service().answer(question, _now_ms())
        except Exception as fault:
            self._recover(fault, type(question).__name__)
            return Fault()
        if isinstance(answer, NotKept):
            _log("outbox_full", characters=len(line))
        return answer

    async def _once_copied(self, said: str) -> str:
        """Whoever is told of a key uses it at once, wherever that is."""
        await self._copy_keys()
        self._plan_alarm()
        return said

    async def alarm(self, alarm_info: Any = None) -> None:
        """Do what is due, each part by itself: one that fails keeps no other from its turn."""
        self._alarm_at_ms = None
        has_failed = False
        parts = (self._sweep, self._copy_documents, self._copy_keys, self._mirror, self._deliver_journal)
        for part in (*parts, self._drain_outbox):
            try:
                await part()
            except Exception as fault:
                # The platform gives up on an alarm that keeps failing; this one rings again.
                self._recover(fault, "alarm")
                has_failed = True
        if has_failed:
            self._wake_by(_now_ms() + RETRY_AFTER_MS)
        else:
            self._plan_alarm()

    async def _sweep(self) -> None:
        self._service().sweep(_now_ms())

    def _wake(self) -> LedgerService:
        """Memory as the rows have it."""
        return LedgerService(LedgerStore(ObjectSql(self._storage.sql)), self._tenant)

    def _service(self) -> LedgerService:
        """The ledger in memory, made anew after a fault."""
        if self._awake is None:
            self._awake = self._wake()
        return self._awake

    def _recover(self, fault: Exception, at: str) -> None:
        """Whatever went wrong may have left memory half changed: the rows are the truth."""
        self._awake = None
        place = "".join(traceback.format_tb(fault.__traceback__))
        _log("ledger_fault", at=at, kind=type(fault).__name__, place=place)

    def _plan_alarm(self) -> None:
        self._log_notices()
        moment_ms = self._service().next_work_at_ms()
        if not self._service().outbox.is_empty:
            moment_ms = self._outbox_due_at_ms if moment_ms is None else min(moment_ms, self._outbox_due_at_ms)
        if moment_ms is not None:
            self._wake_by(max(moment_ms, _now_ms() + 1))

    def _wake_by(self, moment_ms: int) -> None:
        """Set the alarm only if it has to ring earlier than planned: setting it is a row written."""
        if self._alarm_at_ms is None or moment_ms < self._alarm_at_ms:
            self._storage.setAlarm(moment_ms)
            self._alarm_at_ms = moment_ms

    async def _copy_documents(self) -> None:
        """Write the documents' KV copy if it is due; one that fails is tried again."""
        documents = self._service().documents
        due_at_ms = documents.copy_due_at_ms()
        if due_at_ms is None or _now_ms() < due_at_ms:
            return
        present = documents.present()
        try:
            key = CONFIG_KEY.format(tenant=self._tenant)
            await within(KV_MS, platform_env().AGENTWATCH_KV, "put", key, present.text)
        except JS_FAULTS:
            documents.copy_failed(_now_ms())
            return
        documents.copied(present.number)

    async def _copy_keys(self) -> None:
        """Write the copies of keys that are due; those that fail are tried again."""
        keys = self._service().keys
        due_at_ms = keys.copy_due_at_ms()
        if due_at_ms is None or _now_ms() < due_at_ms:
            return
        for key in keys.uncopied(KEYS_COPIED_AT_ONCE_MAX):
            try:
                for entry, text in keys.copies_of(key):
                    await within(KV_MS, platform_env().AGENTWATCH_KV, "put", entry, text)
            except JS_FAULTS:
                keys.copy_failed(_now_ms())
                return
            keys.copied(key)

    async def _mirror(self) -> None:
        """Write the KV copies that are due; those that fail are tried again."""
        mirrors = self._service().mirrors
        due = mirrors.take(_now_ms(), MIRRORS_PER_ALARM_MAX)
        views = self._service().session_views(due)
        options = object_to_js({"expirationTtl": MIRROR_TTL_S})
        for place, account in enumerate(views):
            try:
                key = mirror_key(self._tenant, account.id)
                await within(KV_MS, platform_env().AGENTWATCH_KV, "put", key, mirror_text(account), options)
            except JS_FAULTS:
                mirrors.failed([each.id for each in views[place:]], _now_ms())
                return

    async def _deliver_journal(self) -> None:
        """Hand charged calls to the queue, in their order, and note once how far that came."""
        journal = self._service().journal
        if journal.due_at_ms is None or _now_ms() < journal.due_at_ms:
            return
        up_to, has_failed = None, False
        for delivery in journal.next():
            try:
                await self._send(delivery.text)
            except JS_FAULTS:
                has_failed = True
                break
            up_to = delivery.up_to
        journal = self._service().journal  # another, if memory was made again meanwhile
        if up_to is not None:
            journal.delivered(up_to)
        if has_failed:
            _log("journal_waits", tenant=self._tenant)
            journal.failed(_now_ms())
        else:
            journal.plan(_now_ms())

    async def _drain_outbox(self) -> None:
        """Hand kept messages to the queue, oldest first."""
        if self._service().outbox.is_empty or _now_ms() < self._outbox_due_at_ms:
            return
        for message_id, text in self._service().outbox.next(OUTBOX_PER_ALARM_MAX):
            try:
                await self._send(text)
            except JS_FAULTS:
                self._outbox_due_at_ms = _now_ms() + RETRY_AFTER_MS
                return
            self._service().outbox.delivered(message_id)

    async def _send(self, text: str) -> None:
        """Hand a message to the queue. Raises one of `JS_FAULTS` where it does not take it."""
        queue = platform_env().TELEMETRY_QUEUE
        await within(QUEUE_MS, queue, "send", text, object_to_js({"contentType": "text"}))

    def _log_notices(self) -> None:
        for notice in self._service().take_notices():
            _log("ledger_notice", tenant=self._tenant, notice=notice)


def _log(event: str, **facts: object) -> None:
    """One JSON line in the Worker's log."""
    console.error(msgspec.json.encode({"event": event, **facts}).decode())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
