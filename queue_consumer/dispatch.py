"""Telling a tenant something once: claim the occasion in the database, post it, record how that
went.

Whoever wins the claim sends. A failed post hands the claim back; a Worker that died in between
loses it after the lease, so an occasion may in that one case be told twice, but is never
silently dropped. Each receiver has claims of its own: where one fails, the other is not told again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from core.tenant.receivers.named import Receiver, unusable
from services import Answer, Services, Unreachable
from signing import CannotSign, webhook_headers
from verdicts import Buried, Judgement, Post, Postponed, Told, judge, reason_of

LEASE_S = 120
"""Longer than a claim's owner can still be waiting for the webhook."""

RETRY_AFTER_S_MAX = 3_600
"""How long a receiver may ask us to wait: no longer than a message waits between two tries anyway."""

Arguments = Mapping[str, str | int | None]
DispatchKind = Literal["alert", "alert_webhook", "weekly_report"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told to whom. `kind` and `key` name the occasion and the receiver; `body` is the JSON posted."""

    tenant: str
    kind: DispatchKind
    key: str
    summary: str
    body: str
    receiver: Receiver


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
    told = await _deliver(notice, services)
    result = told.result if isinstance(told, Told) else None
    finish = await call(services, "finish_dispatch", _finish_arguments(notice, result))
    return told if judge(finish) is Judgement.ACCEPTED else Postponed(reason_of(finish))


async def call(services: Services, function: str, arguments: Arguments) -> Answer:
    """Call a SQL function by REST."""
    body = msgspec.json.encode(arguments).decode()
    return await services.rest(f"rpc/{function}", body, prefer="")


async def _deliver(notice: Notice, services: Services) -> Told | Postponed:
    url = notice.receiver.url
    if url is None:
        return Told(notice.receiver.result)
    try:
        headers = await _headers(notice, services)
    except CannotSign as fault:
        return Postponed(str(fault))
    began_ms = services.now_ms()
    try:
        answer = await services.post(url, notice.body, headers)
    except Unreachable:
        return Postponed("the webhook did not answer", post=Post(None, services.now_ms() - began_ms))
    return replace(webhook_result(answer), post=Post(answer.status, services.now_ms() - began_ms))


async def _headers(notice: Notice, services: Services) -> dict[str, str]:
    """Slack knows no signatures: its address is the secret."""
    if notice.receiver.id == "slack":
        return {}
    secrets = notice.receiver.secrets
    return await webhook_headers(notice.tenant, notice.key, notice.body, secrets, services)


def webhook_result(answer: Answer) -> Told | Postponed:
    """What a webhook's answer means: it was taken, it is refused for good, or it may go better later."""
    status = answer.status
    if 200 <= status < 300:
        return Told("sent")
    if status in (408, 425, 429) or status >= 500:
        return Postponed("the webhook did not take it", delay_least_s=_seconds(answer.retry_after))
    if status in (401, 403, 404, 410) or 300 <= status < 400:
        return Told(unusable(f"it answers with status {status}"))
    return Told(f"refused with status {status}")


def _seconds(retry_after: str | None) -> int:
    """As much of what the receiver asks for as it gets. A date is no number of seconds: our own delay has to do."""
    text = (retry_after or "").strip()
    if not (text.isascii() and text.isdigit()):
        return 0
    return RETRY_AFTER_S_MAX if len(text) > 9 else min(int(text), RETRY_AFTER_S_MAX)


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
