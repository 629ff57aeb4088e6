"""AgentWatch's own API over HTTP: reports are charged once, budgets steered by administrators, faults named."""

import json
from typing import Any

import pytest

from isolate import Isolate
from tests.support.api_client import ADMIN, CALL, CHAT, OTHER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import START_MS, TOKEN, World

REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
REPORT_NANOUSD = 100 * 150 + 10 * 600


@pytest.fixture
def world() -> World:
    return a_world_with_administrators()


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


@pytest.fixture
def member(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate, TOKEN)


@pytest.fixture
def admin(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate, ADMIN)


def calls_recorded(world: World) -> list[tuple[str, int]]:
    return [(record["request_id"], record["started_at_ms"]) for record in world.records if record["type"] == "call"]


# Reports --------------------------------------------------------------------------------------------------


def test_a_report_sent_again_minutes_later_is_the_same_row_charged_once(world: World, member: Client) -> None:
    for _ in range(3):
        assert member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1", "session_id": "s"}).body == b"Success"
        world.pass_time(240_000)

    assert set(calls_recorded(world)) == {("e1", START_MS)}
    assert member.read("/v1/budget-check?session_id=s")["spent_usd"] == REPORT_NANOUSD / 1e9


def test_a_report_whose_first_record_was_lost_is_told_by_its_repeat(world: World, member: Client) -> None:
    world.is_queue_away = True
    member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1"})
    world.ledgers["acme"].outbox.clear()

    world.is_queue_away = False
    member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1"})

    assert calls_recorded(world) == [("e1", START_MS)]


def test_another_report_under_the_same_event_id_is_refused(member: Client) -> None:
    member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1"})

    answer = member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1", "completion_tokens": 11})

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "event_id")


def test_a_report_while_the_ledger_is_away_is_to_be_sent_again(world: World, member: Client) -> None:
    world.is_ledger_away = True

    answer = member.ask("POST", "/v1/ingest", {**REPORT, "event_id": "e1"})

    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert calls_recorded(world) == []


BAD_REPORTS = [
    ({"prompt_tokens": -1}, "prompt_tokens"),
    ({"prompt_tokens": 1.5}, "prompt_tokens"),
    ({"completion_tokens": 10**12}, "completion_tokens"),
    ({"latency_ms": -1}, "latency_ms"),
    ({"model": ""}, "model"),
    ({"session_id": "a b"}, "session_id"),
    ({"event_id": "x" * 257}, "event_id"),
    ({"team": ""}, "team"),
    ({"identified_risks": "PII"}, "identified_risks"),
]


@pytest.mark.parametrize(("change", "field"), BAD_REPORTS, ids=str)
def test_a_wrong_report_is_refused_by_the_field_s_name(member: Client, change: Any, field: str) -> None:
    answer = member.ask("POST", "/v1/ingest", {**REPORT, **change})

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, field)


def test_a_page_of_sessions_begins_after_an_id_of_bounded_length(member: Client) -> None:
    answer = member.ask("GET", f"/v1/sessions?after={'x' * 300}")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "after")


# Budgets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", ["day", "month", "total"])
def test_a_tenant_s_budget_stops_its_calls_in_every_window(admin: Client, window: str) -> None:
    admin.put("/v1/budget", {"limit_usd": "0.00000001", "window": window})

    refused = admin.ask("POST", CHAT, CALL)

    assert refused.status == 402
    assert json.loads(refused.body)["error"]["window"] == window


def test_a_team_s_budget_stops_the_team_alone(member: Client, admin: Client) -> None:
    admin.put("/v1/teams/search/budget", {"limit_usd": "0.00000001"})

    assert member.ask("POST", CHAT, CALL).status == 402
    assert admin.ask("POST", CHAT, CALL).status != 402


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/teams/search/budget"])
def test_a_budget_that_only_warns_stops_nobody(member: Client, admin: Client, path: str) -> None:
    admin.put(path, {"limit_usd": "0.00000001", "hard": False})

    assert member.ask("POST", CHAT, CALL).status != 402


def test_a_session_whose_limit_only_warns_is_not_exceeded(member: Client, admin: Client) -> None:
    member.ask("POST", "/v1/ingest", {**REPORT, "session_id": "s"})
    admin.put("/v1/sessions/s", {"limit_usd": "0.00000001", "hard": False})

    assert not member.read("/v1/budget-check?session_id=s")["exceeded"]


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/teams/search/budget"])
def test_a_pause_stops_every_call_until_it_is_lifted(member: Client, admin: Client, path: str) -> None:
    admin.put(path, {"paused": True})
    paused = member.ask("POST", CHAT, CALL)
    admin.put(path, {"paused": False})

    assert json.loads(paused.body)["error"]["code"] == "scope_paused"
    assert member.ask("POST", CHAT, CALL).status != 402


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/teams/search/budget", "/v1/sessions/s"])
def test_a_budget_shows_all_that_was_set(admin: Client, path: str) -> None:
    admin.put(path, {"limit_usd": "12.50", "alert_percent": 50, "hard": False, "paused": True})

    accounts = admin.read(path)["accounts"]
    (account,) = (each for each in accounts if each["window"] in ("month", "session"))

    assert (account["limit_usd"], account["alert_percent"], account["hard"], account["paused"]) == (
        "12.5",
        50,
        False,
        True,
    )


def test_a_reset_forgets_what_was_spent_and_keeps_the_limit(member: Client, admin: Client) -> None:
    member.ask("POST", "/v1/ingest", {**REPORT, "session_id": "s"})
    admin.put("/v1/sessions/s", {"limit_usd": "1"})

    admin.put("/v1/sessions/s", {"reset": True})

    check = member.read("/v1/budget-check?session_id=s")
    assert (check["spent_usd"], check["limit_usd"]) == (0, 1)


def test_null_takes_a_limit_away(admin: Client) -> None:
    admin.put("/v1/teams/search/budget", {"limit_usd": "1"})
    admin.put("/v1/teams/search/budget", {"limit_usd": None})

    assert admin.read("/v1/teams/search/budget")["accounts"][0]["limit_usd"] is None


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/teams/search/budget", "/v1/sessions/s"])
def test_a_member_may_look_at_a_budget_and_not_change_it(member: Client, path: str) -> None:
    assert member.ask("GET", path).status == 200
    assert member.put(path, {"limit_usd": "1"})["code"] == "not_permitted"


def test_an_administrator_steers_its_own_tenant_alone(world: World, isolate: Isolate, admin: Client) -> None:
    other = Client(world, isolate, OTHER)
    for path in ("/v1/budget", "/v1/teams/search/budget", "/v1/sessions/s"):
        other.put(path, {"limit_usd": "1", "paused": True})

        account = admin.read(path)["accounts"][0]
        assert (account["limit_usd"], account["paused"]) == (None, False)


BAD_CHANGES = [
    ({"limit_usd": 5}, "limit_usd"),
    ({"limit_usd": "-1"}, "limit_usd"),
    ({"limit_usd": "0"}, "limit_usd"),
    ({"limit_usd": "nan"}, "limit_usd"),
    ({"limit_usd": "1e400"}, "limit_usd"),
    ({"paused": "yes"}, "paused"),
    ({"hard": 1}, "hard"),
    ({"alert_percent": 0}, "alert_percent"),
    ({"alert_percent": 101}, "alert_percent"),
    ({"reset": "now"}, "reset"),
    ({"limit_usd": "1", "window": "week"}, "window"),
    ({"limit_usd": "1", "window": "session"}, "window"),
    ({"limit": "1"}, "limit"),
]


@pytest.mark.parametrize(("body", "field"), BAD_CHANGES, ids=str)
def test_a_wrong_change_is_refused_by_the_field_s_name(admin: Client, body: Any, field: str) -> None:
    error = admin.put("/v1/budget", body)

    assert (error["code"], error["param"]) == ("invalid_request", field)


@pytest.mark.parametrize("body", [{}, {"window": "day"}])
def test_a_change_that_changes_nothing_is_refused(admin: Client, body: Any) -> None:
    assert "nothing to change" in admin.put("/v1/budget", body)["message"]


def test_a_wrong_change_does_nothing_at_all(admin: Client) -> None:
    admin.put("/v1/budget", {"paused": True, "alert_percent": 0})

    assert not any(account["paused"] for account in admin.read("/v1/budget")["accounts"])


@pytest.mark.parametrize("team", ["", "x" * 129])
def test_a_team_s_name_is_bounded(admin: Client, team: str) -> None:
    assert admin.put(f"/v1/teams/{team}/budget", {"limit_usd": "1"})["param"] == "team"


def test_a_session_s_id_is_checked_as_everywhere(admin: Client) -> None:
    assert admin.put("/v1/sessions/a%20b", {"limit_usd": "1"})["param"] == "session_id"
