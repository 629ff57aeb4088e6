"""What the orchestration needs from the world: seven ports, each with a Cloudflare adapter and an in-memory one.

The adapters of the Worker live in `bindings/`, those of the tests in `tests/support`. Nothing else gets an interface.
A port raises only the exceptions named here; what a provider does wrong is a value (`AttemptFailed`), because the
call is charged by it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from core.ledger.messages import Message, Question
from core.ledger.mirror import SessionMirror
from core.telemetry import Settlement
from core.tenant.sign_on.key_set import PublicKey

A = TypeVar("A")

# Money ----------------------------------------------------------------------------------------------------


class LedgerUnreachable(Exception):
    """The ledger did not answer; whether the operation took effect is unknown, and it may still come to."""

    def __init__(self, *, has_hung: bool = False) -> None:
        """`has_hung` when it took all the time it had: asking again would take as long."""
        super().__init__()
        self.has_hung = has_hung


class Ledger(Protocol):
    """One tenant's money and documents. Every question is idempotent, and may raise `LedgerUnreachable`."""

    async def tell(self, question: Question[A]) -> A: ...

    def charge(
        self,
        settlement: Settlement,
        otherwise: Callable[[Message | LedgerUnreachable], Coroutine[Any, Any, None]],
        *,
        is_urgent: bool,
    ) -> None:
        """Tell it a charge and see that through, without waiting. `otherwise` goes on once where it is not taken, from
        what came instead. Unless it is urgent it may go a little later, along with another question."""
        ...


# Tenants --------------------------------------------------------------------------------------------------


class TenantStoreUnreachable(Exception):
    """Tenant data cannot be read just now."""


class TenantStore(Protocol):
    """Key records, tenant documents and session mirrors. Every method may raise `TenantStoreUnreachable`."""

    async def key_record(self, token_digest: bytes) -> str | None: ...
    async def config(self, tenant: str) -> str | None: ...
    async def session_mirror(self, tenant: str, session_id: str) -> SessionMirror | None: ...


# Telemetry ------------------------------------------------------------------------------------------------


class QueueUnreachable(Exception):
    """The queue did not take the message."""


class TelemetryQueue(Protocol):
    """Takes one message text. May raise `QueueUnreachable`."""

    async def send(self, text: str) -> None: ...


# Records --------------------------------------------------------------------------------------------------


class RecordsUnreachable(Exception):
    """The database with the records did not answer, or with more than we take."""


@dataclass(frozen=True, slots=True)
class RecordsAnswer:
    """What the database said, whatever it was."""

    status: int
    body: bytes


class Records(Protocol):
    """Functions of the database in which telemetry ends up (`migrations/`). May raise `RecordsUnreachable`."""

    async def call(self, function: str, arguments: bytes, *, token: str) -> RecordsAnswer:
        """`arguments` is a JSON object; `token` says whose rows there are."""
        ...


# Providers ------------------------------------------------------------------------------------------------

FailureKind = Literal["connection_lost", "first_byte_timeout", "client_gone"]
StreamEnding = Literal["complete", "client_disconnected", "broken", "cut"]

Body = object
"""A streamed body: made by an upstream adapter, understood by the answer adapter beside it, opaque to the rest."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One try at one provider. `body` None means a method without one."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    first_byte_timeout_ms: int
    is_read_whole: bool = False
    """An answer that is no error is going to be read whole, so its body may be taken in before it is handed over."""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A provider gave no answer, or none with an end. A refused connection is a lost one: the platform says no more."""

    kind: FailureKind


@dataclass(frozen=True, slots=True)
class TooLong:
    """An answer that is not kept whole: it can only be passed on."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay makes of one chunk: bytes for the client now, then perhaps a cut or a wait."""

    forward: bytes
    is_cut: bool = False
    wait: Awaitable["Relayed"] | None = None
    """When set, nothing more is read until it is done; what it returns then follows."""


Hearing = Literal["judges", "listens", "hears_the_end"]
"""What a relay has to do with a body. One that judges sees each chunk before it passes. One that listens gets larger
pieces of what has passed already, event by event: what `feed` returns counts for nothing but a cut. One that hears the
end gets the last bytes in one piece, and everything passes as it comes."""


class Relay(Protocol):
    """Stands in a stream's path. `feed` is called with what it is to hear, in order, and `ended` exactly once, also
    when `feed` has raised."""

    @property
    def hearing(self) -> Hearing: ...

    @property
    def strips_usage(self) -> bool:
        """Whoever lets events pass without it must take the injected usage out of them."""
        ...

    def feed(self, chunk: bytes) -> Relayed: ...

    async def ended(self, ending: StreamEnding, *, first_chunk_at_ms: int | None) -> bytes | None:
        """See that the account is closed, which does not wait for it, and return the last bytes for the client (unheard
        when it has gone). None lets the body break off."""
        ...


class Watch(Protocol):
    """Hears the beginning of a body that nobody else has heard yet."""

    def feed(self, chunk: bytes) -> bool:
        """Take some more of it. True when that is enough."""
        ...

    def close(self) -> None:
        """There is no more."""
        ...


class UpstreamAnswer(Protocol):
    """A provider's answer, its body not yet read. One of `read`, `untouched`, `relayed` and `discard` is called, but
    `relayed` after a `read` that found it too long; `begun` may be called before `relayed` or `discard`."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def answered_at_ms(self) -> int:
        """When its headers were there."""
        ...

    async def read(self) -> bytes | TooLong | AttemptFailed:
        """The whole body, if this isolate has room for it."""
        ...

    async def begun(self, watch: Watch, *, silence_ms: int, hold_back_ms: int) -> AttemptFailed | None:
        """Let `watch` hear the body until it has heard enough, or the body is over, or `hold_back_ms` have passed since
        it began. It stays whole for whoever takes it next. A failure where it broke off, or did not begin in time."""
        ...

    def discard(self) -> None:
        """Let it go: the provider stops, and its connection is free."""
        ...

    def untouched(self) -> Body: ...

    def relayed(self, relay: Relay) -> Body:
        """The body as it passes through the relay. A client that goes away cancels the provider's generation."""
        ...


class Upstream(Protocol):
    async def send(self, request: UpstreamRequest) -> UpstreamAnswer | AttemptFailed: ...


# Single sign-on -------------------------------------------------------------------------------------------


class KeyServerUnreachable(Exception):
    """A team's keys cannot be read just now."""


# Secrets at rest ------------------------------------------------------------------------------------------


class NothingToSealWith(Exception):
    """The deployment has no key to seal with (`KEY_ENCRYPTION_KEY`)."""


class CannotUnseal(Exception):
    """A sealed text does not open here. Its words say why, and are safe to show."""


class Sealing(Protocol):
    """Seals texts under the deployment's present key, and opens what any of its keys has sealed
    (`core.tenant.sealed.form`)."""

    @property
    def key_id(self) -> str | None:
        """Of the key that seals; None where there is none."""
        ...

    async def seal(self, text: str, bound_to: bytes) -> str:
        """May raise `NothingToSealWith`."""
        ...

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        """May raise `CannotUnseal`."""
        ...


# Time and chance ------------------------------------------------------------------------------------------


class Clock(Protocol):
    def now_ms(self) -> int: ...
    async def sleep_ms(self, duration_ms: int) -> None: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str:
        """A fresh identifier that nobody can guess, such as `req_…`."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The world as one request sees it."""

    ledger_of: Callable[[str], Ledger]
    """The Ledger of a tenant."""
    tenants: TenantStore
    telemetry: TelemetryQueue
    records: Records
    upstream: Upstream
    sealing: Sealing
    clock: Clock
    ids: Ids
    defer: Callable[[Coroutine[None, None, None]], None]
    """Runs a coroutine to its end, even after the answer has gone out or the caller has left."""
    is_stranger_allowed: Callable[[str], Awaitable[bool]]
    """May a caller without a valid token, from this address, ask again? Counts the question."""
    fetch_key_set: Callable[[str], Awaitable[bytes]]
    """The keys by which a team signs, as its server states them at this address. May raise `KeyServerUnreachable`."""
    is_signed: Callable[[PublicKey, bytes, bytes], Awaitable[bool]]
    """RS256: is the last the key's signature over the bytes before it?"""
