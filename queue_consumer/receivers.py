"""Whom a tenant has told, by its configuration, to hear of its alerts. Pure.

There are two, and each is told by itself: Slack (or what understands its messages), and a webhook for machines. What
stands in a configuration is judged here once more, by whoever sends: it may have been written by hand, or before there
was a rule.
"""

from dataclasses import dataclass, field

import msgspec

from core.tenant.documents import read_copy
from core.tenant.policy import CONFIG
from core.tenant.receiver_url import url_fault


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to send, or why not: `result` is what is written down instead of sending."""

    url: str | None = field(default=None, repr=False)
    result: str = "no_webhook"


@dataclass(frozen=True, slots=True)
class Receivers:
    """A tenant's. Who has named neither has a Slack receiver that is nowhere: its alerts are written down."""

    slack: Receiver = Receiver()
    webhook: Receiver | None = None

    @property
    def has_webhook_only(self) -> bool:
        return self.webhook is not None and self.slack == Receiver()


class _Config(msgspec.Struct):
    """The two fields of a tenant's configuration that matter here."""

    slack_webhook_url: object = None
    webhook_url: object = None


def receivers_in(document: str | None, *, allows_private: bool) -> Receivers:
    """The receivers that the tenant's documents (a copy of the Ledger's, or a configuration written by hand) name.
    Documents that cannot be read name none."""
    copy = read_copy(document or "{}")
    text = (document or "{}") if copy is None else copy.documents.get(CONFIG.name, msgspec.Raw(b"{}"))
    try:
        config = msgspec.json.decode(text, type=_Config)
    except (msgspec.MsgspecError, UnicodeError):
        return Receivers()
    return Receivers(
        slack=_receiver(config.slack_webhook_url, allows_private) or Receiver(),
        webhook=_receiver(config.webhook_url, allows_private),
    )


def unusable(why: str) -> str:
    """The result of a telling that no other message would better: it is the receiver that has to be put right."""
    return f"unusable receiver: {why}"


def _receiver(url: object, allows_private: bool) -> Receiver | None:
    if not url:
        return None
    fault = url_fault(url, allows_private=allows_private) if isinstance(url, str) else "must be a text"
    return (
        Receiver(url=url)
        if isinstance(url, str) and fault is None
        else Receiver(result=unusable(f"its address {fault}"))
    )
