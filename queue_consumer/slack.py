"""What a tenant reads in Slack: alerts and the weekly report, as message bodies. Pure.

Names in them were chosen by callers, so everything goes into `plain_text`, where Slack reads no
markup and mentions nobody; only the notification line is markup by nature, and is escaped. Nothing
in them is a link: what acts is a command to paste, since previews press links.
"""

import msgspec

from core.money.amount import dollars
from core.telemetry import (
    COMMAND_CHARACTERS_MAX,
    LABEL_CHARACTERS_MAX,
    SUMMARY_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    Alert,
    AlertKind,
)
from harmless_text import escaped, harmless

FIELDS_MAX = 10
"""Slack's own bound on the fields of one section."""

MESSAGE_CHARACTERS_MAX = 12_000
"""All of a message: one of 13,200 was refused (slackapi/bolt-js#2509)."""

NOTIFICATION_CHARACTERS_MAX = 300
"""What a telephone shows of a message, and more."""

Block = dict[str, object]


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


_TITLES: dict[AlertKind, str] = {
    "anomaly": "Possible loop",
    "budget_threshold": "Budget",
    "rule": "Rule fired",
    "rule_broken": "Rule out of use",
    "chain_broken": "Failover chain out of use",
    "digest": "More alerts",
    "ledger_away": "Ledger away",
    "provider_key_missing": "Provider key missing",
    "provider_account": "Provider account in trouble",
    "translation_refused": "Translated call refused",
    "test": "Test",
}


def alert_message(alert: Alert) -> str:
    """One alert: its sentence, its facts beside it, and what to do. What is too long for Slack loses facts first."""
    for facts_max in (3 * FIELDS_MAX, FIELDS_MAX, 0):
        message = _message(f"AgentWatch: {alert.summary}", _alert_blocks(alert, facts_max))
        if len(message) <= MESSAGE_CHARACTERS_MAX:
            break
    return message


def _alert_blocks(alert: Alert, facts_max: int) -> list[Block]:
    title = f"{_TITLES[alert.kind]} ({alert.severity})"
    fields = [
        _plain(f"{harmless(name, LABEL_CHARACTERS_MAX)}: {harmless(fact, TEXT_CHARACTERS_MAX)}")
        for name, fact in list(alert.facts.items())[:facts_max]
    ]
    rows = [fields[place : place + FIELDS_MAX] for place in range(0, len(fields), FIELDS_MAX)]
    steps = [
        f"To {harmless(name, LABEL_CHARACTERS_MAX)}:\n{harmless(command, COMMAND_CHARACTERS_MAX)}"
        for name, command in alert.steps.items()
    ]
    return [
        {"type": "header", "text": _plain(title)},
        _section(harmless(alert.summary, SUMMARY_CHARACTERS_MAX)),
        *map(_fields, rows),
        *map(_section, steps),
        {"type": "context", "elements": [_plain(harmless(alert.alert_key, TEXT_CHARACTERS_MAX))]},
    ]


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


def _shares_text(title: str, shares: tuple[Share, ...]) -> str:
    lines = (
        f"• {harmless(share.name, TEXT_CHARACTERS_MAX)}: {dollars(share.cost_nanousd)} in {share.requests} requests"
        for share in shares
    )
    return "\n".join((title, *lines))


def _section(text: str) -> Block:
    return {"type": "section", "text": _plain(text)}


def _fields(row: list[Block]) -> Block:
    return {"type": "section", "fields": row}


def _plain(text: str) -> Block:
    # A text without a character is an error to Slack, which refuses the whole message.
    return {"type": "plain_text", "text": text or "-", "emoji": False}


def _message(notification: str, blocks: list[Block]) -> str:
    message = {
        "text": escaped(harmless(notification, NOTIFICATION_CHARACTERS_MAX)),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }
    return msgspec.json.encode(message).decode()
