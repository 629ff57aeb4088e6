"""Callers without a key: who has signed on by Cloudflare Access, and what its tenant lets them do.

Access puts its assertion into a header of every request that it lets pass; whoever reaches the Worker beside it can
send that header too, so it is verified here each time it says something new. Without a configured team it says nothing.

The rule easy to break: the browser sends Access's cookie along with what any site makes it send, and Access turns the
cookie into the header. So a write says by its type and its origin that no foreign page has made it; and the cookie
itself is never read.
"""

from urllib.parse import urlsplit

from access.assertions import prove
from access.identity import Caller, Stranger, documents_of
from core.ledger.people.messages import PersonKnown, SignOnRequest, TooManyPeople
from core.refusals import NotPermitted, TenantsUnavailable
from core.routing.addresses import is_loopback
from core.tenant.sign_on.assertion import BadAssertion
from core.tenant.sign_on.claims import Person, SignedOn
from exchange import BODILESS, Exchange, Inbound
from ports import LedgerUnreachable

ASSERTION_HEADER = "cf-access-jwt-assertion"

READING = ("GET", "HEAD")

ASKED_AGAIN_AFTER_MS = 60_000
"""How long a person's address is believed to be theirs: an administrator may have forgotten that meanwhile."""


async def sign_on(exchange: Exchange) -> Caller | Stranger | None:
    """Who has signed on; None where nobody has. Raises `TenantsUnavailable` or `InvalidConfiguration`."""
    isolate, team = exchange.isolate, exchange.isolate.settings.access_team
    text = exchange.request.headers.get(ASSERTION_HEADER)
    if team is None or text is None:
        return None
    try:
        signed_on = await prove(text, team=team, memory=isolate.sign_on, ports=exchange.ports)
    except BadAssertion:
        return Stranger("bad_assertion")
    documents = await documents_of(signed_on.tenant, exchange.ports, isolate.identities)
    grant = documents.policy.sign_on.grant_of(signed_on.who)
    if grant is None:
        return Stranger("not_permitted", signed_on)
    if not await _has_own_address(exchange, signed_on):
        return Stranger("bad_assertion", signed_on)
    return Caller(
        tenant=signed_on.tenant,
        team=grant.team,
        role=grant.role,
        key_id=None,
        key_requests_per_minute=None,
        documents=documents,
        may_call=False,
        expires_at_ms=signed_on.expires_at_s * 1_000,
        signed_on=signed_on,
    )


def refuse_foreign_write(request: Inbound) -> None:
    """Raises `NotPermitted` for a write that a page of another site may have made with a person's cookie."""
    if request.method in READING:
        return
    headers = request.headers
    if request.method not in BODILESS and _media_type(headers.get("content-type", "")) != "application/json":
        raise NotPermitted("who has signed on writes with content-type: application/json", param="content-type")
    origin = headers.get("origin")
    if origin is not None and not _is_own(origin, headers.get("host", "")):
        raise NotPermitted("who has signed on writes from pages of this host alone", param="origin")
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise NotPermitted("who has signed on writes from pages of this host alone", param="sec-fetch-site")


async def _has_own_address(exchange: Exchange, signed_on: SignedOn) -> bool:
    """Is a person's address theirs, by what the tenant's Ledger remembers? A service has none."""
    memory, now_ms, who = exchange.isolate.sign_on, exchange.ports.clock.now_ms(), signed_on.who
    if not isinstance(who, Person) or now_ms < memory.known_until_ms.get(signed_on, 0):
        return True
    try:
        answer = await exchange.ports.ledger_of(signed_on.tenant).tell(SignOnRequest(email=who.email, sub=who.sub))
    except LedgerUnreachable:
        raise TenantsUnavailable(
            "sign-on cannot be checked just now: the ledger of this tenant cannot be asked", retry_after_ms=2_000
        ) from None
    if isinstance(answer, TooManyPeople):
        raise NotPermitted(f"{answer.most} people have signed on to this tenant: an administrator has to forget some")
    if isinstance(answer, PersonKnown):
        memory.note_known(signed_on, now_ms + ASKED_AGAIN_AFTER_MS)
    return isinstance(answer, PersonKnown)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_own(origin: str, host: str) -> bool:
    """Is this the origin of the host that was asked? Unencrypted it is only on this machine."""
    if origin == f"https://{host}":
        return True
    return origin == f"http://{host}" and is_loopback(urlsplit(origin).hostname or "")
