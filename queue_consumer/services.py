"""What the telemetry Worker needs from the world: Supabase, webhooks, tenant documents, the Ledgers,
a grave for bad messages.

The Worker's adapter is `worker_services.py`; tests bring a scripted one and one that speaks to a
real PostgREST. Statuses are values; only "nobody answered" is an exception, because then it is
unknown what happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.ledger.messages import Conflict, Recorded, Settled
from core.ledger.trials.messages import Trial
from core.telemetry import Settlement


class Unreachable(Exception):
    """The other side did not answer; whether the request took effect is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    text: str
    retry_after: str | None = None
    """What the header of that name says, of a webhook's answer; its text is not read."""


class Services(Protocol):
    """Every method may raise `Unreachable`."""

    @property
    def allows_private_receivers(self) -> bool:
        """The operator's word: webhooks need not be https hosts on the internet."""
        ...

    def now_ms(self) -> int: ...

    async def rest(self, path: str, body: str, *, prefer: str) -> Answer:
        """POST JSON to a path under Supabase's `/rest/v1/`, as `service_role`."""
        ...

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        """POST JSON to a webhook, with headers of its own: a redirect is an answer, and after ten seconds
        there is none."""
        ...

    async def tenant_config(self, tenant: str) -> str | None:
        """The tenant's configuration document, or None where it has none."""
        ...

    async def present_documents(self, tenant: str) -> str | None:
        """All of the tenant's documents, by its Ledger."""
        ...

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        """A secret of a tenant's. May raise `ports.CannotUnseal`."""
        ...

    async def note_trial(self, tenant: str, trial_id: str, outcome: Trial) -> None:
        """Tell a tenant's Ledger what came of a trial, for whoever asked for it."""
        ...

    async def charge(self, tenant: str, charge: Settlement) -> Settled | Recorded | Conflict:
        """Tell a tenant's Ledger what a call cost."""
        ...

    async def bury(self, texts: Sequence[str]) -> None:
        """Put messages on the dead-letter queue, in one request. Where that fails, some may be there."""
        ...
