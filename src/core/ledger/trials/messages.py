"""What the telemetry Worker tells a tenant's Ledger of a trial, and what the edge asks of it. Kept in memory alone: who
asked waits for half a minute.
"""

from typing import Annotated

import msgspec

from core.ledger.messages import Message, Name, Question

RECEIVERS_MAX = 10
TRIALS_KEPT_MAX = 20
"""Of one tenant; the oldest go first."""


class Tried(msgspec.Struct, frozen=True):
    """How one receiver did. `status` and `milliseconds` are there where something was sent."""

    id: Name
    result: Name
    """As in `report_dispatches`, or why it would be tried again."""
    status: int | None = None
    milliseconds: int | None = None


class Trial(Message, frozen=True, tag="trial"):
    """What came of a trial; None while nobody knows."""

    receivers: Annotated[tuple[Tried, ...], msgspec.Meta(max_length=RECEIVERS_MAX)] | None = None


class TrialRequest(Question[Trial], frozen=True, tag="trial_question"):
    """What came of a trial? With `outcome`, from who tried: this did, unless it is known already."""

    trial_id: Name
    outcome: Trial | None = None
