"""An SDK that makes its calls by itself holds the money first: the same budgets, prices and rules as for calls that come
through, told in numbers."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.api_client import ADMIN, CALL, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import START_MS, World
from tests.support.rules import a_rule, write_rules

TOLD = {
    "hold_id": "evt_1",
    "model": "gpt-4o-mini",
    "dialect": "openai_chat",
    "input_bytes": 2_000,
    "output_tokens_max": 1_000,
    "session_id": "run-1",
}
WORST_NANOUSD = (1_000 + 16) * 150 + 1_000 * 600
REPORT = {
    "model": "gpt-4o-mini",
    "prompt_tokens": 500,
    "completion_tokens": 100,
    "latency_ms": 5,
    "session_id": "run-1",
}
COST_NANOUSD = 500 * 150 + 100 * 600
TTL_MS = 600_000


@pytest.fixture
def world() -> World:
    return a_world_with_administrators({"requests_per_minute": 1_000_000})


@pytest.fixture
def sdk(world: World) -> Client:
    return Client(world, an_isolate())


def hold(sdk: Client, **changes: Any) -> Any:
    answer = sdk.ask("POST", "/v1/holds", {**TOLD, **changes})
    return {"status": answer.status, **json.loads(answer.body)}


def settle(sdk: Client, hold_id: str = "evt_1", **changes: Any) -> Any:
    answer = sdk.ask("POST", f"/v1/holds/{hold_id}/settle", {**REPORT, **changes})
    return {"status": answer.status, **json.loads(answer.body)}


def budget(sdk: Client, session_id: str = "run-1") -> tuple[int, int]:
    """What a session has spent and holds."""
    check = sdk.read(f"/v1/budget-check?session_id={session_id}")
    return round(check["spent_usd"] * 1e9), round(check["held_usd"] * 1e9)


def sweep(world: World) -> None:
    """The alarm rings."""
    world.ledger_of("acme").service.sweep(world.now_ms())


def rows(world: World) -> list[Any]:
    return [record for record in world.records if record["type"] == "call"]


def test_the_worst_case_is_held_by_the_edge_s_own_prices(sdk: Client) -> None:
    held = hold(sdk)

    assert (held["status"], held["held_usd"], held["output_tokens_max"]) == (200, WORST_NANOUSD / 1e9, None)
    assert budget(sdk) == (0, WORST_NANOUSD)
    assert held["budget"]["held_usd"] == WORST_NANOUSD / 1e9


def test_asked_again_the_same_hold_is_the_answer(sdk: Client) -> None:
    assert hold(sdk)["expires_at_ms"] == hold(sdk)["expires_at_ms"]

    assert budget(sdk) == (0, WORST_NANOUSD)


def test_an_id_is_for_one_call(sdk: Client) -> None:
    hold(sdk)

    other = hold(sdk, output_tokens_max=999)

    assert (other["status"], other["error"]["param"]) == (400, "hold_id")


def test_a_report_takes_the_place_of_its_hold(sdk: Client, world: World) -> None:
    hold(sdk)

    settled = settle(sdk)

    assert (settled["status"], settled["charged_usd"]) == (200, COST_NANOUSD / 1e9)
    assert budget(sdk) == (COST_NANOUSD, 0)
    (row,) = rows(world)
    assert (row["request_id"], row["cost_nanousd"], row["source"]) == ("evt_1", COST_NANOUSD, "sdk")


def test_a_report_by_ingest_settles_the_hold_of_its_id(sdk: Client) -> None:
    hold(sdk)

    sdk.ask("POST", "/v1/ingest", {**REPORT, "event_id": "evt_1"})

    assert budget(sdk) == (COST_NANOUSD, 0)


def test_settled_again_nothing_is_charged_twice_and_there_is_one_row(sdk: Client, world: World) -> None:
    hold(sdk)
    settle(sdk)
    world.pass_time(5_000)

    assert settle(sdk)["status"] == 200

    assert budget(sdk) == (COST_NANOUSD, 0)
    assert [row["cost_nanousd"] for row in rows(world)] == [COST_NANOUSD]


def test_a_report_of_nothing_releases_the_hold(sdk: Client) -> None:
    hold(sdk)

    settle(sdk, prompt_tokens=0, completion_tokens=0, outcome="failed")

    assert budget(sdk) == (0, 0)


def test_a_hold_that_nobody_settles_ends_with_its_time_and_a_late_report_corrects_it(sdk: Client, world: World) -> None:
    hold(sdk)
    world.pass_time(TTL_MS + 1_000)
    sweep(world)

    assert budget(sdk) == (WORST_NANOUSD, 0)
    settle(sdk)
    assert budget(sdk) == (COST_NANOUSD, 0)


def test_a_thousand_holds_at_once_never_overspend_a_session(sdk: Client) -> None:
    answers = [hold(sdk, hold_id=f"evt_{count}", session_budget_usd="0.03") for count in range(1_000)]

    assert [each["status"] for each in answers].count(200) >= 40
    assert {each["status"] for each in answers} == {200, 402}
    assert sum(budget(sdk)) <= 30_000_000


def test_a_budget_that_covers_a_shorter_answer_says_how_long_it_may_be(sdk: Client) -> None:
    held = hold(sdk, session_budget_usd="0.0003")

    assert held["output_tokens_max"] == (300_000 - 1_016 * 150) // 600
    assert sum(budget(sdk)) <= 300_000


def test_a_budget_that_covers_nothing_useful_is_a_402_in_numbers_and_has_its_row(sdk: Client, world: World) -> None:
    refused = hold(sdk, session_budget_usd="0.0001")

    assert (refused["status"], refused["error"]["code"]) == (402, "budget_exhausted")
    assert refused["error"]["limit_usd"] == "0.0001"
    assert refused["error"]["needed_output_usd"] == "0.0000384"
    (row,) = rows(world)
    assert (row["request_id"], row["outcome"], row["source"]) == ("evt_1", "refused", "sdk")


@pytest.mark.parametrize("provider", [None, "ollama", "openai"])
def test_a_model_that_nobody_has_heard_of_is_held_for_at_a_stand_in_s_price(sdk: Client, provider: str | None) -> None:
    held = hold(sdk, model="home-grown-7b", provider=provider, output_tokens_max=None, has_unsized_input=True)

    assert held["status"] == 200
    assert held["held_usd"] > 0


@pytest.mark.parametrize("is_held", [True, False])
def test_what_a_tenant_lets_through_free_is_reported_free(is_held: bool) -> None:
    sdk = Client(a_world_with_administrators({"unpriced_models": "free"}), an_isolate())
    if is_held:
        assert hold(sdk, model="home-grown-7b")["held_usd"] == 0

    assert settle(sdk, model="home-grown-7b")["charged_usd"] == 0
    assert settle(sdk, "evt_2")["charged_usd"] > 0


def test_a_hold_under_the_id_of_another_call_leaves_that_call_s_row(sdk: Client, world: World) -> None:
    settle(sdk)

    assert hold(sdk)["error"]["param"] == "hold_id"

    (row,) = rows(world)
    assert (row["outcome"], row["cost_nanousd"]) == ("complete", COST_NANOUSD)


def test_a_held_call_s_row_is_of_the_session_that_is_charged(sdk: Client, world: World) -> None:
    hold(sdk)

    settle(sdk, session_id="run-2")

    (row,) = rows(world)
    assert (row["session_id"], budget(sdk), budget(sdk, "run-2")) == ("run-1", (COST_NANOUSD, 0), (0, 0))


def test_a_prompt_of_anthropic_s_is_held_for_as_one_that_is_written_to_the_cache(sdk: Client) -> None:
    asked = {"model": "claude-sonnet-4-5", "dialect": "anthropic_messages", "input_bytes": 100_000}
    held = hold(sdk, **asked)["held_usd"]

    report = {"prompt_tokens": 50_000, "cache_write_5m_tokens": 50_000, "completion_tokens": 1_000}
    assert settle(sdk, model="claude-sonnet-4-5", **report)["charged_usd"] <= held


BAD = [
    ({"hold_id": ""}, "hold_id"),
    ({"hold_id": "rsv_guessed"}, "hold_id"),
    ({"model": ""}, "model"),
    ({"dialect": "smoke signals"}, "dialect"),
    ({"input_bytes": -1}, "input_bytes"),
    ({"input_bytes": None}, "input_bytes"),
    ({"output_tokens_max": 0}, "output_tokens_max"),
    ({"choices": 0}, "choices"),
    ({"session_id": "a b"}, "session_id"),
    ({"session_budget_usd": "-1"}, "session_budget_usd"),
    ({"session_budget_usd": "nan"}, "session_budget_usd"),
    ({"wait_ms": 30_001}, "wait_ms"),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=str)
def test_a_bad_question_is_refused_by_the_field_s_name(sdk: Client, changes: Any, field: str) -> None:
    refused = hold(sdk, **changes)

    assert (refused["status"], refused["error"]["param"]) == (400, field)


def test_a_tool_that_nobody_meters_is_refused(sdk: Client) -> None:
    refused = hold(sdk, provider_tools=["code_interpreter"])

    assert (refused["status"], refused["error"]["code"], refused["error"]["param"]) == (
        403, "unmetered_path", "provider_tools",
    )  # fmt: skip


def test_searches_images_and_more_answers_are_held_for(sdk: Client) -> None:
    plain = hold(sdk, hold_id="a")["held_usd"]

    assert hold(sdk, hold_id="b", choices=2)["held_usd"] == plain + 1_000 * 600 / 1e9
    assert hold(sdk, hold_id="c", images=1)["held_usd"] > plain
    assert hold(sdk, hold_id="d", provider_tools=["web_search"])["held_usd"] > plain
    few = hold(sdk, hold_id="f", provider_tools=["web_search"], web_search_calls_max=2)["held_usd"]
    assert plain < few < hold(sdk, hold_id="g", provider_tools=["web_search"])["held_usd"] / 2
    assert hold(sdk, hold_id="h", web_search_calls_max=2)["held_usd"] == plain
    at_xai = {
        "provider": "xai",
        "model": "grok-4-fast",
        "dialect": "openai_responses",
        "provider_tools": ["web_search"],
    }
    unbounded = hold(sdk, hold_id="i", **at_xai)["held_usd"]
    assert hold(sdk, hold_id="j", **at_xai, web_search_calls_max=2)["held_usd"] == unbounded, (
        "nobody says it keeps to it"
    )
    assert hold(sdk, hold_id="e", has_unsized_input=True)["held_usd"] > 100_000 * 150 / 1e9


def test_a_rule_of_the_tenant_stops_a_call_that_never_comes_through(world: World, sdk: Client) -> None:
    write_rules(Client(world, an_isolate(), ADMIN), a_rule(condition={"model": "gpt-4o-mini"}))

    refused = hold(sdk)

    assert (refused["status"], refused["error"]["code"]) == (403, "rule_blocked")
    assert budget(sdk) == (0, 0)


def test_a_paused_session_holds_nothing(world: World, sdk: Client) -> None:
    Client(world, an_isolate(), ADMIN).put("/v1/sessions/run-1", {"paused": True})

    assert hold(sdk)["error"]["code"] == "scope_paused"


def test_money_that_others_hold_is_waited_for_only_where_that_is_asked(world: World, sdk: Client) -> None:
    hold(sdk, session_budget_usd="0.0008")

    asked_at_ms = world.now_ms()
    assert hold(sdk, hold_id="evt_2")["status"] == 402
    at_once_ms = world.now_ms() - asked_at_ms
    assert hold(sdk, hold_id="evt_3", wait_ms=5_000)["status"] == 402

    assert at_once_ms == 0 < world.now_ms() - asked_at_ms <= 6_000


def test_a_call_that_comes_through_and_one_that_is_told_share_a_budget(world: World, sdk: Client) -> None:
    hold(sdk, session_budget_usd="0.00076")

    answer = sdk.call({**CALL, "max_tokens": 3_000}, x_agentwatch_session_id="run-1")

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (402, "budget_exhausted")


def test_with_the_ledger_away_the_sdk_decides(world: World, sdk: Client) -> None:
    world.is_ledger_away = True

    answer = sdk.ask("POST", "/v1/holds", TOLD)

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "budget_unavailable")
    assert "retry-after" in answer.headers


STEPS = st.lists(
    st.tuples(st.sampled_from(["hold", "settle", "report", "expire"]), st.integers(0, 3), st.integers(0, 1_000)),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_in_any_order_a_call_is_charged_once_and_nothing_is_overspent(steps: list[tuple[str, int, int]]) -> None:
    world = a_world_with_administrators({"requests_per_minute": 1_000_000})
    sdk = Client(world, an_isolate())
    charged: dict[int, int] = {}
    for what, call, tokens in steps:
        if what == "expire" and world.now_ms() > START_MS + TTL_MS // 2:
            continue  # ids are known for a quarter of an hour
        hold_id = f"evt_{call}"
        if what == "hold":
            hold(sdk, hold_id=hold_id, session_budget_usd="0.002")
        elif what == "expire":
            world.pass_time(TTL_MS)
            sweep(world)
        else:
            path = f"/v1/holds/{hold_id}/settle" if what == "settle" else "/v1/ingest"
            report = {**REPORT, "completion_tokens": tokens, "event_id": hold_id}
            if sdk.ask("POST", path, report).status == 200:
                charged.setdefault(call, 500 * 150 + tokens * 600)
    world.pass_time(TTL_MS + 1_000)
    sweep(world)

    told = {row["request_id"]: row["cost_nanousd"] for row in rows(world) if row["outcome"] != "refused"}
    assert budget(sdk)[1] == 0
    assert told == {f"evt_{call}": cost for call, cost in charged.items()}
