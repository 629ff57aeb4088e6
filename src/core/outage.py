"""How much may pass while the Ledger is away: a ceiling in dollars per tenant, isolate and hour.

What is let through is remembered as charges owed to the ledger, so that the account is right again afterwards.
The rule easy to break: the worst case is taken from the allowance before the call and only the difference to the
real cost is given back, so concurrent calls cannot pass the ceiling together.
"""

from collections import deque

from core.messages import RecordRequest

HOUR_MS = 3_600_000
OWED_MAX = 5_000
"""Charges remembered per isolate; at a few hundred bytes each about a megabyte and a half."""


class OutageAllowance:
    """One isolate's allowances by tenant, and the charges it owes."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, int], int] = {}
        self._owed: dict[str, deque[RecordRequest]] = {}

    def take(self, tenant: str, amount_nanousd: int, *, ceiling_nanousd: int, now_ms: int) -> bool:
        """Take a call's worst case from this hour's allowance; False, and nothing taken, when it does not fit."""
        hour = now_ms // HOUR_MS
        self._taken = {slot: taken for slot, taken in self._taken.items() if slot[1] == hour}
        taken = self._taken.get((tenant, hour), 0) + amount_nanousd
        if taken > ceiling_nanousd or self.owed_count() >= OWED_MAX:
            return False
        self._taken[tenant, hour] = taken
        return True

    def give_back(self, tenant: str, amount_nanousd: int, *, taken_at_ms: int) -> None:
        """Return what a call did not use, if its hour still runs."""
        slot = (tenant, taken_at_ms // HOUR_MS)
        if slot in self._taken:
            self._taken[slot] = max(0, self._taken[slot] - amount_nanousd)

    def owe(self, tenant: str, charge: RecordRequest) -> None:
        """Remember a charge until the ledger can be told."""
        self._owed.setdefault(tenant, deque()).append(charge)

    def owed_count(self) -> int:
        return sum(len(charges) for charges in self._owed.values())

    def next_owed(self, tenant: str) -> RecordRequest | None:
        """Take the oldest charge owed to a tenant's ledger; `owe` it again if the ledger cannot be told."""
        charges = self._owed.get(tenant)
        if charges is None:
            return None
        charge = charges.popleft()
        if not charges:
            del self._owed[tenant]
        return charge
