"""What a caller who was let in may do, by what its tenant's Ledger says of it now.

A metered call is judged by its admission. Everything else that administers is confirmed here first, with one question:
so a key that was revoked, or whose role was taken away, administers nothing from then on, in whatever isolate it asks.
While the Ledger is away nothing can be changed, though it be back a moment later; what only reads goes on by what this
isolate knows.
"""

from dataclasses import replace

from access.identity import Caller, Operator, learn, learn_key
from core.bounds import ORIGIN_CHARACTERS_MAX
from core.ledger.keys.messages import StandingRequest
from core.ledger.messages import KeyDisabled
from core.refusals import BudgetUnavailable, NotPermitted, SessionRequired, TenantSuspended, Unauthenticated
from core.roles import may
from exchange import Exchange
from ports import LedgerUnreachable


def check_not_suspended(caller: Caller) -> None:
    """Raises `TenantSuspended`."""
    if caller.documents.ceilings.is_suspended:
        raise TenantSuspended("this tenant is suspended: ask whoever runs this deployment")


def check_session(caller: Caller, session_id: str | None, param: str) -> None:
    """Raises `SessionRequired` for a call that costs money and names no session, where it has to."""
    if session_id is None and caller.documents.requires_session:
        raise SessionRequired(f"every call of this tenant names its session: send {param}", param=param)


def check_may_call(caller: Caller | Operator) -> Caller:
    """Raises `TenantSuspended`, or `NotPermitted` for whom calls of a provider are not made."""
    if isinstance(caller, Caller):
        check_not_suspended(caller)
    if isinstance(caller, Operator) or not may(caller.role, "caller"):
        raise NotPermitted(f"a token with the role {caller.role} makes no calls")
    if not caller.may_call:
        raise NotPermitted("this key administers and makes no calls; make one that does, or this one with calls: true")
    return caller


def check_origin(caller: Caller, exchange: Exchange) -> None:
    """Raises `NotPermitted` for a key of web pages that comes from none of them. The pages that it is for are said to
    nobody: whoever has put it into another page knows that one, and administrators can read the key."""
    origin = exchange.request.headers.get("origin")
    if caller.origins is None or origin in caller.origins:
        return
    fault, words = "other_origin", f"this key is not for pages of {(origin or '')[:ORIGIN_CHARACTERS_MAX]}"
    if origin is None:
        fault, words = "no_origin", "this key is for web pages, and this request comes from none (it has no Origin)"
    advice = "an administrator of the tenant says which it is for (origins of the key)"
    raise NotPermitted(f"{words}: {advice}", details={"fault": fault})


def key_refusal() -> Unauthenticated:
    """The 401 of a key that is refused, in the words of any other token that is not good."""
    return Unauthenticated("this token is not valid")


def no_role() -> NotPermitted:
    """The 403 of who has signed on, and is nobody here."""
    return NotPermitted("you have signed on, but this tenant's configuration gives you no role (sign_on)")


async def confirmed(exchange: Exchange, caller: Caller) -> Caller:
    """The caller as its Ledger knows it. Raises `Unauthenticated`, or `BudgetUnavailable` where that cannot be told and
    more is asked than to read."""
    question = StandingRequest(
        key_id=caller.key_id,
        token_number=caller.token_number,
        key_version=caller.key_version,
        documents_number=caller.documents.number,
    )
    try:
        standing = await exchange.ports.ledger_of(caller.tenant).tell(question)
    except LedgerUnreachable:
        if exchange.request.method not in ("GET", "HEAD"):
            raise BudgetUnavailable(
                "the ledger of this tenant cannot be asked just now", retry_after_ms=1_000
            ) from None
        return caller
    if isinstance(standing, KeyDisabled):
        raise key_refusal()
    identities, now_ms = exchange.isolate.identities, exchange.ports.clock.now_ms()
    if standing.key_record is not None:
        caller = learn_key(caller, standing.key_record, cache=identities, now_ms=now_ms)
        check_origin(caller, exchange)
    if standing.present is None:
        return caller
    number = caller.documents.number
    documents = learn(caller.tenant, standing.present, instead_of=number, cache=identities, now_ms=now_ms)
    return _granted(replace(caller, documents=documents))


def _granted(caller: Caller) -> Caller:
    """Who has signed on, as the documents have it now. Raises `NotPermitted`."""
    if caller.signed_on is None:
        return caller
    grant = caller.policy.sign_on.grant_of(caller.signed_on.who)
    if grant is None:
        raise no_role()
    return replace(caller, role=grant.role, team=grant.team)
