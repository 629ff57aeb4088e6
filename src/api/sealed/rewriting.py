"""Changes of a document whose texts are sealed: read, changed as a whole, written in place of what was read.

Nobody names the version: a change is of one entry, and what others change meanwhile stays. The rule easy to break: what
was sealed is sealed by the time of the write, so a change may be made several times, each time from what is there.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from access.identity import learn
from access.permits import key_refusal
from api.endpoint import ApiRequest
from core.ledger.document_messages import DocumentRequest, NoDocument, VersionConflict, WriteRequest
from core.ledger.messages import KeyDisabled
from core.refusals import InvalidConfiguration, TenantsUnavailable
from core.tenant.document import DocumentKind, InvalidDocument
from core.tenant.sealed.form import bound_to
from ports import NothingToSealWith

D = TypeVar("D", bound=msgspec.Struct)
Q = TypeVar("Q")
B = TypeVar("B")

WRITES_MAX = 5
"""People change these by hand: who loses so often against others is told to come again."""


async def present(kind: DocumentKind[D], request: ApiRequest[Q, B]) -> tuple[D, int]:
    """The document as the Ledger has it, and its version."""
    found = await request.ledger.tell(DocumentRequest(kind=kind.name))
    if isinstance(found, NoDocument):
        return kind.default, 0
    try:
        return kind.parse(found.text), found.version
    except InvalidDocument as error:
        raise InvalidConfiguration(f"what is stored of {kind.summary} cannot be read: {error}") from None


async def rewritten(kind: DocumentKind[D], request: ApiRequest[Q, B], change: Callable[[D], Awaitable[D]]) -> D:
    """The document after a change, which holds from the next metered call on. One that changes nothing is not
    written."""
    for _ in range(WRITES_MAX):
        before, version = await present(kind, request)
        after = await change(before)
        if after == before:
            return before
        text = msgspec.json.encode(after).decode()
        question = WriteRequest(
            kind=kind.name,
            text=text,
            instead_of=version,
            written_by=request.caller.actor,
            key_id=request.caller.key_id,
            token_number=request.caller.token_number,
        )
        written = await request.ledger.tell(question)
        if isinstance(written, KeyDisabled):
            raise key_refusal()
        if not isinstance(written, VersionConflict):
            cache, now_ms = request.exchange.isolate.identities, request.exchange.ports.clock.now_ms()
            learn(request.caller.tenant, written.present, cache=cache, now_ms=now_ms)
            return after
    raise TenantsUnavailable("others are changing the same: try it again", retry_after_ms=1_000)


async def sealed_for(request: ApiRequest[Q, B], text: str, purpose: str) -> str:
    """The text under the present key, for this tenant and purpose. Raises `InvalidConfiguration` without one."""
    try:
        return await request.exchange.ports.sealing.seal(text, bound_to(request.caller.tenant, purpose))
    except NothingToSealWith:
        raise InvalidConfiguration(
            "nothing can be sealed here: the operator has to set the secret KEY_ENCRYPTION_KEY on both Workers"
        ) from None
