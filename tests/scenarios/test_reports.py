"""What an SDK reports is charged as one call of a model that exists, at today's price, to the token's own team."""

import json
from typing import Any

import pytest

from core.money import price_book
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import Client
from tests.support.memory_ports import START_MS, World

YEAR_MS = 365 * 24 * 3_600_000
REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 1_000, "completion_tokens": 100, "latency_ms": 5}


@pytest.fixture
def world() -> World:
    return World({"requests_per_minute": 1_000})


@pytest.fixture
def report(world: World) -> Any:
    isolate = Isolate(parse_settings({}))

    def reported(**changes: Any) -> Answer:
        return Client(world, isolate).ask("POST", "/v1/ingest", {**REPORT, **changes})

    return reported


def row(world: World) -> Any:
    """The one call that was told."""
    (record,) = (each for each in world.records if each["type"] == "call")
    return record


def cost(world: World, report: Any, **changes: Any) -> int:
    """What such a report was charged."""
    answer = report(**changes)
    assert answer.status == 200, answer.body
    return int(row(world)["cost_nanousd"])


# How much -------------------------------------------------------------------------------------------------

TOO_LARGE = [
    ({"model": "o1-pro", "completion_tokens": 10**9}, "completion_tokens"),
    ({"model": "o1-pro", "prompt_tokens": 200_001}, "prompt_tokens"),
    ({"model": "o1-pro", "completion_tokens": 100_001}, "completion_tokens"),
    ({"model": "gpt-3.5-0301", "prompt_tokens": 10**7}, "prompt_tokens"),
    ({"model": "nobody-s", "prompt_tokens": 10**7}, "prompt_tokens"),
    ({"model": "nobody-s", "completion_tokens": 10**30}, "completion_tokens"),
    ({"model": "text-embedding-3-small", "prompt_tokens": 300_001}, "prompt_tokens"),
    ({"cached_input_tokens": 1_001}, "prompt_tokens"),
    ({"cached_input_tokens": 600, "audio_input_tokens": 401}, "prompt_tokens"),
    ({"reasoning_tokens": 101}, "completion_tokens"),
    ({"reasoning_tokens": -1}, "reasoning_tokens"),
    ({"cache_write_1h_tokens": 0.5}, "cache_write_1h_tokens"),
]


@pytest.mark.parametrize(("changes", "field"), TOO_LARGE, ids=str)
def test_a_report_of_more_than_one_call_can_be_is_refused_by_the_field_s_name(
    world: World, report: Any, changes: Any, field: str
) -> None:
    answer = report(**changes)

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, field)
    assert world.records == []


LONGEST = [
    {"model": "o1-pro", "prompt_tokens": 200_000, "completion_tokens": 100_000},
    {"model": "text-embedding-3-small", "prompt_tokens": 300_000, "completion_tokens": 0},
]


@pytest.mark.parametrize("changes", LONGEST, ids=str)
def test_the_longest_call_of_a_model_may_be_reported(report: Any, changes: Any) -> None:
    assert report(**changes).status == 200


# At which price -------------------------------------------------------------------------------------------

O1_PRO = 1_000 * 150_000 + 100 * 600_000
MINI = 1_000 * 150 + 100 * 600
SPELLINGS = [
    ({"provider": "openai", "model": "o1-pro"}, O1_PRO, "openai"),
    ({"provider": "OpenAI", "model": "o1-pro"}, O1_PRO, "openai"),
    ({"provider": "Azure OpenAI", "model": "o1-pro"}, O1_PRO, "openai"),
    ({"provider": "somebody", "model": "o1-pro"}, O1_PRO, "openai"),
    ({"provider": "somebody", "model": "somebody/o1-pro"}, O1_PRO, "openai"),
    ({"model": "o1-pro"}, O1_PRO, "openai"),
    ({"model": "openai/gpt-4o-mini"}, MINI, "openai"),
    ({"model": "OpenAI/GPT-4o-mini"}, MINI, "openai"),
    ({"provider": "openrouter", "model": "openrouter/openai/gpt-4o-mini"}, MINI, "openai"),
    ({"provider": "google", "model": "models/gemini-2.5-flash-lite"}, 1_000 * 100 + 100 * 400, "gemini"),
    ({"provider": "vertex_ai", "model": "vertex_ai/gemini-2.5-flash-lite"}, 1_000 * 100 + 100 * 400, "gemini"),
    ({"provider": "groq", "model": "openai/gpt-oss-120b"}, 1_000 * 150 + 100 * 600, "groq"),
]


@pytest.mark.parametrize(("names", "charge", "provider"), SPELLINGS, ids=str)
def test_a_report_is_priced_by_any_usual_spelling_of_its_names(
    world: World, report: Any, names: Any, charge: int, provider: str
) -> None:
    assert cost(world, report, **names) == charge
    assert (row(world)["provider"], row(world).get("is_estimated", False)) == (provider, False)


def test_a_model_that_nobody_lists_is_charged_by_a_stand_in_and_marked(world: World, report: Any) -> None:
    assert cost(world, report, provider="somebody", model="something") > 0
    assert row(world)["is_estimated"]


def test_an_unlisted_model_of_a_known_provider_is_charged_by_that_provider_s_stand_in(
    world: World, report: Any
) -> None:
    assert cost(world, report, provider="Anthropic", model="something") > 1_100 * 3_000
    assert (row(world)["is_estimated"], row(world)["provider"]) == (True, "anthropic")


def test_a_report_is_priced_by_the_period_of_today(world: World, report: Any) -> None:
    """An introductory price ends: the same report costs more after that day."""
    now, later = (
        {name: price_book.find("gemini", name, at_ms=at_ms) for name in price_book.models("gemini")}
        for at_ms in (START_MS, START_MS + YEAR_MS)
    )
    model = next(name for name in now if now[name] != later[name])
    before = cost(world, report, model=model)
    world.records.clear()
    world.pass_time(YEAR_MS)

    assert cost(world, report, model=model) > before


PARTS = [
    ({"cached_input_tokens": 400}, 600 * 150 + 400 * 75 + 100 * 600),
    ({"model": "claude-sonnet-4-5", "cached_input_tokens": 400}, 600 * 3_000 + 400 * 300 + 100 * 15_000),
    ({"model": "claude-sonnet-4-5", "cache_write_5m_tokens": 400}, 600 * 3_000 + 400 * 3_750 + 100 * 15_000),
    ({"model": "claude-sonnet-4-5", "cache_write_1h_tokens": 400}, 600 * 3_000 + 400 * 6_000 + 100 * 15_000),
    ({"model": "gpt-4o-audio-preview-2024-12-17", "audio_input_tokens": 400}, 600 * 2_500 + 400 * 40_000 + 1_000_000),
    ({"reasoning_tokens": 90}, MINI),
]


@pytest.mark.parametrize(("parts", "charge"), PARTS, ids=str)
def test_a_report_may_say_which_part_was_billed_at_a_rate_of_its_own(
    world: World, report: Any, parts: Any, charge: int
) -> None:
    assert cost(world, report, **parts) == charge
    usage = row(world)["usage"]
    assert all(usage[name] == count for name, count in parts.items() if name != "model")


# To whom --------------------------------------------------------------------------------------------------


def test_a_report_counts_for_the_token_s_team_whatever_it_says(world: World, report: Any) -> None:
    report(team="blue")

    assert row(world)["team"] == "search"
    spent = world.ledgers["acme"].service._state.book._accounts
    assert {key.id for key in spent if key.kind == "team"} == {"search"}


def test_reports_count_against_the_request_rate(world: World, report: Any) -> None:
    world.kv["t:acme:config"] = json.dumps({"requests_per_minute": 2})
    statuses = [report(event_id=event).status for event in ("e1", "e1", "e2", "e3")]

    assert statuses == [200, 200, 200, 429]


def test_a_report_that_came_too_fast_is_charged_when_it_comes_again(world: World, report: Any) -> None:
    world.kv["t:acme:config"] = json.dumps({"requests_per_minute": 1})
    report(event_id="e1")
    refused = report(event_id="e2")
    world.pass_time(60_000)

    assert "retry-after" in refused.headers
    assert report(event_id="e2").status == 200
