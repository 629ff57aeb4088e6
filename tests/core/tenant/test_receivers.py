"""Whom a configuration names to hear of alerts, however it came to be written."""

import pytest

from core.tenant.documents import copy_text
from core.tenant.receivers.named import NO_SLACK, Receiver, Receivers, receivers_in

SLACK, HOOK = "https://hooks.slack.com/services/T", "https://alerts.example.com/aw"


def found(document: str | None, *, allows_private: bool = False) -> Receivers:
    return receivers_in(document, allows_private=allows_private)


@pytest.mark.parametrize(
    "document", [None, "", "broken", "[]", "{}", '{"slack_webhook_url":null}', '{"webhook_url":""}']
)
def test_who_names_nobody_is_told_nowhere(document: str | None) -> None:
    assert found(document) == Receivers(NO_SLACK, None)


def test_both_are_found_in_what_was_written_by_hand_as_in_a_copy() -> None:
    document = f'{{"stream_cut":"error","slack_webhook_url":"{SLACK}","webhook_url":"{HOOK}"}}'

    for text in (document, copy_text(7, {"config": document})):
        assert found(text) == Receivers(Receiver("slack", SLACK), Receiver("webhook", HOOK))


@pytest.mark.parametrize(
    "url", ["javascript:0", "file:///etc/passwd", "http://hooks.example.com/", "https://10.0.0.1/"]
)
def test_an_address_that_is_not_to_be_used_says_why(url: str) -> None:
    receivers = found(f'{{"slack_webhook_url":"{url}","webhook_url":"{url}"}}')

    for receiver in (receivers.slack, receivers.webhook):
        assert receiver is not None and receiver.url is None
        assert receiver.result.startswith("unusable receiver: its address must ")


def test_what_is_no_text_is_no_address() -> None:
    assert found('{"webhook_url":7}').webhook == Receiver(
        "webhook", None, "unusable receiver: its address must be a text"
    )


def test_an_operator_may_allow_receivers_of_its_own() -> None:
    url = "http://127.0.0.1:8787/webhook"

    assert found(f'{{"webhook_url":"{url}"}}', allows_private=True).webhook == Receiver("webhook", url)


def test_a_receiver_s_address_is_not_printed() -> None:
    assert "services" not in repr(found(f'{{"slack_webhook_url":"{SLACK}"}}'))
