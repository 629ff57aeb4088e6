"""Failover as it is written: every member, its type and its bounds, which is what the API's own document shows.

The bounds are the call's: a chain says where it may go, they say how often, how long and for how much. What may be null
is what nothing is lost by: a ceiling that a template fails to fill in would be none.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from core.money.amount import Usd
from core.tenant.failover.triggers import DEFAULT_TRIGGERS, TRIGGERS, Trigger
from core.tenant.rules.document import Named, Pattern, RuleId, RuleName

FAILOVER_CHARACTERS_MAX = 65_536
"""Every isolate compiles them: fifty chains of five hops, with room for lists of models."""

CHAINS_MAX = 50
HOPS_MAX = 5
LISTED_MAX = 20
WILD_CHARACTERS_MAX = 200
"""Question marks in all patterns together, as in rules."""

ATTEMPTS_MAX = 5
ATTEMPTS_DEFAULT = 3
DEADLINE_MS_MAX = 900_000
DEADLINE_DEFAULT_MS = 300_000
"""Half of what the common SDKs wait for an answer before they give up: the last attempt has the other half."""

Listed = Meta(min_length=1, max_length=LISTED_MAX)
Milliseconds = Annotated[int, Meta(ge=100, le=600_000)]
ModelName = Annotated[str, Meta(min_length=1, max_length=128)]


class ChainMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of one of these models at one of these providers."""

    model: Pattern | Annotated[list[Pattern], Listed]
    """One with a slash is compared with `provider/model`, one without with the bare name, with and without its
    version."""
    provider: Named | Annotated[list[Named], Listed] | UnsetType = UNSET


class HopDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a call goes next."""

    provider: Named
    model: ModelName
    """As the provider knows it."""
    reason: RuleName | None = None
    """What for; has to be said of a hop to the very model that the chain is for."""


class ChainDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a call that fails at the model it asked for. Of several chains for it the first one counts."""

    match: ChainMatch
    hops: Annotated[list[HopDocument], Meta(min_length=1, max_length=HOPS_MAX)]
    """In the order in which they are tried."""
    id: RuleId | None = None
    """`chain-1` and so on, by its place, unless said."""
    on: Annotated[tuple[Trigger, ...], Listed] = tuple(word for word in TRIGGERS if word in DEFAULT_TRIGGERS)
    """After which failures a call moves on."""
    first_byte_ms: Milliseconds | None = None
    """How long an attempt may be without content."""
    allows_paid: bool = False
    """A call of a free model may move on to one that costs."""
    after_uncertain: bool = True
    """A call may move on after an attempt of which nobody knows whether it was billed."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Within which all attempts of one call stay."""

    attempts_max: Annotated[int, Meta(ge=1, le=ATTEMPTS_MAX)] = ATTEMPTS_DEFAULT
    """The first one included."""
    deadline_ms: Annotated[int, Meta(ge=1_000, le=DEADLINE_MS_MAX)] = DEADLINE_DEFAULT_MS
    """After so long no further attempt begins."""
    dollars_max: Usd | UnsetType = UNSET
    """What they may cost together; no bound of its own unless said."""


class FailoverDocument(Bounds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant's failover: where calls go that fail, and within which bounds. Without chains, nowhere."""

    chains: Annotated[list[ChainDocument], Meta(max_length=CHAINS_MAX)] = []


class InvalidChain(ValueError):
    """A chain that cannot be used: the member at fault, such as `hops[1].provider`, and what is wrong with it."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
