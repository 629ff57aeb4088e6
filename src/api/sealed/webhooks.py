"""A tenant's receivers of alerts: who they are, the secret that the webhook's messages are signed with, and a trial.

Their addresses are members of the configuration and are secrets themselves: shown are host and last characters. The
rule easy to break: a trial is sent by the telemetry Worker, as any alert is. What is tried from elsewhere says nothing
of whether alerts arrive, and the edge posts to no address that a tenant has chosen.
"""

import hashlib
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.sealed.rewriting import rewritten, sealed_for
from core.ledger.document_messages import CopyRequest
from core.ledger.trials.messages import TrialRequest, Tried
from core.refusals import TenantsUnavailable
from core.telemetry import Alert, to_wire
from core.tenant.receivers.named import NO_SLACK, Receiver, receivers_in
from core.tenant.sealed.form import sealed_with
from core.tenant.sealed.webhook_secrets import (
    PURPOSE,
    WEBHOOK_SECRETS,
    SealedSecret,
    WebhookSecretsDocument,
    rotated,
    secret_of,
)
from exchange import Answer, json_answer
from ports import QueueUnreachable

OVERLAP_S_MAX = 2_592_000

TRIAL_WAITS_MS = (500,) * 4 + (1_000,) * 28
"""Between two looks at what came of a trial: half a minute in all, in which the queue hands over a batch (5 s) and a
receiver answers (10 s)."""

NOT_HEARD = "not heard of within 30 s: is the telemetry Worker deployed, and does it reach its database?"

ReceiverState = Literal["active", "unusable"]


class Signing(msgspec.Struct, frozen=True):
    """The present secret's last characters, and until when the one before goes on signing beside it."""

    last_four: str
    rotated_until: int | None
    sealed_with: str | None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver. `signing` is null for one whose messages are not signed; `fault` says why one is unusable."""

    id: str
    url_host: str | None
    url_last_four: str | None
    signing: Signing | None
    state: ReceiverState
    fault: str | None


class WebhookList(msgspec.Struct, frozen=True):
    data: list[Webhook]


class TriedList(msgspec.Struct, frozen=True):
    data: list[Tried]


class SecretChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = 86_400
    """How long the secret before goes on signing, too."""


class NewSecret(msgspec.Struct, frozen=True):
    """Shown once."""

    secret: str
    rotated_until: int | None

    def __repr__(self) -> str:
        return "NewSecret(secret=…)"


async def list_webhooks(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """The receivers that the configuration names."""
    now_ms = request.exchange.started_at_ms
    return json_answer(WebhookList([_shown(each, now_ms) for each in await _receivers(request)]))


async def make_secret(request: ApiRequest[Nothing, SecretChange]) -> Answer:
    """A new secret for the webhook, in place of the present one, which signs a while longer."""
    exchange, overlap_ms = request.exchange, request.body.overlap_s * 1_000
    # Two fresh identifiers are 256 random bits.
    random = hashlib.sha256((exchange.ports.ids.new("") + exchange.ports.ids.new("")).encode()).digest()
    secret = secret_of(random)
    made = SealedSecret(
        sealed=await sealed_for(request, secret, PURPOSE),
        last_four=secret[-4:],
        made_at=exchange.ports.clock.now_ms(),
        made_by=request.caller.actor,
    )

    async def change(document: WebhookSecretsDocument) -> WebhookSecretsDocument:
        return rotated(document, made, overlap_ms=overlap_ms)

    document = await rewritten(WEBHOOK_SECRETS, request, change)
    answer = NewSecret(secret, document.rotated_until(made.made_at))
    return json_answer(answer)


async def try_webhooks(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Send a test alert to every receiver, and say what each answered."""
    exchange, receivers = request.exchange, await _receivers(request)
    if not receivers:
        return json_answer(TriedList([]))
    trial_id = exchange.ports.ids.new("test_")
    alert = Alert(
        alert_key=trial_id,
        occurred_at_ms=exchange.started_at_ms,
        tenant=request.caller.tenant,
        kind="test",
        severity="info",
        summary="This is a test: alerts of AgentWatch arrive here.",
        facts={"asked for by": request.caller.actor, "request": exchange.request_id},
    )
    try:
        await exchange.ports.telemetry.send(to_wire(alert))
    except QueueUnreachable:
        raise TenantsUnavailable("the queue to the telemetry Worker does not answer", retry_after_ms=5_000) from None
    for wait_ms in TRIAL_WAITS_MS:
        await exchange.ports.clock.sleep_ms(wait_ms)
        tried = (await request.ledger.tell(TrialRequest(trial_id=trial_id))).receivers
        if tried is not None:
            return json_answer(TriedList(list(tried)))
    return json_answer(TriedList([Tried(each.id, NOT_HEARD) for each in receivers]))


async def _receivers(request: ApiRequest[Nothing, Nothing]) -> list[Receiver]:
    """Those that the Ledger's configuration names."""
    present = await request.ledger.tell(CopyRequest())
    settings = request.exchange.isolate.settings
    found = receivers_in(present.text or None, allows_private=settings.allows_private_receivers)
    slack = [] if found.slack == NO_SLACK else [found.slack]
    return slack if found.webhook is None else [*slack, found.webhook]


def _shown(receiver: Receiver, now_ms: int) -> Webhook:
    url, secrets = receiver.url, receiver.secrets
    live = secrets.live(now_ms)
    return Webhook(
        id=receiver.id,
        url_host=None if url is None else urlsplit(url).hostname,
        url_last_four=None if url is None else url[-4:],
        signing=Signing(live[0].last_four, secrets.rotated_until(now_ms), sealed_with(live[0].sealed))
        if live
        else None,
        state="unusable" if url is None else "active",
        fault=receiver.result if url is None else None,
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/webhooks", list_webhooks, "The receivers of the tenant's alerts, and how they are signed",
        WebhookList, audience="admin", is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/webhooks/secret", make_secret, "A new secret for the webhook's signatures, shown once", NewSecret,
        audience="admin", body=SecretChange, is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/webhooks/test", try_webhooks, "Send a test alert to each receiver, and say what it answered",
        TriedList, audience="admin", is_administration=True,
    ),
)  # fmt: skip
