"""A hold's life as data: money set aside for one call, then what the call was charged.

The rule easy to break: ends are numbered in the order in which a ledger made them. An account's row says up to which
number it contains charges, so what is missing in it can be told from the holds alone, in any order and after any
interruption.
"""

from typing import Literal

import msgspec

from core.ledger.health.notes import HealthNote
from core.ledger.loops.ruling import NO_RULES, Ruling
from core.ledger.loops.turns import PLAIN_TURN, Turn
from core.ledger.messages import (
    AccountView,
    AnswerNote,
    Count,
    Message,
    RecordRequest,
    ScopeKind,
    Settled,
    SettleRequest,
    WindowName,
)


class ScopeKey(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Names one account of a tenant."""

    kind: ScopeKind
    id: str
    window: WindowName


class HoldScope(msgspec.Struct, frozen=True, array_like=True):
    """An account a hold stands on, in the window the hold was made in."""

    key: ScopeKey
    starts_at_ms: int


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """What a hold cost at its end, and the number of that end."""

    number: Count
    charged_nanousd: Count
    overrun_nanousd: Count
    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class Terms(Message, frozen=True, kw_only=True):
    """Whose session a call is in, and what it says of limits, each for what it may limit."""

    owner: str | None = None
    """The session's owner, from this call on."""
    stated_limit_nanousd: Count | None = None
    """The owner's own limit for the session."""
    default_limit_nanousd: Count | None = None
    """The tenant's default for sessions at that time."""
    call_limit_nanousd: Count | None = None
    """The most that may be held for this call: its caller's own limit, where there is no session or it is another's."""


class Hold(Terms, frozen=True, kw_only=True):
    """One call's money, on its terms: a wake learns sessions' owners and limits from them. `request` is the digest of
    what was asked for, by which a replay is told from a different request under the same id."""

    id: str
    request: str
    scopes: tuple[HoldScope, ...]
    granted_nanousd: Count
    want_nanousd: Count
    floor_nanousd: Count
    expires_at_ms: Count
    began_at_ms: Count = 0
    """When its call was admitted."""
    place: Count = 0
    """Which of the ledger's admissions it was: a session takes its first caller's terms, whatever ids holds have."""
    used_at_ms: Count
    """When the call last used its session: a sign of life that came after the session's end is none."""
    metered_nanousd: Count | None = None
    arrivals_us: dict[str, int] = msgspec.field(default_factory=dict)
    """Where the rate limiter stood after its admission."""
    state: Literal["open", "settled", "expired", "recorded"] = "open"
    charge: Charge | None = None
    """None while it is open."""
    corrected: Charge | None = None
    """The charge of its expiry, where a late settlement has replaced it."""
    earlier_tokens: Count | None = None
    """What the earlier answers that its call continues came to, as far as was known when it was granted."""
    answer: AnswerNote | None = None
    """What a later call may continue: a wake learns it here."""
    turn: Turn = PLAIN_TURN
    """What its session's history learns of the call once it has ended."""
    ruling: Ruling = NO_RULES
    """What the tenant's rules came to when it was granted."""
    caller: str | None = None
    """Whose call it is: nobody else of the tenant ends it by a report."""
    is_replaced: bool = False
    """Its call went on with another attempt: a session's history sees that one, and of this only what it cost."""
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """The record of its call as the edge made it, which waits here for its delivery."""
    cumulative_tokens: Count | None = None
    """Its session's tokens after the call."""


class Ending(msgspec.Struct, frozen=True):
    """How a hold ends, and what its call has cost."""

    state: Literal["settled", "expired", "recorded"]
    charged_nanousd: int
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answer: AnswerNote | None = None
    is_replaced: bool = False
    health: HealthNote | None = None
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def settlement_of(request: SettleRequest) -> Ending:
    return Ending(
        "settled",
        request.actual_nanousd,
        request.prompt_tokens,
        request.completion_tokens,
        request.answer,
        request.is_replaced,
        request.health,
        request.record,
    )


def record_of(request: RecordRequest, state: Literal["recorded", "settled"] = "recorded") -> Ending:
    """The end of what was never held; or, where a hold has the record's id, of that."""
    return Ending(
        state,
        request.cost_nanousd,
        request.prompt_tokens,
        request.completion_tokens,
        request.answer,
        record=request.record,
    )


def expiry_of(hold: Hold) -> Ending:
    """The end of a hold that nobody closed: it costs what was last metered and at least the input, or all of it."""
    charged = hold.granted_nanousd
    if hold.metered_nanousd is not None:
        charged = min(charged, max(hold.floor_nanousd, hold.metered_nanousd))
    return Ending("expired", charged)


def ended(hold: Hold, ending: Ending, *, number: int, used_at_ms: int) -> Hold:
    """The hold after its end, or with its expiry's charge corrected."""
    overrun = max(0, ending.charged_nanousd - hold.granted_nanousd)
    return msgspec.structs.replace(
        hold,
        state=ending.state,
        used_at_ms=max(used_at_ms, hold.used_at_ms),
        charge=Charge(number, ending.charged_nanousd, overrun, ending.prompt_tokens, ending.completion_tokens),
        corrected=hold.charge,
        answer=ending.answer,
        is_replaced=ending.is_replaced,
        record=ending.record,
    )


def session_id_of(hold: Hold) -> str | None:
    """Whose money it is in, if it is a session's."""
    return next((scope.key.id for scope in hold.scopes if scope.key.kind == "session"), None)


def is_settled_so(hold: Hold, ending: Ending) -> bool:
    """Whether the hold's charge is the very one that a settlement names: then it is a repeat."""
    charge = hold.charge
    return charge is not None and (charge.charged_nanousd, charge.prompt_tokens, charge.completion_tokens) == (
        ending.charged_nanousd,
        ending.prompt_tokens,
        ending.completion_tokens,
    )


def settled(hold: Hold, session: AccountView | None, *, was_expired: bool = False, is_replay: bool = False) -> Settled:
    """What is said of a hold that was settled."""
    assert hold.charge is not None, "a settled hold has its charge"
    return Settled(
        charged_nanousd=hold.charge.charged_nanousd,
        overrun_nanousd=hold.charge.overrun_nanousd,
        was_expired=was_expired,
        is_replay=is_replay,
        session=session,
    )
