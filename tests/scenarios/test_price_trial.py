"""Which models have a price: what the administrator is told is what calls are charged by."""

import json

import pytest

from tests.support.api_client import ADMIN, Client, a_world_with_administrators, an_isolate


@pytest.fixture
def admin():
    return Client(a_world_with_administrators(), an_isolate(), ADMIN)


def tried(admin, *models):
    answer = admin.ask("POST", "/v1/prices/test", {"models": list(models)})
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_a_listed_model_has_a_price_in_any_spelling(admin):
    models = [
        {"model": "gpt-4o-mini-2024-07-18", "provider": "openai"},
        {"model": "openai/gpt-4o-mini"},
        {"model": "gpt-4o-mini"},
    ]

    found = tried(admin, *models)["data"]
    assert [each["is_stand_in"] for each in found] == [False] * 3
    assert {each["priced_as"] for each in found[1:]} == {"openai/gpt-4o-mini"}


def test_a_model_that_nobody_lists_has_a_stand_in_until_its_price_is_stated(admin):
    named = {"model": "unheard-of", "provider": "openai"}
    before = tried(admin, named)
    rates = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}

    assert before["data"][0]["is_stand_in"]
    assert admin.ask("PUT", "/v1/prices", {"models": {"openai/unheard-of": rates}}, if_match="*").status == 200
    after = tried(admin, named)
    assert (after["data"][0]["priced_as"], after["data"][0]["is_stand_in"]) == ("openai/unheard-of", False)
    assert after["price_version"] == before["price_version"] + "+t1"


@pytest.mark.parametrize("models", [[], [{"model": ""}], [{"provider": "openai"}], [{"model": "x"}] * 201])
def test_nonsense_is_refused(admin, models):
    assert admin.ask("POST", "/v1/prices/test", {"models": models}).status == 400
