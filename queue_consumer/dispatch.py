"""Telling a tenant something once: claim the occasion in the database, post it, record how that
went.

Whoever wins the claim sends. A failed post hands the claim back; a Worker that died in between
loses it after the lease, so an occasion may in that one case be told twice, but is never
silently dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from services import Answer, Services, Unreachable
from slack import webhook_in
from verdicts import Buried, Judgement, Postponed, Told, judge, reason_of

LEASE_S = 120
"""Longer than a claim's owner can still be waiting for the webhook."""

Arguments = Mapping[str, str | int | None]
DispatchKind = Literal["alert", "weekly_report"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told. `key` names the occasion; `body` is the webhook's JSON."""

    tenant: str
    kind: DispatchKind
    key: str
    summary: str
    body: str


async def tell(notice: Notice, services: Services) -> Told | Postponed | Buried:
    """Tell it if nobody has. `Buried` is advice: the database refuses the notice itself."""
    claim = await call(services, "claim_dispatch", _claim_arguments(notice))
    match judge(claim):
        case Judgement.SUSPECT:
            return Buried(reason_of(claim))
        case Judgement.LATER:
            return Postponed(reason_of(claim))
    if claim.text == '"finished"':
        return Told("already told")
    if claim.text != '"claimed"':
        return Postponed("being told by another delivery")
    result = await _deliver(notice, services)
    finish = await call(services, "finish_dispatch", _finish_arguments(notice, result))
    if judge(finish) is not Judgement.ACCEPTED:
        return Postponed(reason_of(finish))
    return Postponed("the webhook did not take it") if result is None else Told(result)


async def call(services: Services, function: str, arguments: Arguments) -> Answer:
    """Call a SQL function by REST."""
    body = msgspec.json.encode(arguments).decode()
    return await services.rest(f"rpc/{function}", body, prefer="")


async def _deliver(notice: Notice, services: Services) -> str | None:
    """How the post ended for good, or None where it may go better later."""
    try:
        url = webhook_in(await services.tenant_config(notice.tenant))
        if url is None:
            return "no_webhook"
        answer = await services.post(url, notice.body)
    except Unreachable:
        return None
    return webhook_result(answer.status)


def webhook_result(status: int) -> str | None:
    """What a webhook's status means: done, refused for good, or (None) try again."""
    if 200 <= status < 300:
        return "sent"
    if status in (408, 425, 429) or status >= 500:
        return None
    return f"refused with status {status}"


def _claim_arguments(notice: Notice) -> Arguments:
    return {
        "p_tenant": notice.tenant,
        "p_kind": notice.kind,
        "p_key": notice.key,
        "p_summary": notice.summary,
        "p_lease_seconds": LEASE_S,
    }


def _finish_arguments(notice: Notice, result: str | None) -> Arguments:
    return {
        "p_tenant": notice.tenant,
        "p_kind": notice.kind,
        "p_key": notice.key,
        "p_result": result,
    }
