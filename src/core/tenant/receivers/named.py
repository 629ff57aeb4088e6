"""Whom a tenant has told, by its configuration, to hear of its alerts, and what the webhook's messages are signed with.

There are two, and each is told by itself: Slack (or what understands its messages), and a webhook for machines. What
stands in a configuration is judged here once more, by whoever sends: it may have been written by hand, or before there
was a rule.
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from core.tenant.document import InvalidDocument
from core.tenant.documents import read_copy
from core.tenant.policy import CONFIG
from core.tenant.receivers.address import url_fault
from core.tenant.sealed.webhook_secrets import WEBHOOK_SECRETS, WebhookSecretsDocument

ReceiverId = Literal["slack", "webhook"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to send, or why not: `result` is what is written down instead of sending."""

    id: ReceiverId
    url: str | None = field(default=None, repr=False)
    result: str = "no_webhook"
    secrets: WebhookSecretsDocument = WEBHOOK_SECRETS.default
    """Of a webhook."""


NO_SLACK = Receiver("slack")


@dataclass(frozen=True, slots=True)
class Receivers:
    """A tenant's. Who has named neither has a Slack receiver that is nowhere: its alerts are written down."""

    slack: Receiver = NO_SLACK
    webhook: Receiver | None = None

    @property
    def has_webhook_only(self) -> bool:
        return self.webhook is not None and self.slack == NO_SLACK


class _Config(msgspec.Struct):
    """The two fields of a tenant's configuration that matter here."""

    slack_webhook_url: object = None
    webhook_url: object = None


def receivers_in(document: str | None, *, allows_private: bool) -> Receivers:
    """The receivers that the tenant's documents (a copy of the Ledger's, or a configuration written by hand) name.
    Documents that cannot be read name none; secrets that cannot be read make the webhook unusable, since nothing is
    sent unsigned to who expects a signature."""
    copy = read_copy(document or "{}")
    text = (document or "{}") if copy is None else copy.documents.get(CONFIG.name, msgspec.Raw(b"{}"))
    try:
        config = msgspec.json.decode(text, type=_Config)
    except (msgspec.MsgspecError, UnicodeError):
        return Receivers()
    secrets = msgspec.Raw(b"{}") if copy is None else copy.documents.get(WEBHOOK_SECRETS.name, msgspec.Raw(b"{}"))
    return Receivers(
        slack=_receiver("slack", config.slack_webhook_url, allows_private) or NO_SLACK,
        webhook=_with_secrets(_receiver("webhook", config.webhook_url, allows_private), bytes(secrets)),
    )


def unusable(why: str) -> str:
    """The result of a telling that no other message would better: it is the receiver that has to be put right."""
    return f"unusable receiver: {why}"


def _receiver(id: ReceiverId, url: object, allows_private: bool) -> Receiver | None:
    if not url:
        return None
    fault = url_fault(url, allows_private=allows_private) if isinstance(url, str) else "must be a text"
    return (
        Receiver(id, url=url)
        if isinstance(url, str) and fault is None
        else Receiver(id, result=unusable(f"its address {fault}"))
    )


def _with_secrets(webhook: Receiver | None, document: bytes) -> Receiver | None:
    if webhook is None or webhook.url is None:
        return webhook
    try:
        return Receiver("webhook", url=webhook.url, secrets=WEBHOOK_SECRETS.parse(document))
    except InvalidDocument:
        return Receiver("webhook", result=unusable("its secrets cannot be read"))
