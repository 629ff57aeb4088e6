"""What is said between the Workers and a tenant's Ledger about its money (`core.ledger.questions` has all there is).

A text crosses Durable Object RPC unharmed, where tuples are refused, `1.0` arrives as `1` and large integers turn
into objects; and one typed decode replaces a walk over proxies. A ledger refusal is data, never an exception.
Amounts are nano-dollars, moments are UTC milliseconds. Unknown fields are ignored, so either side may be newer.
What is asked of a ledger is bounded here, where it is read: nothing out of bounds reaches a row.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec

from core.bounds import (
    EARLIER_ANSWERS_MAX,
    HOLD_TTL_MS_MAX,
    REQUESTS_PER_MINUTE_MAX,
    RULES_MAX,
    SCOPE_ID_CHARACTERS_MAX,
    TOKENS_PER_MINUTE_MAX,
)
from core.ledger.health.notes import HealthNote
from core.ledger.health.targets import Target
from core.ledger.health.views import CoolingView
from core.ledger.loops.ruling import NO_RULES, Candidate, Ruling
from core.ledger.loops.turns import PLAIN_TURN, Turn
from core.money.amount import NANOUSD_MAX

Amount = Annotated[int, msgspec.Meta(ge=0, le=NANOUSD_MAX)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=NANOUSD_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0)]
TOKENS_MAX = 2**50
RECORDS_MAX = 500
"""Reports in one question: each writes a row, at about a tenth of a millisecond."""
Duration = Annotated[int, msgspec.Meta(ge=1, le=HOLD_TTL_MS_MAX)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=SCOPE_ID_CHARACTERS_MAX)]
PerMinute = Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_MINUTE_MAX)]
TokensPerMinute = Annotated[int, msgspec.Meta(ge=1, le=TOKENS_PER_MINUTE_MAX)]
Owner = Annotated[str, msgspec.Meta(min_length=1, max_length=SCOPE_ID_CHARACTERS_MAX)]
"""Who a session belongs to, such as `team:search` or `key:key_1`."""

BudgetKind = Literal["session", "team", "key", "tenant"]
BudgetWindow = Literal["session", "day", "month", "total"]
ScopeKind = Literal["call", "session", "team", "key", "tenant"]
"""A budget's scope, or a single call under a limit of its own."""
WindowName = Literal["call", "session", "day", "month", "total"]

A_co = TypeVar("A_co", covariant=True)


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Shared shape of all messages: immutable, keyword-only, defaults left out of the text."""


class Question(Message, Generic[A_co], frozen=True):
    """What is asked of a ledger. Its parameter is what it is answered with: the one place where that is said."""


class AccountView(Message, frozen=True):
    """One scope's numbers in one window, as they stand after the operation that returned them."""

    kind: ScopeKind
    id: str
    window: WindowName
    limit_nanousd: int | None
    spent_nanousd: int
    held_nanousd: int
    overrun_nanousd: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_paused: bool = False
    paused_by: str | None = None
    """The rule that paused it; None where a person did."""
    is_hard: bool = True
    """False where the limit only warns."""
    alert_percent: int | None = None
    """The share of the limit whose spending is told; None where it is not."""
    resets_at_ms: int | None = None
    owner: str | None = None
    """Whose session it is."""
    ceiling_nanousd: int | None = None
    """The most that its limit may be."""

    @property
    def available_nanousd(self) -> int | None:
        """What a new hold may take, or None where nothing limits it."""
        if self.limit_nanousd is None or not self.is_hard:
            return None
        return max(0, self.limit_nanousd - self.spent_nanousd - self.held_nanousd)


class RateLimitState(Message, frozen=True):
    """The tightest request limit after this admission, for the `x-agentwatch-ratelimit-*` headers."""

    limit_per_minute: int
    remaining: int
    reset_ms: int
    unit: Literal["requests", "tokens"] = "requests"
    """Of tokens only where that limit has denied the call."""


class PresentDocuments(Message, frozen=True, tag="present_documents"):
    """The number of the last write (zero: none so far), and all documents as one text (`core.tenant.documents`)."""

    number: int
    text: str = ""


# Admission ------------------------------------------------------------------------------------------------


class RateLimits(Message, frozen=True):
    """What the tenant's configuration allows per minute; the ledger enforces it exactly (GCRA). A key that the ledger
    keeps is held to its own terms, whatever is said of it here."""

    tenant_requests_per_minute: PerMinute | None = None
    key_requests_per_minute: PerMinute | None = None
    key_id: Name | None = None
    tenant_tokens_per_minute: TokensPerMinute | None = None
    key_tokens_per_minute: TokensPerMinute | None = None


class AmountsAt(msgspec.Struct, frozen=True, array_like=True):
    """The amounts of an admission whose earlier answers come to at most so many tokens."""

    tokens: Count
    want_nanousd: Amount
    least_nanousd: Amount
    floor_nanousd: Amount
    slice_nanousd: Amount | None = None
    ample_nanousd: Amount | None = None


class EarlierAnswers(Message, frozen=True):
    """Answers that the provider stored and the call continues. The admission's own amounts are for any length; where
    the ledger knows them all, those of the first step that is long enough count instead."""

    ids: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=EARLIER_ANSWERS_MAX)]
    steps: tuple[AmountsAt, ...] = ()
    """The shortest first."""
    must_be_known: bool = False
    """The provider's account is shared: what this tenant did not make is another's."""


class Granted(Message, frozen=True, tag="granted"):
    """The hold stands on every scope. `is_full` says that it covers `want`; else extend or shrink to fit."""

    hold_id: str
    granted_nanousd: int
    is_full: bool
    expires_at_ms: int
    available_nanousd: int | None
    """What remains on the tightest scope after this hold; None where nothing is limited."""
    session: AccountView | None = None
    rate: RateLimitState | None = None
    earlier_tokens: int | None = None
    """What the earlier answers came to, where the ledger knows them."""
    ruling: Ruling = NO_RULES
    cooling: tuple[CoolingView, ...] | None = None
    """What this tenant's calls leave alone just now; None where the call named no target."""


class CoolingDown(Message, frozen=True, tag="cooling_down"):
    """Whom the call was to ask is left alone until then. Nothing was held or counted anywhere."""

    until_ms: int
    cooling: tuple[CoolingView, ...]


class RuleDenied(Message, frozen=True, tag="rule_denied"):
    """A rule of the tenant stops the call (`block`, `throttle`), or its session from this call on (`pause_session`).
    Nothing was held anywhere."""

    ruling: Ruling
    session: AccountView | None = None


class ModelChanged(Message, frozen=True, tag="model_changed"):
    """A rule of the tenant has the call made of a cheaper model: it is to be decided anew. Nothing was held or counted
    anywhere."""

    ruling: Ruling


class BudgetDenied(Message, frozen=True, tag="budget_denied"):
    """A scope cannot cover the least that the call needs. Nothing was held anywhere."""

    account: AccountView
    needed_nanousd: int


class PausedDenied(Message, frozen=True, tag="paused_denied"):
    """A scope is paused. Nothing was held anywhere."""

    account: AccountView


class RateDenied(Message, frozen=True, tag="rate_denied"):
    """Too fast, or (`open_holds_max`) too many calls in flight at once. Nothing was held anywhere."""

    rate: RateLimitState
    retry_after_ms: int
    open_holds_max: int | None = None


class Conflict(Message, frozen=True, tag="conflict"):
    """The id was used before with other contents, or names a hold in a state that forbids this operation."""

    reason: str


class KeyDisabled(Message, frozen=True, tag="key_disabled"):
    """The caller's key is refused: by the tenant's configuration, or because it is disabled, revoked or expired, or
    the token that was shown has ended. Nothing was held anywhere."""


class Outdated(Message, frozen=True, tag="outdated"):
    """The caller has decided by other documents than those that hold, or by an older record of its key. Nothing was
    held or counted anywhere."""

    present: PresentDocuments
    key_record: str | None = None
    """The key's record as it is now; None where the caller had that."""


class AnswersUnknown(Message, frozen=True, tag="answers_unknown"):
    """The call continues an answer that this ledger does not know, and must. Nothing was held anywhere."""


AdmitAnswer = (
    Granted
    | BudgetDenied
    | PausedDenied
    | RuleDenied
    | ModelChanged
    | CoolingDown
    | RateDenied
    | KeyDisabled
    | Outdated
    | AnswersUnknown
    | Conflict
)


class AdmitRequest(Question[AdmitAnswer], frozen=True, tag="admit"):
    """Hold money on every scope of a call, or on none.

    `want` is the worst case of the call, `least` the smallest hold that still gives a useful answer,
    `floor` what is certain to be billed once the provider has the request (its input). With `slice` set (a stream
    that can be metered) a want above a tenth of what is available is granted as a slice, to be extended.
    With `ample` set the caller named no ceiling, so that `want` is the longest answer of the model: more than `ample`
    is granted only as a modest share of what is available.
    `want` of zero is a call that costs nothing: budgets never refuse it, rate limits may.
    """

    hold_id: Name
    want_nanousd: Amount
    least_nanousd: Amount
    floor_nanousd: Amount
    ttl_ms: Duration
    slice_nanousd: Amount | None = None
    ample_nanousd: Amount | None = None
    session_id: Name | None = None
    team: Name | None = None
    caller: Owner | None = None
    """Whose call it is: a session without an owner becomes the caller's."""
    is_admin: bool = False
    """An administrator may tighten any session."""
    session_limit_nanousd: Limit | None = None
    """The caller's own limit (header). The caller's session takes the first one, and later ones only tighten it;
    where there is no session, or it is somebody else's, it limits this one call."""
    session_default_limit_nanousd: Limit | None = None
    rate_limits: RateLimits | None = None
    earlier: EarlierAnswers | None = None
    key_id: Name | None = None
    """Refused where the tenant's configuration disables it; whose budget is asked, too."""
    token_number: Count | None = None
    """By which of the key's tokens the caller was let in, and by which writing of the key."""
    key_version: Count | None = None
    documents_number: Count | None = None
    """By which state of the tenant's documents the caller has decided; None asks nothing of them."""
    turn: Turn = PLAIN_TURN
    """What the call is to its session's history."""
    candidates: Annotated[tuple[Candidate, ...], msgspec.Meta(max_length=RULES_MAX)] = ()
    """The tenant's rules whose request half the call meets, in the order in which they are asked."""
    replaces: "SettleRequest | None" = None
    """The end of the attempt before, which failed: it is settled in the same transaction, so that nobody else takes
    the money in between, and whatever the answer is."""
    target: Target | None = None
    """Whom the call is to ask, where it could ask somebody else instead."""
    insists: bool = False
    """It could not: a target that cools down is asked all the same."""
    call_limit_nanousd: Count | None = None
    """What this attempt may cost at most, by its tenant's chain."""
    spent_before_nanousd: Count = 0
    """By the attempts before: of a limit of this one call, so much is gone."""

    def __post_init__(self) -> None:
        if self.least_nanousd > self.want_nanousd:
            raise ValueError("least_nanousd must be within want_nanousd")


class Counted(Message, frozen=True, tag="counted"):
    """The call was within its rates."""

    rate: RateLimitState | None = None


CountAnswer = Counted | RateDenied | KeyDisabled | Outdated


class CountRequest(Question[CountAnswer], frozen=True, tag="count"):
    """Count a call that costs nothing against the request rates, and do nothing else."""

    rate_limits: RateLimits
    key_id: Name | None = None
    token_number: Count | None = None
    key_version: Count | None = None
    documents_number: Count | None = None


# Streams --------------------------------------------------------------------------------------------------


class Extended(Message, frozen=True, tag="extended"):
    """The hold's new total, at least `least`."""

    granted_nanousd: int
    is_full: bool
    expires_at_ms: int


class ExtendDenied(Message, frozen=True, tag="extend_denied"):
    """No more money, or a pause: the hold stays as it was. `account` is the scope that said no."""

    account: AccountView
    granted_nanousd: int


ExtendAnswer = Extended | ExtendDenied | Conflict


class ExtendRequest(Question[ExtendAnswer], frozen=True, tag="extend"):
    """Ask that the hold be `want` in all (not more by `want`), having metered `metered` so far.

    Stating totals makes a repeat harmless. `least` is the smallest total worth granting.
    """

    hold_id: Name
    want_nanousd: Amount
    least_nanousd: Amount
    metered_nanousd: Amount
    ttl_ms: Duration


# Settlement -----------------------------------------------------------------------------------------------


class AnswerNote(msgspec.Struct, frozen=True, array_like=True):
    """An answer that a later call may continue: the ids it goes by, and its tokens, input and output."""

    ids: Annotated[tuple[Name, ...], msgspec.Meta(max_length=2)]
    tokens: Count


class Settled(Message, frozen=True, tag="settled"):
    """The hold has ended. `overrun` is the part of `actual` above the hold; `was_expired` says that the alarm had
    charged the hold before and that the charge has now been corrected to `actual`."""

    charged_nanousd: int
    overrun_nanousd: int
    was_expired: bool = False
    is_replay: bool = False
    session: AccountView | None = None


SettleAnswer = Settled | Conflict


class SettleRequest(Question[SettleAnswer], frozen=True, tag="settle"):
    """End a hold at what the call really cost. Zero releases it. Repeats change nothing twice."""

    hold_id: Name
    actual_nanousd: Count
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    iteration: int | None = None
    answer: AnswerNote | None = None
    health: HealthNote | None = None
    """How whom it asked has done."""
    is_replaced: bool = False
    """The call goes on with another attempt, which its session's history learns of instead."""
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """The call's record (`core.telemetry.CallRecord` as JSON), which is kept with the charge and not read here."""

    def __post_init__(self) -> None:
        _cut(self, actual_nanousd=NANOUSD_MAX, prompt_tokens=TOKENS_MAX, completion_tokens=TOKENS_MAX)


class Recorded(Message, frozen=True, tag="recorded"):
    """The charge stands."""

    is_replay: bool = False
    session: AccountView | None = None


RecordAnswer = Recorded | RateDenied | KeyDisabled | Conflict


class RecordRequest(Question[RecordAnswer], frozen=True, tag="record"):
    """Charge a cost that was never held: an SDK's report, or a call let through while the ledger was away.

    Where a hold stands under this id after all (its admission's answer was lost), this settles it.
    """

    event_id: Name
    cost_nanousd: Count
    prompt_tokens: Count
    completion_tokens: Count
    session_id: Name | None = None
    team: Name | None = None
    caller: Owner | None = None
    session_default_limit_nanousd: Limit | None = None
    rate_limits: RateLimits | None = None
    """For a report. A call that was let through is charged however many there were."""
    key_id: Name | None = None
    """For a report, too: a call that was made is charged whoever made it."""
    token_number: Count | None = None
    charged_key_id: Name | None = None
    """Whose budget it counts against, good or not."""
    answer: AnswerNote | None = None
    turn: Turn = PLAIN_TURN
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """The call's record (`core.telemetry.CallRecord` as JSON), which is kept with the charge and not read here."""

    def __post_init__(self) -> None:
        _cut(self, cost_nanousd=NANOUSD_MAX, prompt_tokens=TOKENS_MAX, completion_tokens=TOKENS_MAX)


class RecordedAll(Message, frozen=True, tag="recorded_all"):
    """An answer for each record, in their order."""

    answers: tuple[RecordAnswer, ...]


class RecordAllRequest(Question[RecordedAll], frozen=True, tag="record_all"):
    """Several records, each judged by itself: one that is refused takes no other with it."""

    records: Annotated[tuple[RecordRequest, ...], msgspec.Meta(max_length=RECORDS_MAX)]


# Reading and steering -------------------------------------------------------------------------------------


class Status(Message, frozen=True, tag="status_answer"):
    """Every window of each scope asked for; a scope never used appears with zeros."""

    accounts: list[AccountView]


class StatusRequest(Question[Status], frozen=True, tag="status"):
    """Read the accounts of the scopes named, and change nothing. A session that has no limit yet is shown with the
    tenant's default, which its first call would give it."""

    session_id: Name | None = None
    team: Name | None = None
    include_tenant: bool = False
    session_default_limit_nanousd: Limit | None = None


class Configured(Message, frozen=True, tag="configured"):
    account: AccountView


CeilingMember = Literal["limit_usd", "hard", "reset"]


class CeilingDenied(Message, frozen=True, tag="ceiling_denied"):
    """A ceiling does not allow this member of the change. Nothing was changed."""

    member: CeilingMember
    ceiling_nanousd: int


class ConfigureRequest(Question[Configured | CeilingDenied | KeyDisabled], frozen=True, tag="configure"):
    """An administrator's change to one scope in one window. None leaves a thing as it is."""

    kind: BudgetKind
    id: Name
    window: BudgetWindow
    limit_nanousd: Limit | None = None
    clear_limit: bool = False
    is_paused: bool | None = None
    is_hard: bool | None = None
    """False makes the limit a warning: it alerts and never refuses."""
    alert_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    """Tell the tenant when this share of the limit is spent. Teams and tenants begin with 80, sessions with none."""
    reset_spent: bool = False
    key_id: Name | None = None
    """Whose change it is; refused where that key is."""
    token_number: Count | None = None


# What goes wrong ------------------------------------------------------------------------------------------


class Fault(Message, frozen=True, tag="fault"):
    """The ledger failed, or was asked what it does not know. An edge takes it for a ledger that is away."""


def _cut(end: Message, **maxima: int) -> None:
    """Bring the amounts of an end within bounds. Refusing it for its size would leave its hold standing."""
    for name, most in maxima.items():
        if getattr(end, name) > most:
            msgspec.structs.force_setattr(end, name, most)
