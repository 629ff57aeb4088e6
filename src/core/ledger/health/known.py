"""What an isolate has heard of the targets that tenants' calls leave alone: enough to ask somebody else at once,
instead of being told so by the Ledger first.
"""

from core.ledger.health.targets import Target
from core.ledger.health.views import CoolingView, keeps_away

TENANTS_MAX = 1_000
"""Those that were heard of first go first: what is not known is asked for."""


class KnownCooling:
    """The last word of each tenant's Ledger. It may be old, and then leaves out too much or too little until the next
    one; never for longer than it says itself."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[CoolingView, ...]] = {}

    def learn(self, tenant: str, views: tuple[CoolingView, ...]) -> None:
        self._views.pop(tenant, None)
        if views:
            self._views[tenant] = views
        while len(self._views) > TENANTS_MAX:
            del self._views[next(iter(self._views))]

    def until_ms(self, tenant: str, target: Target, now_ms: int) -> int | None:
        """Until when the target is left alone; None where nothing is known against it."""
        known = self._views.get(tenant)
        view = None if known is None else keeps_away(known, target, now_ms)
        return None if view is None else view.until_ms
