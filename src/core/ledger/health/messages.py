"""What is asked of a tenant's Ledger about the providers that its calls leave alone."""

from core.ledger.health.views import CoolingView
from core.ledger.messages import Message, Name, Question


class TargetsHealth(Message, frozen=True, tag="health"):
    """What the tenant's calls leave alone just now, and why."""

    cooling: tuple[CoolingView, ...]


class HealthRequest(Question[TargetsHealth], frozen=True, tag="health_question"):
    """What is left alone. With `clears` it is asked again from now on: all of it, or what the names say."""

    clears: bool = False
    provider: Name | None = None
    model: Name | None = None
