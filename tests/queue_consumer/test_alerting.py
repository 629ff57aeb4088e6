"""Two receivers, each told once and by itself, whatever the other one answers."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from alerting import tell_alert
from dispatch import RETRY_AFTER_S_MAX, webhook_result
from services import Answer
from tests.queue_consumer.records import an_alert
from tests.queue_consumer.scripted_services import ScriptedServices, fault
from verdicts import Buried, Postponed, Told, retry_delay_s

SLACK, HOOK = "https://hooks.slack.com/services/T", "https://alerts.example.com/aw"
BOTH = {"acme": f'{{"slack_webhook_url":"{SLACK}","webhook_url":"{HOOK}"}}'}


class Services(ScriptedServices):
    """Whose webhooks answer by address; 200 where nothing is said."""

    def answer_of(self, url: str, *answers: Answer) -> None:
        self.__dict__.setdefault("by_url", {})[url] = list(answers)

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        waiting = self.__dict__.get("by_url", {}).get(url)
        self.webhook_answers = [waiting.pop(0)] if waiting else []
        return await super().post(url, body, headers)


def tell(services: ScriptedServices) -> Any:
    return asyncio.run(tell_alert(an_alert(), services))


def urls_told(services: ScriptedServices) -> list[str]:
    return sorted(url for url, _ in services.told)


def test_each_is_told_in_its_own_form() -> None:
    services = Services(configs=BOTH)

    assert tell(services) == Told("sent")

    bodies = {url: msgspec.json.decode(body) for url, body in services.told}
    assert set(bodies[SLACK]) >= {"text", "blocks"}
    assert bodies[HOOK]["type"] == "alert.anomaly"
    assert services.dispatches == {
        ("acme", "alert", "anomaly:s1"): "sent",
        ("acme", "alert_webhook", "anomaly:s1"): "sent",
    }


@pytest.mark.parametrize(("failing", "other"), [(SLACK, HOOK), (HOOK, SLACK)])
@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 503])
def test_where_one_does_not_take_it_the_other_is_not_told_twice(failing: str, other: str, status: int) -> None:
    services = Services(configs=BOTH)
    services.answer_of(failing, Answer(status, ""), Answer(status, ""))

    verdicts = [tell(services) for _ in range(3)]

    assert [type(each) for each in verdicts] == [Postponed, Postponed, Told]
    assert urls_told(services).count(other) == 1
    assert services.told[-1][0] == failing
    assert set(services.dispatches.values()) == {"sent"}


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 410, 422])
def test_a_final_no_of_one_is_written_down_and_not_tried_again(status: int) -> None:
    services = Services(configs=BOTH)
    services.answer_of(HOOK, Answer(status, ""))

    first, again = tell(services), tell(services)

    result = services.dispatches["acme", "alert_webhook", "anomaly:s1"]
    is_marked = status in (401, 403, 404, 410) or status < 400
    assert result == (
        f"unusable receiver: it answers with status {status}" if is_marked else f"refused with status {status}"
    )
    assert first == Told(result)
    assert again == Told("already told")
    assert urls_told(services) == [HOOK, SLACK]


def test_who_has_a_webhook_only_has_no_row_for_slack() -> None:
    services = Services(configs={"acme": f'{{"webhook_url":"{HOOK}"}}'})

    assert tell(services) == Told("sent")
    assert list(services.dispatches) == [("acme", "alert_webhook", "anomaly:s1")]


def test_a_private_address_is_posted_to_by_the_operator_s_leave_only() -> None:
    config = {"acme": '{"webhook_url":"http://127.0.0.1:1/"}'}
    refused, allowed = Services(configs=config), Services(configs=config, allows_private_receivers=True)

    assert tell(refused) == Told("unusable receiver: its address must begin with https://")
    assert tell(allowed) == Told("sent")
    assert (urls_told(refused), urls_told(allowed)) == ([], ["http://127.0.0.1:1/"])


def test_an_alert_that_the_database_refuses_is_told_nobody() -> None:
    services = Services(configs=BOTH, rpc_answers={"claim_dispatch": fault(400, "22021")})

    assert isinstance(tell(services), Buried)
    assert services.told == []


def test_a_database_that_is_away_postpones() -> None:
    assert tell(Services(configs=BOTH, is_database_away=True)) == Postponed("the database did not answer")


RETRY_AFTER = [
    (None, 0),
    ("", 0),
    ("30", 30),
    (" 30 ", 30),
    ("0", 0),
    ("86400", RETRY_AFTER_S_MAX),
    ("9" * 400, RETRY_AFTER_S_MAX),
    ("-5", 0),
    ("1e9", 0),
    ("٣", 0),
    ("Wed, 18 Nov 2026 11:06:40 GMT", 0),
]


@pytest.mark.parametrize(("header", "expected_s"), RETRY_AFTER, ids=lambda each: str(each)[:20])
def test_who_asks_for_time_gets_it_up_to_an_hour(header: str | None, expected_s: int) -> None:
    verdict = webhook_result(Answer(429, "", header))

    assert isinstance(verdict, Postponed)
    assert verdict.delay_least_s == expected_s


def test_the_message_waits_for_the_longest_that_anybody_asked_for() -> None:
    services = Services(configs=BOTH)
    services.answer_of(SLACK, Answer(429, "", "120"))
    services.answer_of(HOOK, Answer(503, "", "30"))

    verdict = tell(services)

    assert retry_delay_s(1, verdict) == 120
    assert retry_delay_s(7, verdict) == 640
