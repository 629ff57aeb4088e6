"""A tenant's document is parsed whole or refused by field."""

import pytest

from core.tenant.document import InvalidDocument, Writing
from core.tenant.policy import CONFIG, DEFAULT_POLICY, parse_policy


def test_an_empty_document_is_the_default_policy() -> None:
    assert parse_policy("{}") == DEFAULT_POLICY


def test_amounts_are_read_as_whole_nanodollars() -> None:
    policy = parse_policy('{"session_budget_usd": "2.5", "outage_allowance_usd": "0.5", "fail_closed": true}')

    assert policy.session_limit_nanousd == 2_500_000_000
    assert policy.outage_allowance_nanousd == 500_000_000
    assert policy.fails_closed


REFUSED = [
    ('{"session_budget": "1"}', "session_budget"),
    ('{"session_budget_usd": 1.5}', "session_budget_usd"),
    ('{"session_budget_usd": "0"}', "session_budget_usd"),
    ('{"session_budget_usd": "1_0"}', "session_budget_usd"),
    ('{"outage_allowance_usd": "１２"}', "outage_allowance_usd"),
    ('{"requests_per_minute": "1_0"}', "requests_per_minute"),
    ('{"slack_webhook_url": "\ud83d"}', "surrogate"),
    ('{"unpriced_models": "maybe"}', "unpriced_models"),
    ('{"requests_per_minute": 0}', "requests_per_minute"),
    ("[1]", "object"),
    ("{", "truncated"),
]


@pytest.mark.parametrize(("document", "words"), REFUSED)
def test_a_document_that_does_not_fit_is_refused_naming_the_field(document: str, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        parse_policy(document)


@pytest.mark.parametrize("field", ["slack_webhook_url", "webhook_url"])
def test_a_receiver_that_nothing_would_be_sent_to_is_not_written_anew_but_stops_no_call(field: str) -> None:
    document = f'{{"{field}": "http://10.0.0.1/"}}'

    with pytest.raises(InvalidDocument, match=f"{field} must begin with https://") as fault:
        CONFIG.judge(document, Writing(allows_private_receivers=False, at_ms=0))

    assert fault.value.param == field
    CONFIG.judge(document, Writing(allows_private_receivers=True, at_ms=0))
    assert parse_policy(document) == DEFAULT_POLICY
