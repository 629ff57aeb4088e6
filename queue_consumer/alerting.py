"""An alert on its way to those whom the tenant has named: Slack, and a webhook for machines.

Each is told by itself and once. The alert is done with when all of them are: where one has to wait, the message comes
again, and who was told by then is known by the claim in the database. The rule easy to break: an alert that waits for
one receiver is never buried for the other's sake.
"""

import asyncio

from core.telemetry import Alert
from core.tenant.receivers.named import receivers_in
from dispatch import Notice, tell
from services import Services, Unreachable
from slack import alert_message
from verdicts import Buried, Postponed, Told
from webhook import alert_event

Telling = Told | Postponed | Buried


async def tell_alert(alert: Alert, services: Services) -> Telling:
    """Tell whomever has not been told. `Buried` is advice: the database refuses the alert itself."""
    try:
        document = await services.tenant_config(alert.tenant)
    except Unreachable:
        return Postponed("the tenant's configuration cannot be read")
    tellings = await asyncio.gather(*(tell_one(notice, services) for notice in notices_of(alert, document, services)))
    return _together(tellings)


def notices_of(alert: Alert, document: str | None, services: Services) -> list[Notice]:
    """What is told to whom, by the tenant's documents."""
    receivers = receivers_in(document, allows_private=services.allows_private_receivers)
    tenant, key, summary = alert.tenant, alert.alert_key, alert.summary
    notices = []
    if not receivers.has_webhook_only:
        notices.append(Notice(tenant, "alert", key, summary, alert_message(alert), receivers.slack))
    if receivers.webhook is not None:
        notices.append(Notice(tenant, "alert_webhook", key, summary, alert_event(alert), receivers.webhook))
    return notices


async def tell_one(notice: Notice, services: Services) -> Telling:
    """One receiver."""
    try:
        return await tell(notice, services)
    except Unreachable:
        return Postponed("the database did not answer")


def _together(tellings: list[Telling]) -> Telling:
    """What becomes of the message: it waits if anybody has to, and for the longest that anybody asked for."""
    waiting = [each for each in tellings if isinstance(each, Postponed)]
    if waiting:
        return max(waiting, key=lambda each: each.delay_least_s)
    buried = [each for each in tellings if isinstance(each, Buried)]
    if buried:
        return buried[0]
    results = [each.result for each in tellings if isinstance(each, Told)]
    notable = [result for result in results if result not in ("sent", "already told")]
    if notable:
        return Told("; ".join(dict.fromkeys(notable)))
    return Told("sent" if "sent" in results else "already told")
