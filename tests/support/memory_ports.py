"""The six ports in memory: the real ledger service on sqlite3, scripted providers, and switches that take parts away."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.messages import Message, from_wire, to_wire
from core.session_mirror import SessionMirror, mirror_key, read_mirror
from core.unsent import Unsent
from ports import (
    AttemptFailed,
    Body,
    LedgerUnreachable,
    Ports,
    QueueUnreachable,
    Relay,
    TenantStoreUnreachable,
    UpstreamBroken,
    UpstreamRequest,
)
from tests.support.sqlite_ledger import SqliteDatabase, a_service

TOKEN = "aw_live_" + "ab" * 24
START_MS = 1_795_478_400_000


class MemoryLedger:
    """One tenant's ledger; unreachable while `is_away`."""

    def __init__(self, world: "World", tenant: str) -> None:
        self._world = world
        self.service = a_service(SqliteDatabase(), tenant)
        self.outbox: list[str] = []

    def __getattr__(self, method: str) -> Any:
        async def call(request: Message) -> Any:
            self._world.ledger_calls += 1
            self._world.reach(LedgerUnreachable)
            if self._world.is_ledger_away:
                raise LedgerUnreachable
            try:
                # As it would arrive: what is out of bounds is refused where the text is read.
                request = from_wire(to_wire(request), type(request))
            except msgspec.DecodeError:
                raise LedgerUnreachable from None
            answer = getattr(self.service, method)(request, self._world.now_ms())
            self._world.reach(LedgerUnreachable)
            if method == "admit" and self._world.admissions_unheard:
                self._world.admissions_unheard -= 1
                raise LedgerUnreachable
            return answer

        return call

    async def enqueue(self, text: str) -> None:
        self._world.reach(LedgerUnreachable)
        if self._world.is_ledger_away:
            raise LedgerUnreachable
        self.outbox.append(text)
        self._world.reach(LedgerUnreachable)


@dataclass
class ScriptedAnswer:
    """What a provider answers: a body at once or in chunks, perhaps broken off."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    chunks: tuple[bytes, ...] = ()
    is_broken: bool = False
    client_leaves_after: int | None = None
    """Chunks, of a stream."""
    chunk_takes_ms: int = 0
    world: "World | None" = None

    async def read(self) -> bytes:
        if self.world is not None:
            self.world.reach(UpstreamBroken)
        if self.is_broken:
            raise UpstreamBroken
        if self.world is not None:
            self.world.reach(UpstreamBroken)
        return b"".join(self.chunks)

    def untouched(self) -> Body:
        return b"".join(self.chunks)

    def relayed(self, relay: Relay) -> Body:
        return self._passing(relay)

    async def _passing(self, relay: Relay) -> Any:
        for number, chunk in enumerate(self.chunks):
            if number == self.client_leaves_after:
                await relay.ended("client_disconnected", first_chunk_at_ms=START_MS)
                return
            if self.world is not None:
                self.world.pass_time(self.chunk_takes_ms)
                await asyncio.sleep(0)
            relayed = relay.feed(chunk)
            yield relayed.forward
            while relayed.wait is not None:
                relayed = await relayed.wait
                yield relayed.forward
            if relayed.is_cut:
                yield await relay.ended("cut", first_chunk_at_ms=START_MS)
                return
        yield await relay.ended("broken" if self.is_broken else "complete", first_chunk_at_ms=START_MS)


class Killed(BaseException):
    """The isolate is gone; nothing of the call runs any more."""


class World:
    """Everything a request can touch, with its switches."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        record = {"tenant": "acme", "team": "search", "key_id": "key_1"}
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        self.kv = {f"key:{digest}": json.dumps(record)}
        if config is not None:
            self.kv["t:acme:config"] = json.dumps(config)
        self.is_kv_away = self.is_ledger_away = self.is_queue_away = False
        self.ledger_calls = self.admissions_unheard = 0
        self.awaits = 0
        self.dies_at: int | None = None
        """The await at which the isolate is killed, counted from one."""
        self.fails_at: int | None = None
        """The await at which a port fails, before or after its effect."""
        self.outage: tuple[int, frozenset[type[Exception]]] | None = None
        """The await from which on, until the outage is over, the ports with these failures do not answer."""
        self.upstream_also: Callable[[], object] = lambda: None
        self.records: list[dict[str, Any]] = []
        self.sent: list[UpstreamRequest] = []
        self.answer: ScriptedAnswer | AttemptFailed = ScriptedAnswer()
        self.ledgers: dict[str, MemoryLedger] = {}
        self.unsent = Unsent()
        self.strangers: list[str] = []
        self.strangers_max = 1_000
        self._now_ms = START_MS
        self._count = 0
        self._deferred: list[Coroutine[None, None, None]] = []

    # The ports ----------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep_ms(self, duration_ms: int) -> None:
        self.pass_time(duration_ms)

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    async def key_record(self, token_digest: bytes) -> str | None:
        return self._kv(f"key:{token_digest.hex()}")

    async def config(self, tenant: str) -> str | None:
        return self._kv(f"t:{tenant}:config")

    async def session_mirror(self, tenant: str, session_id: str) -> SessionMirror | None:
        return read_mirror(self._kv(mirror_key(tenant, session_id)))

    async def send(self, request: Any) -> Any:
        if isinstance(request, UpstreamRequest):
            self.reach(None)
            self.sent.append(request)
            self.upstream_also()
            self.reach(None)
            return self.answer
        self.reach(QueueUnreachable)
        if self.is_queue_away:
            raise QueueUnreachable
        self.records.append(json.loads(request))
        self.reach(QueueUnreachable)
        return None

    async def is_stranger_allowed(self, address: str) -> bool:
        self.strangers.append(address)
        return self.strangers.count(address) <= self.strangers_max

    def ledger_of(self, tenant: str) -> Any:
        return self.ledgers.setdefault(tenant, MemoryLedger(self, tenant))

    def ports(self) -> Ports:
        return Ports(
            ledger_of=self.ledger_of,
            tenants=self,
            telemetry=self,
            upstream=self,
            clock=self,
            ids=self,
            digests_equal=hmac.compare_digest,
            defer=self._deferred.append,
            is_stranger_allowed=self.is_stranger_allowed,
            unsent=self.unsent,
        )

    def reach(self, failure: type[Exception] | None) -> None:
        """One more await: the last one, or the one that fails, if the test says so."""
        self.awaits += 1
        if self.dies_at is not None and self.awaits >= self.dies_at:
            raise Killed
        if self.awaits == self.fails_at and failure is not None:
            raise failure
        if self.outage is not None and self.awaits >= self.outage[0] and failure in self.outage[1]:
            raise failure

    # For tests ----------------------------------------------------------------------------------------

    def pass_time(self, milliseconds: int) -> None:
        self._now_ms += milliseconds

    def run(self, request: Coroutine[None, None, Any]) -> Any:
        """Run a request and then everything it deferred."""

        async def answered() -> Any:
            answer = await request
            if hasattr(answer.body, "__aiter__"):
                answer = (answer, b"".join([part async for part in answer.body]))
            return answer

        async def both() -> Any:
            try:
                answer = await answered()
            except Killed:
                for lost in self._deferred:
                    lost.close()
                raise
            except Exception:
                await self._run_deferred()
                raise
            await self._run_deferred()
            return answer

        return asyncio.run(both())

    async def _run_deferred(self) -> None:
        while self._deferred:
            await self._deferred.pop(0)

    def _kv(self, key: str) -> str | None:
        if self.is_kv_away:
            raise TenantStoreUnreachable
        return self.kv.get(key)
