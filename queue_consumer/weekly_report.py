"""Last week's report to every tenant that has not had it: some of them by each run, until all are told.

Who is next is the database's knowledge: whoever has waited longest. So a run that failed half-way is finished by later
ones, a tenant whose report fails waits behind the others, and a tenant is told once per week however often the cron
fires. Weeks begin on Monday, UTC, and are reported from that day's morning on.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import msgspec

from core.tenant.receivers.named import receivers_in
from dispatch import Arguments, Notice, call, tell
from services import Services, Unreachable
from slack import WeeklyReport, weekly_message, weekly_summary
from verdicts import Judgement, Told, judge, reason_of

TENANTS_PER_RUN_MAX = 100
"""Five requests per tenant stay inside the thousand that one invocation may make, beside the replays."""

RETRY_AFTER_S = 3_600
"""A report that failed is tried again an hour later, behind those that were not tried yet."""

MORNING = timedelta(hours=8)


class _Due(msgspec.Struct):
    tenant: str


async def run(now_ms: int, services: Services) -> dict[str, object]:
    """Send the next reports that are due and say what was done, for the log line."""
    week = last_week_start(now_ms).isoformat()
    arguments: Arguments = {
        "p_week_start": week,
        "p_rows_max": TENANTS_PER_RUN_MAX,
        "p_retry_seconds": RETRY_AFTER_S,
    }
    outcomes: Counter[str] = Counter()
    try:
        due = await call(services, "take_weekly_report_tenants", arguments)
        if judge(due) is not Judgement.ACCEPTED:
            return {"reports": reason_of(due)}
        for one in msgspec.json.decode(due.text, type=list[_Due]):
            outcomes[await _send_report(one.tenant, week, services)] += 1
    except Unreachable:
        outcomes["the database did not answer"] += 1
    return {"week": week, "reports": dict(outcomes)}


def last_week_start(now_ms: int) -> date:
    """The Monday on which the last whole week began, as of this morning."""
    today = (datetime.fromtimestamp(now_ms // 1000, UTC) - MORNING).date()
    return today - timedelta(days=today.weekday() + 7)


async def _send_report(tenant: str, week: str, services: Services) -> str:
    answer = await call(services, "weekly_report", {"p_tenant": tenant, "p_week_start": week})
    if judge(answer) is not Judgement.ACCEPTED:
        return reason_of(answer)
    report = msgspec.json.decode(answer.text, type=WeeklyReport)
    summary = weekly_summary(report, week)
    try:
        document = await services.tenant_config(tenant)
    except Unreachable:
        return "the tenant's configuration cannot be read"
    receiver = receivers_in(document, allows_private=services.allows_private_receivers).slack
    notice = Notice(tenant, "weekly_report", week, summary, weekly_message(report, week), receiver)
    verdict = await tell(notice, services)
    return verdict.result if isinstance(verdict, Told) else verdict.reason
