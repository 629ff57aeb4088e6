"""The seven ports in memory: the real ledger service on sqlite3, scripted providers, and switches that take parts away."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from core.bounds import ANSWER_END_BYTES
from core.ledger.document_messages import WriteRequest
from core.ledger.keys.messages import KeyWritten
from core.ledger.messages import ConfigureRequest, Granted, Question, Recorded, Settled, StatusRequest
from core.ledger.mirror import SessionMirror, mirror_key, read_mirror
from core.ledger.questions import read_answer, read_question, to_wire
from core.providers import PROVIDERS
from core.telemetry import Settlement
from core.telemetry import to_wire as to_message
from core.tenant.documents import copy_text, read_copy
from ports import (
    AttemptFailed,
    Body,
    KeyServerUnreachable,
    LedgerUnreachable,
    Ports,
    QueueUnreachable,
    Relay,
    Sealing,
    StreamEnding,
    TenantStoreUnreachable,
    TooLong,
    UpstreamRequest,
    Watch,
)
from tests.support.aes_sealing import AesSealing
from tests.support.core_faults import Surprise
from tests.support.journal import deliver_all
from tests.support.rsa import is_signed
from tests.support.scripted_records import ScriptedRecords
from tests.support.sqlite_ledger import SqliteDatabase, a_service

A = TypeVar("A")

TOKEN = "aw_live_" + "ab" * 24
START_MS = 1_795_478_400_000
DEADLINE_MS = 10_000
"""What the adapters of the Worker give a part that hangs."""


class MemoryLedger:
    """One tenant's ledger; unreachable while the world's `is_ledger_away`."""

    def __init__(self, world: "World", tenant: str) -> None:
        self._world = world
        self.rows, self._tenant = SqliteDatabase(), tenant
        self.wake()
        copy = read_copy(world.kv.get(f"t:{tenant}:config", ""))
        for kind, text in {} if copy is None else copy.documents.items():
            self.service.documents.write(WriteRequest(kind=kind, text=bytes(text).decode()), START_MS)

    def wake(self) -> None:
        """Forget all that is in memory alone, as an object that was evicted."""
        self.service = a_service(self.rows, self._tenant)

    def copy_keys(self) -> None:
        """What the Durable Object does before it answers, and again by its alarm."""
        keys = self.service.keys
        for key in [] if self._world.is_kv_away else keys.uncopied(1_000):
            self._world.kv |= dict(keys.copies_of(key))
            keys.copied(key)

    @property
    def outbox(self) -> list[str]:
        return [text for _, text in self.service.outbox.next(1_000)]

    def journal(self) -> list[dict[str, Any]]:
        """The calls that its alarm delivers, each as the row's message that it becomes."""
        return [json.loads(to_message(record)) for record in deliver_all(self.service, self._world.now_ms())]

    async def tell(self, question: Question[A]) -> A:
        """As it would be asked and answered across RPC: what is out of bounds is refused where the text is read."""
        name = str(type(question).__struct_config__.tag)
        self._world.ledger_calls += 1
        self._world.reach(LedgerUnreachable)
        self._world.wait_for(f"ledger.{name}")
        self._world.is_asking_ledger = True
        try:
            return read_answer(self._answered(name, to_wire(question)), question)
        except msgspec.DecodeError:
            raise LedgerUnreachable from None
        finally:
            self._world.is_asking_ledger = False

    def charge(
        self, settlement: Settlement, otherwise: Callable[[Any], Coroutine[None, None, None]], *, is_urgent: bool
    ) -> None:
        self._world.urgent_charges += is_urgent
        self._world.defer(self._charged(settlement, otherwise))

    async def _charged(self, settlement: Settlement, otherwise: Callable[[Any], Coroutine[None, None, None]]) -> None:
        try:
            said: Any = await self.tell(settlement)
        except LedgerUnreachable as away:
            said = away
        if not isinstance(said, Settled | Recorded):
            await otherwise(said)

    def _answered(self, name: str, text: str) -> str:
        if self._world.is_ledger_away:
            raise LedgerUnreachable
        answer = self.service.answer(read_question(text), self._world.now_ms())
        if isinstance(answer, KeyWritten):
            self.copy_keys()
        self._world.reach(LedgerUnreachable)
        self._world.wait_for(f"ledger.{name} answer")
        if name == "admit" and self._world.admissions_unheard:
            self._world.admissions_unheard -= 1
            raise LedgerUnreachable
        self._world.has_granted = self._world.has_granted or isinstance(answer, Granted)
        return to_wire(answer)


@dataclass
class ScriptedAnswer:
    """What a provider answers: a body at once or in chunks, perhaps broken off, perhaps too long to be kept."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    chunks: tuple[bytes, ...] = ()
    is_broken: bool = False
    is_too_long: bool = False
    takes_ms: int = 0
    """What reading the whole of it takes."""
    client_leaves_after: int | None = None
    """Chunks, of a stream."""
    chunk_takes_ms: int = 0
    is_discarded: bool = False
    answered_at_ms: int = START_MS
    world: "World | None" = None

    async def read(self) -> bytes | TooLong | AttemptFailed:
        if self.world is not None:
            self.world.pass_time(self.takes_ms)
            for _ in ("begun", "ended"):
                try:
                    self.world.reach(ConnectionError)
                except ConnectionError:
                    return AttemptFailed("connection_lost")
        if self.is_too_long:
            return TooLong()
        if self.client_leaves_after is not None:
            return AttemptFailed("client_gone")
        return AttemptFailed("connection_lost") if self.is_broken else b"".join(self.chunks)

    async def begun(self, watch: Watch, *, silence_ms: int, hold_back_ms: int) -> AttemptFailed | None:
        """As the adapter of the Worker does; a chunk that comes too late leaves the rest unheard."""
        waited_ms, within_ms = 0, silence_ms
        for number, chunk in enumerate(self.chunks):
            if number == self.client_leaves_after:
                return AttemptFailed("client_gone")
            waited_ms += self.chunk_takes_ms
            if waited_ms > within_ms:
                self._pass_time(within_ms)
                return AttemptFailed("first_byte_timeout") if number == 0 else None
            if number == 0:
                within_ms = waited_ms + hold_back_ms
            if watch.feed(chunk):
                self._pass_time(waited_ms)
                return None
        self._pass_time(waited_ms)
        if self.is_broken:
            return AttemptFailed("connection_lost")
        watch.close()
        return None

    def discard(self) -> None:
        self.is_discarded = True

    def _pass_time(self, duration_ms: int) -> None:
        if self.world is not None:
            self.world.pass_time(duration_ms)

    def untouched(self) -> Body:
        return b"".join(self.chunks)

    def relayed(self, relay: Relay) -> Body:
        return self._passed_on(relay) if relay.hearing == "hears_the_end" else self._attended(relay)

    async def _passed_on(self, relay: Relay) -> Any:
        for number, chunk in enumerate(self.chunks):
            if number == self.client_leaves_after:
                await relay.ended("client_disconnected", first_chunk_at_ms=START_MS)
                return
            yield chunk
        relay.feed(b"".join(self.chunks)[-ANSWER_END_BYTES:])
        words = await relay.ended("broken" if self.is_broken else "complete", first_chunk_at_ms=START_MS)
        yield b"<broken off>" if words is None else words

    async def _attended(self, relay: Relay) -> Any:
        """As the adapter of the Worker does: whatever is raised, the relay hears once that the stream is over."""
        self.ending: StreamEnding = "broken"
        with contextlib.suppress(Exception, Surprise):
            async for part in self._passing(relay):
                yield part
        words = await relay.ended(self.ending, first_chunk_at_ms=START_MS)
        if self.ending != "client_disconnected":
            yield words

    async def _passing(self, relay: Relay) -> Any:
        for number, chunk in enumerate(self.chunks):
            if number == self.client_leaves_after:
                self.ending = "client_disconnected"
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
                self.ending = "cut"
                return
        if not self.is_broken:
            self.ending = "complete"


class Killed(BaseException):
    """The isolate is gone; nothing of the call runs any more."""


class World:
    """Everything a request can touch, with its switches."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self.kv: dict[str, str] = {}
        self.knows(TOKEN, tenant="acme", team="search", key_id="key_1")
        if config is not None:
            self.kv["t:acme:config"] = copy_text(1, {"config": json.dumps(config)})
        self.is_kv_away = self.is_ledger_away = self.is_queue_away = False
        self.failing_keys: set[str] = set()
        """KV entries that cannot be read, while others can."""
        self.late: dict[str, asyncio.Event] = {}
        """KV entries whose value, as it is when it is asked for, arrives only once the event is set."""
        self.hanging: set[str] = set()
        """What does not answer before its deadline: `kv`, `queue`, or a question to the Ledger such as `ledger.admit`,
        which is not heard, or `ledger.admit answer`, where it is and only the answer is lost."""
        self.ledger_calls = self.urgent_charges = self.kv_reads = self.admissions_unheard = 0
        self.is_asking_ledger = self.has_granted = self.is_winding_up = False
        """Where a call is: at the Ledger, past its hold, past its end."""
        self.awaits = 0
        self.dies_at: int | None = None
        """The await at which the isolate is killed, counted from one."""
        self.fails_at: int | None = None
        """The await at which a port fails, before or after its effect."""
        self.outage: tuple[int, frozenset[type[Exception]]] | None = None
        """The await from which on, until the outage is over, the ports with these failures do not answer."""
        self.upstream_also: Callable[[], object] = lambda: None
        self.database = ScriptedRecords()
        """Where records can be read."""
        self.records: list[dict[str, Any]] = []
        self.sent: list[UpstreamRequest] = []
        self.answer: ScriptedAnswer | AttemptFailed = ScriptedAnswer()
        self.answers: dict[str, list[ScriptedAnswer | AttemptFailed]] = {}
        """What a provider answers, by its name: one after the other, the last one again and again."""
        self.takes_ms: dict[str, int] = {}
        """How long a provider takes to begin."""
        self.ledgers: dict[str, MemoryLedger] = {}
        self.key_set: bytes | None = None
        """What the server of an Access team answers; None while it is away."""
        self.key_set_asks = 0
        self.sealing: Sealing = AesSealing()
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
        await asyncio.sleep(0)

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    async def key_record(self, token_digest: bytes) -> str | None:
        return await self._kv(f"key:{token_digest.hex()}")

    async def config(self, tenant: str) -> str | None:
        return await self._kv(f"t:{tenant}:config")

    async def session_mirror(self, tenant: str, session_id: str) -> SessionMirror | None:
        return read_mirror(await self._kv(mirror_key(tenant, session_id)))

    async def send(self, request: Any) -> Any:
        if isinstance(request, UpstreamRequest):
            self.reach(None)
            self.sent.append(request)
            self.upstream_also()
            self.reach(None)
            answer = self._answer_of(request)
            if isinstance(answer, ScriptedAnswer):
                answer.answered_at_ms = self.now_ms()
            return answer
        self.reach(QueueUnreachable)
        self.wait_for("queue", QueueUnreachable)
        if self.is_queue_away:
            raise QueueUnreachable
        self.records.append(json.loads(request))
        self.reach(QueueUnreachable)
        return None

    def _answer_of(self, request: UpstreamRequest) -> ScriptedAnswer | AttemptFailed:
        provider = next((name for name in self.answers if request.url.startswith(PROVIDERS[name].base_url)), None)
        if provider is None:
            return self.answer
        takes_ms = self.takes_ms.get(provider, 0)
        self.pass_time(min(takes_ms, request.first_byte_timeout_ms))
        if takes_ms > request.first_byte_timeout_ms:
            return AttemptFailed("first_byte_timeout")
        answers = self.answers[provider]
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        return replace(answer) if isinstance(answer, ScriptedAnswer) else answer

    async def is_stranger_allowed(self, address: str) -> bool:
        self.strangers.append(address)
        return self.strangers.count(address) <= self.strangers_max

    async def fetch_key_set(self, url: str) -> bytes:
        self.key_set_asks += 1
        assert url == "https://team.example/cdn-cgi/access/certs", "the only team there is"
        await asyncio.sleep(0)
        self.wait_for("key server", KeyServerUnreachable)
        if self.key_set is None:
            raise KeyServerUnreachable
        return self.key_set

    def ledger_of(self, tenant: str) -> Any:
        if tenant not in self.ledgers:
            self.ledgers[tenant] = MemoryLedger(self, tenant)
        return self.ledgers[tenant]

    def ports(self) -> Ports:
        return Ports(
            ledger_of=self.ledger_of,
            tenants=self,
            telemetry=self,
            records=self.database,
            upstream=self,
            sealing=self.sealing,
            clock=self,
            ids=self,
            defer=self.defer,
            is_stranger_allowed=self.is_stranger_allowed,
            fetch_key_set=self.fetch_key_set,
            is_signed=is_signed,
        )

    def defer(self, work: Coroutine[None, None, None]) -> None:
        self._deferred.append(work)

    def reach(self, failure: type[Exception] | None) -> None:
        """One more await: the last one, or the one that fails, if the test says so."""
        self.awaits += 1
        if self.dies_at is not None and self.awaits >= self.dies_at:
            raise Killed
        if self.awaits == self.fails_at and failure is not None:
            raise failure
        if self.outage is not None and self.awaits >= self.outage[0] and failure in self.outage[1]:
            raise failure

    def wait_for(self, part: str, failure: type[Exception] = LedgerUnreachable) -> None:
        """A part that hangs is given up on when its time is over."""
        if part not in self.hanging:
            return
        self.pass_time(DEADLINE_MS)
        raise LedgerUnreachable(has_hung=True) if failure is LedgerUnreachable else failure

    # For tests ----------------------------------------------------------------------------------------

    def pass_time(self, milliseconds: int) -> None:
        self._now_ms += milliseconds

    def deliver_journals(self) -> None:
        """What the Ledgers' alarms do while the queue is there."""
        for ledger in self.ledgers.values():
            self.records += ledger.journal()

    def wake_ledger(self, tenant: str) -> None:
        self.ledger_of(tenant).wake()

    def knows(self, token: str, **record: Any) -> None:
        """Whose this token is."""
        self.kv[f"key:{hashlib.sha256(token.encode()).hexdigest()}"] = json.dumps(record)

    def set_month(self, limit_nanousd: int) -> None:
        """What the tenant may spend in a month."""
        limit = ConfigureRequest(kind="tenant", id="acme", window="month", limit_nanousd=limit_nanousd)
        self.ledger_of("acme").service.configure(limit, START_MS)

    def month(self) -> tuple[int, int]:
        """What the tenant has spent in it, and what is held."""
        accounts = self.ledger_of("acme").service.status(StatusRequest(include_tenant=True), START_MS).accounts
        return next((each.spent_nanousd, each.held_nanousd) for each in accounts if each.window == "month")

    def run(self, request: Coroutine[None, None, Any]) -> Any:
        """Run a request, or several as one, and then everything they deferred. A body that streams is drained."""

        async def answered() -> Any:
            answer = await request
            if hasattr(getattr(answer, "body", None), "__aiter__"):
                return replace(answer, body=b"".join([part async for part in answer.body]))
            return answer

        async def both() -> Any:
            try:
                answer = await answered()
            except Killed:
                for lost in self._deferred:
                    lost.close()
                self._deferred.clear()
                raise
            except BaseException:
                await self._run_deferred()
                raise
            await self._run_deferred()
            return answer

        return asyncio.run(both())

    async def _run_deferred(self) -> None:
        self.is_winding_up = True
        while self._deferred:
            await self._deferred.pop(0)
        if not self.is_queue_away:
            self.deliver_journals()

    async def _kv(self, key: str) -> str | None:
        self.kv_reads += 1
        self.wait_for("kv", TenantStoreUnreachable)
        if self.is_kv_away or key in self.failing_keys:
            raise TenantStoreUnreachable
        value = self.kv.get(key)
        if key in self.late:
            await self.late[key].wait()
        return value
