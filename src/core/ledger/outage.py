"""How much may pass while the Ledger is away: a ceiling in dollars per tenant, isolate and hour.

The rule easy to break: the worst case is taken from the allowance before the call and only the difference to the
real cost is given back, so concurrent calls cannot pass the ceiling together. What did pass is charged afterwards, by
the queue (`core.telemetry.Debt`).
"""

HOUR_MS = 3_600_000


class OutageAllowance:
    """One isolate's allowances by tenant."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, int], int] = {}

    def take(self, tenant: str, amount_nanousd: int, *, ceiling_nanousd: int, now_ms: int) -> bool:
        """Take a call's worst case from this hour's allowance; False, and nothing taken, when it does not fit."""
        hour = now_ms // HOUR_MS
        self._taken = {slot: taken for slot, taken in self._taken.items() if slot[1] == hour}
        taken = self._taken.get((tenant, hour), 0) + amount_nanousd
        if taken > ceiling_nanousd:
            return False
        self._taken[tenant, hour] = taken
        return True

    def give_back(self, tenant: str, amount_nanousd: int, *, taken_at_ms: int) -> None:
        """Return what a call did not use, if its hour still runs."""
        slot = (tenant, taken_at_ms // HOUR_MS)
        if slot in self._taken:
            self._taken[slot] = max(0, self._taken[slot] - amount_nanousd)
