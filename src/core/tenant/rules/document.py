"""The rules as they are written: every member, its type and its bounds, which is what the API's own document shows.

A condition's members are all to be met, and of a list one entry. None may be null: a template that fails to fill in a
team would otherwise make a rule for everybody. What types cannot say (that an hour window is not empty, that a zone
exists) is judged where a rule is compiled.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from core.bounds import RULES_MAX, SCOPE_ID_CHARACTERS_MAX
from core.money.amount import Usd

RULES_CHARACTERS_MAX = 65_536
"""Every isolate compiles them: two hundred rules with room for a few lists."""

PATTERN_CHARACTERS_MAX = 128
WILD_CHARACTERS_MAX = 200
"""Question marks in all patterns together: what lies between them is compared at every place of a model's name."""

LISTED_MAX = 100
TAGS_MAX = 10

_END = r"$(?!\n)"
"""In Python's dialect `$` alone would let a final line break through."""

T = TypeVar("T")

RuleId = Annotated[str, Meta(pattern=f"^[a-z0-9][a-z0-9_-]{{0,63}}{_END}")]
RuleName = Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]{{1,100}}{_END}")]
Message = Annotated[str, Meta(pattern=rf"^[^\x00-\x09\x0b-\x1f\x7f]{{1,500}}{_END}")]
Label = Annotated[str, Meta(pattern=f"^[A-Za-z0-9_.:-]{{1,64}}{_END}")]
Moment = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?Z{_END}",
        description="A moment by RFC 3339, in UTC",
        examples=["2026-12-31T23:00:00Z"],
    ),
]
Named = Annotated[str, Meta(min_length=1, max_length=SCOPE_ID_CHARACTERS_MAX)]
Pattern = Annotated[
    str, Meta(min_length=1, max_length=PATTERN_CHARACTERS_MAX, description="`*` for any characters, `?` for one")
]
Count = Annotated[int, Meta(ge=1, le=2**50)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
RiskTag = Literal[
    "PII_EMAIL",
    "PII_SSN",
    "PII_PHONE",
    "FINANCIAL_CREDIT_CARD",
    "SECRET_AWS_ACCESS_KEY",
    "SECRET_STRIPE",
    "SECRET_GITHUB",
    "SECRET_JWT",
    "SECRET_AZURE_KEY",
    "SECRET_SLACK_TOKEN",
    "SECRET_SSH_KEY",
    "SECRET_DB_CONNECTION",
]

Listed = Meta(min_length=1, max_length=LISTED_MAX)
Names = Named | Annotated[list[Named], Listed]
Patterns = Pattern | Annotated[list[Pattern], Listed]
Days = Day | Annotated[list[Day], Listed]
RiskTags = RiskTag | Annotated[list[RiskTag], Listed]
"""One, or any of several."""


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every member is to be met. A member about what nobody knows of a call is not met, and its rule is counted as
    unknown."""

    always: Literal[True] | UnsetType = UNSET
    """Alone: every call."""

    model: Names | UnsetType = UNSET
    """One with a slash meets `provider/model`, one without meets the bare name: of what was asked for and of what it
    was resolved to, with and without its version."""
    model_pattern: Patterns | UnsetType = UNSET
    provider: Names | UnsetType = UNSET
    team: Names | UnsetType = UNSET
    project: Names | UnsetType = UNSET
    agent: Names | UnsetType = UNSET
    key_id: Names | UnsetType = UNSET
    prompt_tokens_min: Count | UnsetType = UNSET
    prompt_tokens_max: Annotated[int, Meta(ge=0, le=2**50)] | UnsetType = UNSET
    max_tokens_min: Count | UnsetType = UNSET
    estimated_cost_usd_min: Usd | UnsetType = UNSET
    hour_min: Annotated[int, Meta(ge=0, le=23)] | UnsetType = UNSET
    hour_max: Annotated[int, Meta(ge=0, le=24)] | UnsetType = UNSET
    """The window ends before this hour; where it is below `hour_min`, on the next day."""
    time_zone: Named | UnsetType = UNSET
    """By its name in the IANA database; UTC unless said."""
    day_of_week: Days | UnsetType = UNSET
    """Of the day on which the window of hours begins."""
    risk_tags_any: RiskTags | UnsetType = UNSET
    has_tools: bool | UnsetType = UNSET
    stream: bool | UnsetType = UNSET

    iteration_min: Count | UnsetType = UNSET
    session_spend_usd_min: Usd | UnsetType = UNSET
    spend_per_hour_usd_min: Usd | UnsetType = UNSET
    growth_ratio_min: Annotated[float, Meta(ge=1.01, le=100)] | UnsetType = UNSET
    requests_per_minute_min: Count | UnsetType = UNSET
    requests_per_hour_min: Count | UnsetType = UNSET
    repeated_prompt_min: Count | UnsetType = UNSET
    repeated_step_min: Count | UnsetType = UNSET
    step_errors_min: Count | UnsetType = UNSET
    compactions_min: Count | UnsetType = UNSET


class _Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What a rule does."""


class Allow(_Action, frozen=True, tag="allow"):
    """Ends the rules; no budget, pause or limit."""


class Block(_Action, frozen=True, tag="block"):
    message: Message | None = None
    """What the caller is told besides the rule's name."""


class Throttle(_Action, frozen=True, tag="throttle"):
    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)]
    per: Literal["session", "key", "team", "tenant"]
    """Calls of the same one are counted together; of a call without one, by the next wider that it has."""


class Downgrade(_Action, frozen=True, tag="downgrade"):
    model: Named
    """As a caller would name it."""


class PauseSession(_Action, frozen=True, tag="pause_session"):
    pass


class Alert(_Action, frozen=True, tag="alert"):
    severity: Literal["info", "warning", "critical"] = "warning"


class Tag(_Action, frozen=True, tag="tag"):
    tags: Annotated[list[Label], Meta(min_length=1, max_length=TAGS_MAX)]


class Redact(_Action, frozen=True, tag="redact"):
    pass


RuleAction = Allow | Block | Throttle | Downgrade | PauseSession | Alert | Tag | Redact
ACTIONS = (Allow, Block, Throttle, Downgrade, PauseSession, Alert, Tag, Redact)


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. Those of a higher priority are asked first, equal ones by their ids."""

    id: RuleId
    condition: Condition
    action: RuleAction
    name: RuleName | None = None
    """Its id unless said."""
    priority: Annotated[int, Meta(ge=-1_000, le=1_000)] = 0
    mode: Literal["enforce", "shadow"] = "enforce"
    enabled: bool = True
    expires_at: Moment | None = None


class RulesDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant's rules."""

    rules: Annotated[list[RuleDocument], Meta(max_length=RULES_MAX)] = []


class InvalidRule(ValueError):
    """A rule that cannot be used: the member at fault, such as `condition.hour_min`, and what is wrong with it."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


def moment_ms(text: str) -> int:
    """A `Moment` in UTC milliseconds. Raises `ValueError` for one that no calendar has."""
    return int(datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC).timestamp() * 1_000)


def listed(several: T | list[T]) -> Sequence[T]:
    return several if isinstance(several, list) else (several,)
