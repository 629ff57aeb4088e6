"""A trial of a tenant's receivers: a test alert is told as any alert is, and what came of it is told to whoever waits.

The one difference: a trial is of the moment. It goes by what the Ledger has now and not by its copy in KV, is not tried
again, and says how long a receiver took.
"""

import asyncio

from alerting import notices_of, tell_one
from core.ledger.trials.messages import Trial, Tried
from core.telemetry import Alert
from dispatch import Notice
from services import Services, Unreachable
from verdicts import Buried, Told

RESULT_CHARACTERS_MAX = 256


async def try_receivers(alert: Alert, services: Services) -> Told:
    """Send it to every receiver; who asked hears what each said, if the Ledger can be reached."""
    try:
        document = await services.present_documents(alert.tenant)
        notices = notices_of(alert, document, services)
        tried = await asyncio.gather(*(_tried(notice, services) for notice in notices))
        await services.note_trial(alert.tenant, alert.alert_key, Trial(receivers=tuple(tried)))
    except Unreachable:
        return Told("tried, and nobody could be told: the ledger did not answer")
    return Told("tried")


async def _tried(notice: Notice, services: Services) -> Tried:
    telling = await tell_one(notice, services)
    words = telling.result if isinstance(telling, Told) else telling.reason
    post = None if isinstance(telling, Buried) else telling.post
    return Tried(
        id=notice.receiver.id,
        result=words[:RESULT_CHARACTERS_MAX],
        status=None if post is None else post.status,
        milliseconds=None if post is None else post.milliseconds,
    )
