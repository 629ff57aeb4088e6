"""What a tenant reads in Slack: alerts and the weekly report, as message bodies. Pure.

Names in them were chosen by callers, so everything goes into `plain_text`, where Slack reads no
markup and mentions nobody; only the notification line is markup by nature, and is escaped.
"""

import msgspec

from core.money.amount import NANOUSD_PER_USD
from core.telemetry import Alert
from core.tenant.documents import read_copy
from core.tenant.policy import CONFIG

FIELDS_MAX = 10
"""Slack's own bound on the fields of one section."""

_CENT_NANOUSD = NANOUSD_PER_USD // 100


class Share(msgspec.Struct, frozen=True):
    """What one session, model or team spent."""

    name: str
    cost_nanousd: int
    requests: int


class WeeklyReport(msgspec.Struct, frozen=True):
    """A tenant's week, as the SQL function `weekly_report` tells it."""

    requests: int
    refused: int
    cut: int
    cost_nanousd: int
    previous_cost_nanousd: int
    sessions: tuple[Share, ...]
    models: tuple[Share, ...]
    teams: tuple[Share, ...]


class _TenantDocument(msgspec.Struct):
    """The one field of a tenant's configuration that matters here."""

    slack_webhook_url: str | None = None


def webhook_in(document: str | None) -> str | None:
    """The tenant's webhook, or None where its documents (a copy of the Ledger's, or a configuration written by hand)
    have none that can be posted to."""
    copy = read_copy(document or "{}")
    config = (document or "{}") if copy is None else copy.documents.get(CONFIG.name, msgspec.Raw(b"{}"))
    try:
        tenant = msgspec.json.decode(config, type=_TenantDocument)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    url = tenant.slack_webhook_url
    return url if url and url.startswith(("https://", "http://")) else None


def alert_message(alert: Alert) -> str:
    """One alert: its sentence, and its facts beside it."""
    blocks: list[dict[str, object]] = [_section(alert.summary)]
    fields = [_plain(f"{name}: {fact}") for name, fact in list(alert.facts.items())[:FIELDS_MAX]]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    return _message(f"AgentWatch: {alert.summary}", blocks)


def weekly_summary(report: WeeklyReport, week_start: str) -> str:
    """The report in one sentence."""
    return (
        f"Week of {week_start}: {dollars(report.cost_nanousd)} in {report.requests} requests"
        f" ({dollars(report.previous_cost_nanousd)} the week before)."
    )


def weekly_message(report: WeeklyReport, week_start: str) -> str:
    """The report: its sentence, what was stopped, and who spent most."""
    summary = weekly_summary(report, week_start)
    lists = (
        ("Dearest sessions", report.sessions),
        ("Models", report.models),
        ("Teams", report.teams),
    )
    texts = [
        summary,
        f"Refused: {report.refused}. Streams cut at their budget: {report.cut}.",
        *(_shares_text(title, shares) for title, shares in lists if shares),
    ]
    return _message(f"AgentWatch: {summary}", [_section(text) for text in texts])


def dollars(amount_nanousd: int) -> str:
    """An amount for reading: rounded to the cent, and never to nothing."""
    if 0 < amount_nanousd < _CENT_NANOUSD:
        return "under $0.01"
    cents = (amount_nanousd + _CENT_NANOUSD // 2) // _CENT_NANOUSD
    return f"${cents // 100:,}.{cents % 100:02d}"


def _shares_text(title: str, shares: tuple[Share, ...]) -> str:
    lines = (f"• {share.name}: {dollars(share.cost_nanousd)} in {share.requests} requests" for share in shares)
    return "\n".join((title, *lines))


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _plain(text)}


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _message(notification: str, blocks: list[dict[str, object]]) -> str:
    escaped = notification.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return msgspec.json.encode({"text": escaped, "blocks": blocks}).decode()
