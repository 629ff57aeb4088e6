"""The sink: every record is stored once, a bad one is buried alone, and nothing is done with too early."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from core.ledger.messages import AdmitRequest, SettleRequest, StatusRequest
from core.telemetry import Debt, to_wire
from outside import Answer
from sink import take, tally
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call, a_debt, an_alert
from tests.queue_consumer.scripted_outside import POISON, ScriptedOutside, fault
from tests.support.memory_ports import World
from verdicts import DEBT_DELAY_MAX_S, Buried, Charged, Postponed, Stored, Told, Verdict

WEBHOOK = "https://hooks.example/T1"


def a_text(number: int = 1, **changes: Any) -> str:
    return to_wire(a_call(number, **changes))


ALERT = to_wire(an_alert())


def deliver(texts: Sequence[str | None], outside: ScriptedOutside) -> list[Verdict]:
    return asyncio.run(take(texts, outside))


def test_each_table_gets_one_post() -> None:
    outside = ScriptedOutside()

    verdicts = deliver([a_text(1), to_wire(AUTH), a_text(2), to_wire(ACCESS), to_wire(BUDGET), a_text(3)], outside)

    assert verdicts == [Stored()] * 6
    assert sorted(outside.inserts) == [
        ("api_access_log", 1),
        ("auth_events", 1),
        ("budget_events", 1),
        ("llm_request_logs", 3),
    ]


def test_a_redelivered_record_is_the_same_row() -> None:
    outside = ScriptedOutside()

    deliver([a_text(1), a_text(2)], outside)
    verdicts = deliver([a_text(2), a_text(2), a_text(3)], outside)

    assert verdicts == [Stored()] * 3
    assert len(outside.tables["llm_request_logs"]) == 3


@pytest.mark.parametrize("bad", [(0,), (99,), (50,), (3, 4), (0, 17, 99), range(100)], ids=str)
def test_poison_rows_are_buried_alone(bad: Sequence[int]) -> None:
    outside = ScriptedOutside()
    texts = [a_text(n, project=POISON if n in bad else None) for n in range(100)]

    verdicts = deliver(texts, outside)

    assert [n for n, verdict in enumerate(verdicts) if isinstance(verdict, Buried)] == list(bad)
    assert len(outside.tables["llm_request_logs"]) == 100 - len(bad)
    assert sorted(letter["message"] for letter in outside.buried) == sorted(texts[n] for n in bad)
    assert {letter["reason"] for letter in outside.buried} == {"400 22003 value out of range"}


def test_finding_one_poison_row_in_a_hundred_takes_few_posts() -> None:
    outside = ScriptedOutside()

    deliver([a_text(n, project=POISON if n == 37 else None) for n in range(100)], outside)

    assert len(outside.inserts) <= 15


@pytest.mark.parametrize("text", ["", "nonsense", '{"type":"call"}', None], ids=repr)
def test_what_is_no_message_is_buried_and_the_rest_stored(text: str | None) -> None:
    outside = ScriptedOutside()

    first, second = deliver([text, a_text()], outside)

    assert isinstance(first, Buried)
    assert second == Stored()
    assert outside.buried[0]["message"] == (text or "")


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_a_database_that_refuses_everything_loses_nothing(status: int) -> None:
    outside = ScriptedOutside(refusal=Answer(status, "{}"))

    verdicts = deliver([a_text(1), a_text(2)], outside)

    assert all(isinstance(verdict, Postponed) for verdict in verdicts)
    assert outside.buried == []


def test_a_schema_older_than_the_worker_postpones_instead_of_burying() -> None:
    outside = ScriptedOutside(refusal=fault(400, "PGRST204", "no column image_output_tokens"))

    verdicts = deliver([a_text(1), a_text(2)], outside)

    assert verdicts == [Postponed("400 PGRST204 no column image_output_tokens")] * 2


def test_an_unreachable_database_postpones() -> None:
    verdicts = deliver([a_text(), ALERT], ScriptedOutside(is_database_away=True))

    assert verdicts == [Postponed("the database did not answer")] * 2


def test_a_stranger_that_answers_two_hundred_is_not_taken_for_the_database() -> None:
    outside = ScriptedOutside(refusal=Answer(200, "<html>Parked domain</html>"))

    (verdict,) = deliver([a_text()], outside)

    assert isinstance(verdict, Postponed)


def test_a_poison_row_whose_burial_fails_is_kept() -> None:
    outside = ScriptedOutside(is_grave_away=True)

    good, bad = deliver([a_text(1), a_text(2, project=POISON)], outside)

    assert good == Stored()
    assert bad == Postponed("the dead-letter queue did not answer")


def test_one_tables_trouble_does_not_hold_up_another() -> None:
    outside = ScriptedOutside()

    bad, good = deliver([a_text(project=POISON), to_wire(AUTH)], outside)

    assert isinstance(bad, Buried)
    assert good == Stored()


def test_an_alert_is_told_once_however_often_it_is_delivered() -> None:
    outside = ScriptedOutside(configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'})

    first = deliver([ALERT], outside)
    again = deliver([ALERT], outside)

    assert (first, again) == ([Told("sent")], [Told("already told")])
    assert [url for url, _ in outside.told] == [WEBHOOK]


def test_the_same_alert_twice_in_a_batch_is_told_once() -> None:
    outside = ScriptedOutside(configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'})

    deliver([ALERT, ALERT], outside)

    assert len(outside.told) == 1


@pytest.mark.parametrize("document", [None, "{}", "broken", '{"slack_webhook_url":"javascript:0"}'])
def test_an_alert_of_a_tenant_without_a_webhook_is_recorded(document: str | None) -> None:
    outside = ScriptedOutside(configs={} if document is None else {"acme": document})

    assert deliver([ALERT], outside) == [Told("no_webhook")]
    assert outside.dispatches == {("acme", "alert", "anomaly:s1"): "no_webhook"}


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_an_alert_that_slack_does_not_take_now_is_told_by_the_next_delivery(status: int) -> None:
    outside = ScriptedOutside(
        configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'},
        webhook_answers=[Answer(status, "")],
    )

    first = deliver([ALERT], outside)
    again = deliver([ALERT], outside)

    assert first == [Postponed("the webhook did not take it")]
    assert again == [Told("sent")]


def test_a_webhook_that_is_gone_is_not_tried_for_ever() -> None:
    outside = ScriptedOutside(
        configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'},
        webhook_answers=[Answer(404, "no_service")],
    )

    assert deliver([ALERT], outside) == [Told("refused with status 404")]


def spent_nanousd(world: World) -> int:
    request = StatusRequest(include_tenant=True)
    spent: int = world.ledger_of("acme").service.status(request, world.now_ms()).accounts[0].spent_nanousd
    return spent


LATE = Debt(tenant="acme", charge=SettleRequest(hold_id="rsv_2", actual_nanousd=5))


def test_a_debt_delivered_twice_is_charged_once() -> None:
    world = World()

    verdicts = deliver([to_wire(a_debt()), to_wire(a_debt())], ScriptedOutside(ledgers=world.ledger_of))

    assert verdicts == [Charged(), Charged()]
    assert spent_nanousd(world) == 21_000


def test_a_late_settlement_ends_its_hold() -> None:
    world = World()
    hold = AdmitRequest(hold_id="rsv_2", want_nanousd=9, least_nanousd=9, floor_nanousd=1, ttl_ms=60_000)
    world.ledger_of("acme").service.admit(hold, world.now_ms())

    assert deliver([to_wire(LATE)], ScriptedOutside(ledgers=world.ledger_of)) == [Charged()]
    assert spent_nanousd(world) == 5


def test_a_debt_waits_for_a_ledger_that_is_away_while_the_rest_is_stored() -> None:
    verdicts = deliver([to_wire(a_debt()), a_text()], ScriptedOutside())

    assert verdicts == [Postponed("the ledger did not answer", DEBT_DELAY_MAX_S), Stored()]


def test_a_fault_with_one_message_does_not_undo_another() -> None:
    def break_for_other(tenant: str) -> Any:
        return {"acme": World().ledger_of("acme")}[tenant]

    other = msgspec.structs.replace(a_debt(), tenant="other")
    verdicts = deliver([to_wire(a_debt()), to_wire(other), a_text()], ScriptedOutside(ledgers=break_for_other))

    assert verdicts == [Charged(), Postponed("fault: KeyError", DEBT_DELAY_MAX_S), Stored()]


def test_a_debt_that_the_ledger_refuses_is_buried_with_its_reason() -> None:
    outside = ScriptedOutside(ledgers=World().ledger_of)

    (verdict,) = deliver([to_wire(LATE)], outside)

    assert isinstance(verdict, Buried)
    assert verdict.reason.startswith("the ledger refuses the charge: ")
    assert outside.buried == [{"reason": verdict.reason, "message": to_wire(LATE)}]


def test_a_batch_is_one_line_of_numbers() -> None:
    verdicts = [Stored(), Stored(), Buried("bad"), Postponed("away"), Postponed("away")]

    assert msgspec.json.decode(msgspec.json.encode(tally(verdicts))) == {
        "messages": 5,
        "stored": 2,
        "buried": 1,
        "postponed": 2,
        "reasons": ["away", "bad"],
    }
