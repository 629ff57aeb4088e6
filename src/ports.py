"""What the orchestration needs from the world: six ports, each with a Cloudflare adapter and an in-memory one.

The adapters of the Worker live in `bindings/`, those of the tests in `tests/support`. Nothing else gets an interface.
A port raises only the exceptions named here; what a provider does wrong is a value (`AttemptFailed`), because
failover decides on it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.messages import (
    AdmitAnswer,
    AdmitRequest,
    Configured,
    ConfigureRequest,
    ExtendAnswer,
    ExtendRequest,
    ListSessionsRequest,
    RecordAnswer,
    RecordRequest,
    SessionPage,
    SettleAnswer,
    SettleRequest,
    Status,
    StatusRequest,
)

# Money ----------------------------------------------------------------------------------------------------


class LedgerUnreachable(Exception):
    """The ledger did not answer; whether the operation took effect is unknown."""


class Ledger(Protocol):
    """One tenant's money. Every operation is idempotent; every method may raise `LedgerUnreachable`."""

    async def admit(self, request: AdmitRequest) -> AdmitAnswer: ...
    async def extend(self, request: ExtendRequest) -> ExtendAnswer: ...
    async def settle(self, request: SettleRequest) -> SettleAnswer: ...
    async def record(self, request: RecordRequest) -> RecordAnswer: ...
    async def status(self, request: StatusRequest) -> Status: ...
    async def configure(self, request: ConfigureRequest) -> Configured: ...
    async def list_sessions(self, request: ListSessionsRequest) -> SessionPage: ...
    async def enqueue(self, text: str) -> None:
        """Keep a telemetry message that the queue would not take; the ledger's alarm delivers it."""


# Tenants --------------------------------------------------------------------------------------------------


class TenantStoreUnreachable(Exception):
    """Tenant data cannot be read just now."""


@dataclass(frozen=True, slots=True)
class SessionMirror:
    """A session's numbers as last mirrored: late, and never the authority."""

    spent_nanousd: int
    tokens: int
    limit_nanousd: int | None


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


# Providers ------------------------------------------------------------------------------------------------

FailureKind = Literal["unreachable", "first_byte_timeout", "client_gone"]
StreamEnding = Literal["complete", "client_disconnected", "broken", "cut"]


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One try at one provider. `body` None means a method without one."""

    method: str
    url: str
    headers: Mapping[str, str] = None  # type: ignore[assignment]
    body: bytes | None = None
    first_byte_timeout_ms: int = 0


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A provider gave no answer at all."""

    kind: FailureKind


class UpstreamBroken(Exception):
    """The provider's answer broke off before its end; `received` holds what had come."""

    def __init__(self, received: bytes) -> None:
        super().__init__("the provider's answer broke off")
        self.received = received


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a relay makes of one chunk: bytes for the client, and whether to cut or to wait afterwards."""

    forward: bytes
    is_cut: bool = False
    wait: Awaitable[bytes] | None = None
    """When set, nothing more is read until it is done; its bytes then follow."""


class Relay(Protocol):
    """Stands in a stream's path. `feed` is called for each chunk, `ended` exactly once."""

    def feed(self, chunk: bytes) -> "Relayed": ...
    async def ended(self, ending: StreamEnding) -> bytes:
        """Settle, and return the last bytes for the client (none when it has gone)."""
        ...


class Tap(Protocol):
    """Watches a stream that passes untouched. `feed` may lag behind the client; `ended` as in `Relay`."""

    def feed(self, chunk: bytes) -> None: ...
    async def ended(self, ending: StreamEnding) -> bytes: ...
