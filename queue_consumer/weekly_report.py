"""The cron's work: upkeep of the tables, then last week's report to every tenant that has not had
it.

Which tenants are due is the database's knowledge, so a run that failed half-way is finished by
the next one, and a tenant is told once per week however often the cron fires. Weeks begin on
Monday, UTC.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import msgspec

from dispatch import Arguments, Notice, call, tell
from outside import Outside, Unreachable
from slack import WeeklyReport, weekly_message, weekly_summary
from verdicts import Judgement, Told, judge, reason_of

TENANTS_PER_RUN_MAX = 100
"""Five requests per tenant stay inside the thousand that one invocation may make."""


class _Due(msgspec.Struct):
    tenant: str


async def run(now_ms: int, outside: Outside) -> dict[str, object]:
    """Do everything that is due and say what was done, for the log line."""
    try:
        upkeep = await call(outside, "maintain_telemetry", {})
        reports = await _send_reports(last_week_start(now_ms), outside)
    except Unreachable:
        return {"error": "the database did not answer"}
    done = judge(upkeep) is Judgement.ACCEPTED
    return {"upkeep": msgspec.Raw(upkeep.text.encode()) if done else reason_of(upkeep), **reports}


def last_week_start(now_ms: int) -> date:
    """The Monday on which the last whole week began."""
    today = datetime.fromtimestamp(now_ms // 1000, UTC).date()
    return today - timedelta(days=today.weekday() + 7)


async def _send_reports(week_start: date, outside: Outside) -> dict[str, object]:
    week = week_start.isoformat()
    arguments: Arguments = {"p_week_start": week, "p_rows_max": TENANTS_PER_RUN_MAX}
    due = await call(outside, "weekly_report_tenants", arguments)
    if judge(due) is not Judgement.ACCEPTED:
        return {"reports": reason_of(due)}
    outcomes: Counter[str] = Counter()
    for one in msgspec.json.decode(due.text, type=list[_Due]):
        outcomes[await _send_report(one.tenant, week, outside)] += 1
    return {"week": week, "reports": dict(outcomes)}


async def _send_report(tenant: str, week: str, outside: Outside) -> str:
    answer = await call(outside, "weekly_report", {"p_tenant": tenant, "p_week_start": week})
    if judge(answer) is not Judgement.ACCEPTED:
        return reason_of(answer)
    report = msgspec.json.decode(answer.text, type=WeeklyReport)
    summary = weekly_summary(report, week)
    notice = Notice(tenant, "weekly_report", week, summary, weekly_message(report, week))
    verdict = await tell(notice, outside)
    return verdict.result if isinstance(verdict, Told) else verdict.reason
