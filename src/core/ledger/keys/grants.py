"""What whoever changes keys may give: one judgement of whole records, for making, changing, rotating and revoking.

Every writer is an administrator of the tenant. What an administrator's key may not give is more than it has itself:
an end later than its own to another that administers, for then whoever takes the one keeps the other. Nor may it shut
its own door while nobody else has a key to it. The rule easy to break: a member of `KeyTerms` that is in neither set
below has nobody who thought of it; a test asks for each.
"""

from typing import Literal

from core.ledger.keys.key import KeyTerms, StoredKey

FREE_TO_GIVE = frozenset(
    {"name", "team", "requests_per_minute", "tokens_per_minute", "calls", "origins", "is_disabled"}
)  # fmt: skip
"""An administrator decides on these for its whole tenant by other ways already."""

JUDGED = frozenset({"role", "expires_at_ms"})

Fault = Literal["outlives_its_maker", "last_administrator"]


def fault_of_grant(actor: StoredKey | None, after: KeyTerms | None) -> Fault | None:
    """Why an actor may not give these terms. `actor` is the key that asks, where the Ledger keeps it; `after` None is
    a key that is revoked."""
    if actor is None or after is None or after.role != "admin":
        return None
    own_end_ms = actor.terms.expires_at_ms
    if own_end_ms is None or (after.expires_at_ms is not None and after.expires_at_ms <= own_end_ms):
        return None
    return "outlives_its_maker"


def shuts_the_door(
    actor: StoredKey | None, before: StoredKey, after: KeyTerms | None, *, has_other_administrator: bool
) -> bool:
    """Does an administrator's key lock out its own tenant? Whoever changes another's key has one that is left."""
    if actor is None or actor.key_id != before.key_id or before.terms.role != "admin" or has_other_administrator:
        return False
    return after is None or after.role != "admin" or after.is_disabled or after.expires_at_ms is not None
