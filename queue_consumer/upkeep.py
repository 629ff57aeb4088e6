"""The daily cron's work on the tables: months ahead, then retention; and the note that each cron leaves of its run.

Each is a request and so a transaction of its own: what holds up the second must not undo the first.
"""

from contextlib import suppress

import msgspec

from dispatch import call
from services import Services, Unreachable
from verdicts import Judgement, judge, reason_of

STEPS = ("make_months_ahead", "forget_old_records")


async def run(services: Services) -> dict[str, object]:
    """Do both and say what was done, for the log line."""
    return {step: await _done(step, services) for step in STEPS}


async def note_run(cron: str, services: Services) -> None:
    """For `agentwatch doctor`. A database that cannot take the note has none of the next run either, which is seen."""
    with suppress(Unreachable):
        await call(services, "note_cron_run", {"p_cron": cron})


async def _done(step: str, services: Services) -> object:
    try:
        answer = await call(services, step, {})
    except Unreachable:
        return "the database did not answer"
    return msgspec.Raw(answer.text.encode()) if judge(answer) is Judgement.ACCEPTED else reason_of(answer)
