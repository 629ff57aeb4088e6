"""What a webhook is sent proves itself to the official verifier of Standard Webhooks, and only as it was sent."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from alerting import tell_alert
from core.tenant.documents import copy_text
from core.tenant.sealed.form import bound_to
from core.tenant.sealed.webhook_secrets import PURPOSE, secret_of
from services import Answer
from signing import message_id
from tests.queue_consumer.records import an_alert
from tests.queue_consumer.scripted_services import ScriptedServices
from tests.support.aes_sealing import FIRST, SECOND, AesSealing
from verdicts import Postponed, Told

SLACK, HOOK = "https://hooks.slack.com/services/T", "https://alerts.example.com/aw"
NEW, OLD = secret_of(b"n" * 32), secret_of(b"o" * 32)
DAY_MS = 86_400_000


def now_ms() -> int:
    """The verifier has a clock of its own."""
    return time.time_ns() // 1_000_000


def sealed(secret: str, sealing: AesSealing, tenant: str = "acme") -> str:
    return asyncio.run(sealing.seal(secret, bound_to(tenant, PURPOSE)))


def an_entry(text: str, ends_at: int | None = None) -> dict[str, Any]:
    return {"sealed": text, "last_four": "xxxx", "made_at": 0, "made_by": "key:a", "ends_at": ends_at}


def services_with(*entries: dict[str, Any], sealing: AesSealing | None = None) -> ScriptedServices:
    config = json.dumps({"slack_webhook_url": SLACK, "webhook_url": HOOK})
    texts = {"config": config, "webhook_secrets": json.dumps({"secrets": entries})}
    found = ScriptedServices(configs={"acme": copy_text(7, texts)}, at_ms=now_ms())
    if sealing is not None:
        found.sealing = sealing
    return found


@pytest.fixture
def signed() -> ScriptedServices:
    return services_with(an_entry(sealed(NEW, AesSealing())))


def told(services: ScriptedServices, alert: Any = None) -> Any:
    return asyncio.run(tell_alert(alert or an_alert(), services))


def sent(services: ScriptedServices) -> Iterator[tuple[str, dict[str, str]]]:
    """What the webhook got: bodies and headers of every try."""
    bodies = iter([body for url, body in services.told if url == HOOK])
    for url, headers in services.headers:
        if url == HOOK:
            yield next(bodies, ""), headers


def test_the_official_verifier_takes_what_is_sent(signed: ScriptedServices) -> None:
    assert told(signed) == Told("sent")

    ((body, headers),) = sent(signed)
    assert Webhook(NEW).verify(body, headers)["data"]["alert_key"] == "anomaly:s1"


@pytest.mark.parametrize("change", ["body", "id", "timestamp", "signature", "secret"])
def test_whatever_is_changed_on_the_way_is_not_taken(signed: ScriptedServices, change: str) -> None:
    told(signed)
    ((body, headers),) = sent(signed)
    if change in ("id", "timestamp"):
        name = f"webhook-{change}"
        headers = {**headers, name: str(int(headers[name]) + 1) if change == "timestamp" else headers[name] + "0"}
    if change == "signature":
        headers = {**headers, "webhook-signature": "v1,AAAA" + headers["webhook-signature"][7:]}

    with pytest.raises(WebhookVerificationError):
        Webhook(OLD if change == "secret" else NEW).verify(
            body.replace("acme", "acne") if change == "body" else body, headers
        )


def test_an_old_message_is_not_taken(signed: ScriptedServices) -> None:
    signed.at_ms -= 6 * 60_000

    told(signed)

    ((body, headers),) = sent(signed)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(NEW).verify(body, headers)


def test_both_secrets_sign_until_the_older_one_ends() -> None:
    sealing, at_ms = AesSealing(), now_ms()
    texts = sealed(NEW, sealing), sealed(OLD, sealing)

    for ends_at, secrets in ((at_ms + DAY_MS, (NEW, OLD)), (at_ms - 1, (NEW,))):
        services = services_with(an_entry(texts[0]), an_entry(texts[1], ends_at), sealing=sealing)
        told(services)
        ((body, headers),) = sent(services)
        assert len(headers["webhook-signature"].split(" ")) == len(secrets)
        for secret in secrets:
            Webhook(secret).verify(body, headers)


def test_every_try_has_the_same_id_and_body_and_its_own_moment(signed: ScriptedServices) -> None:
    signed.webhook_answers = [Answer(200, ""), Answer(503, ""), Answer(0, ""), Answer(200, "")]

    for _ in range(3):
        told(signed)
        signed.at_ms += 10_000

    tries = [headers for url, headers in signed.headers if url == HOOK]
    assert len(tries) == 3
    assert {each["webhook-id"] for each in tries} == {message_id("acme", "anomaly:s1")}
    assert len({each["webhook-timestamp"] for each in tries}) == 3
    bodies = {body for url, body in signed.told if url == HOOK}
    Webhook(NEW).verify(bodies.pop(), tries[-1])
    assert bodies == set()


def test_no_two_occasions_have_one_id() -> None:
    pairs = [("acme", "a"), ("acme", "b"), ("other", "a"), ("acm", "ea")]

    assert len({message_id(*each) for each in pairs}) == len(pairs)


def test_slack_gets_no_signature(signed: ScriptedServices) -> None:
    told(signed)

    assert [headers for url, headers in signed.headers if url == SLACK] == [{}]


def test_who_has_made_no_secret_gets_an_id_and_a_moment() -> None:
    services = services_with()

    assert told(services) == Told("sent")

    ((_, headers),) = sent(services)
    assert set(headers) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize("how", ["key gone", "of another tenant"])
def test_where_a_secret_does_not_open_nothing_is_sent_unsigned(how: str) -> None:
    text = sealed(NEW, AesSealing(FIRST), tenant="other" if how == "of another tenant" else "acme")
    services = services_with(an_entry(text), sealing=AesSealing(SECOND if how == "key gone" else FIRST))

    verdict = told(services)

    assert isinstance(verdict, Postponed) and "cannot be opened" in verdict.reason
    assert [url for url, _ in services.told] == [SLACK]
    services.sealing = AesSealing(FIRST)
    if how == "key gone":
        assert told(services) == Told("sent")
        ((body, headers),) = sent(services)
        Webhook(NEW).verify(body, headers)


def test_in_an_overlap_one_secret_that_opens_is_enough() -> None:
    entries = an_entry(sealed(NEW, AesSealing(SECOND))), an_entry(sealed(OLD, AesSealing(FIRST)), now_ms() + DAY_MS)
    services = services_with(*entries, sealing=AesSealing(SECOND))

    assert told(services) == Told("sent")

    ((body, headers),) = sent(services)
    Webhook(NEW).verify(body, headers)


def test_secrets_that_cannot_be_read_make_the_webhook_unusable() -> None:
    texts = {"config": json.dumps({"webhook_url": HOOK}), "webhook_secrets": '{"secrets":7}'}
    services = ScriptedServices(configs={"acme": copy_text(7, texts)})

    assert told(services) == Told("unusable receiver: its secrets cannot be read")
    assert services.told == []
