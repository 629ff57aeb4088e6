"""What outlives a request in this isolate: settings, caches, the outage allowance, and what waits to be sent."""

from dataclasses import dataclass, field

from access.assertions import SignOnMemory
from access.identity import IdentityCache
from core.backlog import Backlog
from core.dedup_window import DedupWindow
from core.ledger.health.known import KnownCooling
from core.ledger.outage import OutageAllowance
from core.tenant.sealed.opened import OpenedKeys
from core.wire.bytes_in_flight import BytesInFlight
from settings import Settings


@dataclass(frozen=True, slots=True)
class Isolate:
    """The state of one isolate, made at its first request. All of it is bounded, and any of it may be lost."""

    settings: Settings
    identities: IdentityCache = field(default_factory=IdentityCache)
    sign_on: SignOnMemory = field(default_factory=SignOnMemory)
    outage: OutageAllowance = field(default_factory=OutageAllowance)
    cooling: KnownCooling = field(default_factory=KnownCooling)
    """Whom calls of failover chains leave alone."""
    opened_keys: OpenedKeys = field(default_factory=OpenedKeys)
    """Tenants' own provider keys."""
    bodies: BytesInFlight = field(default_factory=BytesInFlight)
    backlog: Backlog = field(default_factory=Backlog)
    """Messages that nobody took so far."""
    told: DedupWindow = field(default_factory=lambda: DedupWindow(window_ms=3_600_000, told_max=1_000))
    """What is told once an hour: alerts, administrators at work."""
    refused_logins: DedupWindow = field(default_factory=lambda: DedupWindow(window_ms=60_000, told_max=60))
