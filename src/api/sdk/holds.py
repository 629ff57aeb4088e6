"""Money for calls that an SDK makes by itself: `POST /v1/holds` before the call, `…/settle` after it.

The Ledger's admit and settle over HTTP. The hold's id is the SDK's own and the id of the later report, so any report
of it settles the hold, whichever way it comes; both may be repeated. A hold that nobody settles is charged in full when
its time is over, and a report that comes later corrects that.
"""

from typing import Annotated

import msgspec

from api.endpoint import ApiRequest, Nothing
from api.sdk.budget_check import BudgetCheck, check_of_account
from api.sdk.ingest import charge_report
from api.sdk.reports import Report, checked_event_id
from api.sdk.told_calls import hold_for
from core.call.context import CallContext, SessionId, read_limit_usd
from core.call.told import Label, ToldCall
from core.money.amount import Usd, usd_number
from core.refusals import InvalidRequest
from exchange import Answer, json_answer

WAIT_MS_MAX = 30_000


class HoldRequest(ToldCall, frozen=True, kw_only=True):
    """A call that is about to be made."""

    hold_id: Label
    session_id: SessionId | None = None
    session_budget_usd: Usd | None = None
    """Decimal dollars: as the header of a proxied call, the session's first limit counts and later ones only tighten.
    Without a session it limits this call."""
    project: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    iteration_index: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    identified_risks: tuple[Label, ...] | None = None
    """What was found in the request; absent where nobody has looked, which no rule may take for nothing."""
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=WAIT_MS_MAX)] = 0
    """How long to wait for money that other calls only hold."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The money stands."""

    hold_id: str
    held_usd: float
    expires_at_ms: int
    """UTC milliseconds."""
    output_tokens_max: int | None
    """The longest answer that it pays for, where that is less than the call may generate: its caller has to lower the
    request's own ceiling to it."""
    budget: BudgetCheck | None
    """The session's after this; None without a session."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What the call was charged."""

    hold_id: str
    charged_usd: float
    budget: BudgetCheck | None


async def hold(request: ApiRequest[Nothing, HoldRequest]) -> Answer:
    """Hold the worst case of a call, or as much of it as is there. Raises the refusal."""
    asked = request.body
    hold_id = checked_event_id(asked.hold_id, "hold_id")
    plan, receipt = await hold_for(
        request.exchange,
        request.caller,
        _context_of(asked, request.session_named(asked.session_id)),
        asked,
        risks=asked.identified_risks,
        hold_id=hold_id,
        wait_ms=asked.wait_ms,
    )
    return json_answer(
        Held(
            hold_id=hold_id,
            held_usd=usd_number(receipt.granted_nanousd),
            expires_at_ms=receipt.expires_at_ms,
            output_tokens_max=plan.output_ceiling_within(receipt.granted_nanousd),
            budget=None if receipt.session is None else check_of_account(receipt.session),
        )
    )


async def settle(request: ApiRequest[Nothing, Report]) -> Answer:
    """Charge what the call came to in place of its hold."""
    hold_id = checked_event_id(request.path["hold_id"], "hold_id")
    if request.body.event_id not in (None, hold_id):
        raise InvalidRequest("event_id must be the id of the hold, or left out", param="event_id")
    charge, recorded = await charge_report(request, request.body, event_id=hold_id)
    session = recorded.session
    return json_answer(
        Settlement(
            hold_id=hold_id,
            charged_usd=usd_number(charge.cost_nanousd),
            budget=None if session is None else check_of_account(session),
        )
    )


def _context_of(asked: HoldRequest, session_id: str | None) -> CallContext:
    budget = asked.session_budget_usd
    limit = None if budget is None else read_limit_usd(budget, "session_budget_usd")
    return CallContext(
        session_id=session_id,
        session_limit_nanousd=None if session_id is None else limit,
        call_limit_nanousd=limit if session_id is None else None,
        project=asked.project,
        agent=asked.agent,
        iteration=asked.iteration_index,
    )
