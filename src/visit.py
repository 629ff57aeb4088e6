"""One request on its way through, and what outlives it in this isolate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from access.identity import IdentityCache
from core.bounds import REQUEST_BODY_BYTES_MAX
from core.dedup_window import DedupWindow
from core.ledger.outage import OutageAllowance
from core.refusals import Refusal, UnsupportedEncoding
from core.wire.bytes_in_flight import BodyRoom, BytesInFlight
from core.wire.dialects import Dialect, refusal_headers
from exchange import Answer, Inbound
from ports import Ports
from settings import Settings


@dataclass(frozen=True, slots=True)
class Isolate:
    """What outlives a request in this isolate: settings, caches, the outage allowance, and what was told."""

    settings: Settings
    identities: IdentityCache = field(default_factory=IdentityCache)
    outage: OutageAllowance = field(default_factory=OutageAllowance)
    bodies: BytesInFlight = field(default_factory=BytesInFlight)
    told: DedupWindow = field(default_factory=lambda: DedupWindow(window_ms=3_600_000, told_max=1_000))
    """What is told once an hour: alerts, administrators at work."""
    refused_logins: DedupWindow = field(default_factory=lambda: DedupWindow(window_ms=60_000, told_max=60))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way through: who asked what, when, and the means to answer."""

    request: Inbound
    request_id: str
    started_at_ms: int
    ports: Ports
    isolate: Isolate

    @property
    def client_address(self) -> str:
        """As Cloudflare saw it; empty where it did not say."""
        return self.request.headers.get("cf-connecting-ip", "")

    def room_for_body(self, bytes_max: int = REQUEST_BODY_BYTES_MAX) -> BodyRoom:
        """A scope in which the body may be held."""
        return BodyRoom(self.isolate.bodies, bytes_max=bytes_max)


async def read_body(visit: Visit, room: BodyRoom) -> bytes:
    """The request's body. Raises `UnsupportedEncoding`, or what `room` raises."""
    encoding = visit.request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(
            f"the body is encoded as {encoding[:40]}, and only plain bodies can be judged", param="content-encoding"
        )
    return await visit.request.read_body(room.make)


def refused(refusal: Refusal, dialect: Dialect, request_id: str) -> Answer:
    """A refusal as the caller's own SDK understands it."""
    headers = {
        "content-type": "application/json",
        "x-agentwatch-request-id": request_id,
        **refusal_headers(refusal),
    }
    return Answer(refusal.status, headers, dialect.render_refusal(refusal, request_id))


def with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
