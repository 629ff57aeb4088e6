"""Many reports at once: each is judged by itself, compressed or not, and none is lost or charged twice for another."""

import gzip
import json
from typing import Any

import pytest

from tests.support.api_client import Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import START_MS, World

REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 1_000, "completion_tokens": 100, "latency_ms": 5}
COST_NANOUSD = 1_000 * 150 + 100 * 600
DAY_MS = 24 * 3_600_000


@pytest.fixture
def world() -> World:
    return a_world_with_administrators({"requests_per_minute": 1_000})


@pytest.fixture
def sdk(world: World) -> Client:
    return Client(world, an_isolate())


def reports(count: int, **changes: Any) -> list[Any]:
    return [{**REPORT, "event_id": f"evt_{number}", "session_id": "s", **changes} for number in range(count)]


def send(sdk: Client, batch: list[Any]) -> Any:
    answer = sdk.ask("POST", "/v1/ingest", {"reports": batch})
    return answer.status, json.loads(answer.body)


def rows(world: World) -> list[Any]:
    return [record for record in world.records if record["type"] == "call"]


def spent(sdk: Client) -> int:
    return round(sdk.read("/v1/budget-check?session_id=s")["spent_usd"] * 1e9)


def test_all_of_a_batch_are_charged_by_one_question(world: World, sdk: Client) -> None:
    sdk.ask("POST", "/v1/ingest", {"reports": []})  # by now its tenant is known
    before = world.ledger_calls

    assert send(sdk, reports(50)) == (200, {"accepted": 50, "refused": []})
    assert world.ledger_calls == before + 1
    assert spent(sdk) == 50 * COST_NANOUSD
    assert [row["request_id"] for row in rows(world)] == [f"evt_{number}" for number in range(50)]


def test_sent_again_a_batch_is_charged_once_and_its_rows_are_the_same(world: World, sdk: Client) -> None:
    send(sdk, reports(3))
    world.pass_time(5_000)

    assert send(sdk, reports(3)) == (200, {"accepted": 3, "refused": []})
    assert spent(sdk) == 3 * COST_NANOUSD
    assert len({(row["request_id"], row["started_at_ms"]) for row in rows(world)}) == 3


POISON = [
    ({"model": None}, "model"),
    ({"prompt_tokens": -1}, "prompt_tokens"),
    ({"prompt_tokens": 10**9}, "prompt_tokens"),
    ({"session_id": "a b"}, "session_id"),
    ({"event_id": "rsv_1"}, "event_id"),
    ({"outcome": "splendid"}, "outcome"),
    ({"attempts": 0}, "attempts"),
]


@pytest.mark.parametrize(("changes", "field"), POISON, ids=str)
def test_a_report_that_is_wrong_is_named_and_takes_no_other_with_it(
    world: World, sdk: Client, changes: Any, field: str
) -> None:
    batch = reports(3)
    batch[1] |= changes

    status, answer = send(sdk, batch)

    (refused,) = answer["refused"]
    assert (status, answer["accepted"]) == (200, 2)
    assert (refused["index"], refused["event_id"], refused["error"]["param"]) == (1, batch[1]["event_id"], field)
    assert not refused["retryable"]
    assert [row["request_id"] for row in rows(world)] == ["evt_0", "evt_2"]


@pytest.mark.parametrize("poison", [None, 1, "x", [], {}], ids=str)
def test_what_is_no_report_is_named_by_its_place(sdk: Client, poison: Any) -> None:
    status, answer = send(sdk, [poison, *reports(1)])

    assert (status, answer["accepted"], [each["index"] for each in answer["refused"]]) == (200, 1, [0])


def test_beyond_the_request_rate_the_rest_may_come_again(sdk: Client) -> None:
    sdk = Client(a_world_with_administrators({"requests_per_minute": 10}), an_isolate())

    status, answer = send(sdk, reports(30))

    assert (status, 0 < answer["accepted"] < 30) == (200, True)
    assert {each["retryable"] for each in answer["refused"]} == {True}
    assert sdk.ask("POST", "/v1/ingest", {"reports": reports(20, session_id="t")[10:]}).status == 429


def test_with_the_ledger_away_nothing_is_taken(world: World, sdk: Client) -> None:
    world.is_ledger_away = True

    assert sdk.ask("POST", "/v1/ingest", {"reports": reports(3)}).status == 503
    assert rows(world) == []


def test_more_than_five_hundred_are_refused(sdk: Client) -> None:
    answer = sdk.ask("POST", "/v1/ingest", {"reports": reports(501)})

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "reports")


@pytest.mark.parametrize("body", [{"reports": reports(20)}, reports(1)[0]], ids=["batch", "one"])
def test_reports_may_be_compressed(world: World, sdk: Client, body: Any) -> None:
    answer = sdk.ask("POST", "/v1/ingest", gzip.compress(json.dumps(body).encode()), content_encoding="gzip")

    assert answer.status == 200
    assert rows(world)


TWO = gzip.compress(b"{}")
NO_GZIPS = [
    (b"no gzip", 400),
    (b"", 400),
    (TWO[:-4], 400),
    (TWO + TWO, 400),
    (gzip.compress(b" " * 50_000_000), 413),
]


@pytest.mark.parametrize(("body", "status"), NO_GZIPS, ids=["none", "empty", "half", "two", "bomb"])
def test_what_cannot_be_unpacked_within_bounds_is_refused(sdk: Client, body: bytes, status: int) -> None:
    assert sdk.ask("POST", "/v1/ingest", body, content_encoding="gzip").status == status


def test_other_routes_of_ours_take_compressed_bodies_as_well(sdk: Client) -> None:
    answer = sdk.ask("POST", "/v1/holds", gzip.compress(b'{"hold_id": 1}'), content_encoding="gzip")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "hold_id")


def test_a_report_says_how_its_call_went(world: World, sdk: Client) -> None:
    told = {"outcome": "client_disconnected", "status": 200, "is_streaming": True, "is_estimated": True, "ttfb_ms": 120.5,
            "error_code": "left", "dialect": "openai_chat", "started_at_ms": START_MS - 60_000}  # fmt: skip

    send(sdk, reports(1, **told))

    (row,) = rows(world)
    assert {name: row[name] for name in told} == told


@pytest.mark.parametrize("wrong_ms", [-DAY_MS - 1, 3_600_000])
def test_a_clock_that_cannot_be_right_is_not_believed(world: World, sdk: Client, wrong_ms: int) -> None:
    send(sdk, reports(1, started_at_ms=START_MS + wrong_ms))

    assert rows(world)[0]["started_at_ms"] == world.now_ms()
