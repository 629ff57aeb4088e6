"""Who is asking, as AgentWatch sees it: for whoever holds a token and does not remember whose it is."""

from typing import Literal

import msgspec

from access.identity import Caller
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from core.ledger.keys.messages import KeyFound, KeyRequest
from exchange import Answer, json_answer


class WhoAmI(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str | None
    """None for the operator."""
    role: str
    actor: str
    """As it stands in the logs."""
    how: Literal["key", "access", "operator"]
    key_id: str | None = None
    name: str | None = None
    """Of the key, where the tenant's Ledger keeps it."""
    team: str | None = None
    expires_at: int | None = None
    calls: bool = False
    """May it call providers?"""
    origins: list[str] | None = None
    """The web pages that the key is for; none for one that may be used from anywhere."""
    config_version: int | None = None
    """The last write of the tenant's documents by which this request was judged."""


async def who_am_i(request: ApiRequest[Nothing, Nothing]) -> Answer:
    who = request.who
    if not isinstance(who, Caller):
        return json_answer(WhoAmI(tenant=None, role="operator", actor="operator", how="operator"))
    name = None
    if who.key_id is not None and who.token_number is not None:
        found = await request.ledger.tell(KeyRequest(key_id=who.key_id))
        name = found.key.terms.name if isinstance(found, KeyFound) else None
    return json_answer(
        WhoAmI(
            tenant=who.tenant,
            role=who.role,
            actor=who.actor,
            how="key" if who.person is None else "access",
            key_id=who.key_id,
            name=name,
            team=who.team,
            expires_at=who.expires_at_ms,
            calls=who.may_call,
            origins=None if who.origins is None else list(who.origins),
            config_version=who.documents.number,
        )
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/v1/whoami", who_am_i, "Who is asking", WhoAmI, audience="anyone", is_administration=True),
)
