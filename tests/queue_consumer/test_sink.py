"""The sink: every record is stored once, a bad one is buried alone, and nothing is done with too early."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from core.ledger.messages import AdmitRequest, SettleRequest, StatusRequest
from core.telemetry import Debt, to_wire
from services import Answer
from sink import take, tally
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call, a_debt, an_alert
from tests.queue_consumer.scripted_services import POISON, ScriptedServices, fault
from tests.support.memory_ports import World
from verdicts import DEBT_DELAY_MAX_S, Buried, Charged, Postponed, Stored, Told, Verdict

WEBHOOK = "https://hooks.example/T1"


def a_text(number: int = 1, **changes: Any) -> str:
    return to_wire(a_call(number, **changes))


ALERT = to_wire(an_alert())


def deliver(texts: Sequence[str | None], services: ScriptedServices) -> list[Verdict]:
    return asyncio.run(take(texts, services))


def test_each_table_gets_one_post() -> None:
    services = ScriptedServices()

    verdicts = deliver([a_text(1), to_wire(AUTH), a_text(2), to_wire(ACCESS), to_wire(BUDGET), a_text(3)], services)

    assert verdicts == [Stored()] * 6
    assert sorted(services.inserts) == [
        ("api_access_log", 1),
        ("auth_events", 1),
        ("budget_events", 1),
        ("llm_request_logs", 3),
    ]


def test_a_redelivered_record_is_the_same_row() -> None:
    services = ScriptedServices()

    deliver([a_text(1), a_text(2)], services)
    verdicts = deliver([a_text(2), a_text(2), a_text(3)], services)

    assert verdicts == [Stored()] * 3
    assert len(services.tables["llm_request_logs"]) == 3


@pytest.mark.parametrize("bad", [(0,), (99,), (50,), (3, 4), (0, 17, 99), range(100)], ids=str)
def test_poison_rows_are_buried_alone(bad: Sequence[int]) -> None:
    services = ScriptedServices()
    texts = [a_text(n, project=POISON if n in bad else None) for n in range(100)]

    verdicts = deliver(texts, services)

    assert [n for n, verdict in enumerate(verdicts) if isinstance(verdict, Buried)] == list(bad)
    assert len(services.tables["llm_request_logs"]) == 100 - len(bad)
    assert sorted(letter["message"] for letter in services.buried) == sorted(texts[n] for n in bad)
    assert {letter["reason"] for letter in services.buried} == {"400 22003 value out of range"}


def test_finding_one_poison_row_in_a_hundred_takes_few_posts() -> None:
    services = ScriptedServices()

    deliver([a_text(n, project=POISON if n == 37 else None) for n in range(100)], services)

    assert len(services.inserts) <= 15


def test_of_two_halves_the_second_is_known_to_be_at_fault_where_the_first_is_taken() -> None:
    services = ScriptedServices()

    deliver([a_text(n, project=POISON if n == 3 else None) for n in range(4)], services)

    assert [rows for _, rows in services.inserts] == [4, 2, 1, 1]


def test_a_database_that_does_not_answer_is_not_asked_again_by_the_same_batch() -> None:
    services = ScriptedServices(troubles=["none", "away"])

    verdicts = deliver([a_text(n, project=POISON if n == 3 else None) for n in range(8)], services)

    assert verdicts == [Postponed("the database did not answer")] * 8
    assert [rows for _, rows in services.inserts] == [8]


@pytest.mark.parametrize("text", ["", "nonsense", '{"type":"call"}', None], ids=repr)
def test_what_is_no_message_is_buried_and_the_rest_stored(text: str | None) -> None:
    services = ScriptedServices()

    first, second = deliver([text, a_text()], services)

    assert isinstance(first, Buried)
    assert second == Stored()
    assert services.buried[0]["message"] == (text or "")


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_a_database_that_refuses_everything_loses_nothing(status: int) -> None:
    services = ScriptedServices(refusal=Answer(status, "{}"))

    verdicts = deliver([a_text(1), a_text(2)], services)

    assert all(isinstance(verdict, Postponed) for verdict in verdicts)
    assert services.buried == []


def test_a_schema_older_than_the_worker_postpones_instead_of_burying() -> None:
    services = ScriptedServices(refusal=fault(400, "PGRST204", "no column image_output_tokens"))

    verdicts = deliver([a_text(1), a_text(2)], services)

    assert verdicts == [Postponed("400 PGRST204 no column image_output_tokens")] * 2


def test_an_unreachable_database_postpones() -> None:
    verdicts = deliver([a_text(), ALERT], ScriptedServices(is_database_away=True))

    assert verdicts == [Postponed("the database did not answer")] * 2


def test_a_stranger_that_answers_two_hundred_is_not_taken_for_the_database() -> None:
    services = ScriptedServices(refusal=Answer(200, "<html>Parked domain</html>"))

    (verdict,) = deliver([a_text()], services)

    assert isinstance(verdict, Postponed)


def test_a_poison_row_whose_burial_fails_is_kept() -> None:
    services = ScriptedServices(is_grave_away=True)

    good, bad = deliver([a_text(1), a_text(2, project=POISON)], services)

    assert good == Stored()
    assert bad == Postponed("the dead-letter queue did not answer")


def test_one_tables_trouble_does_not_hold_up_another() -> None:
    services = ScriptedServices()

    bad, good = deliver([a_text(project=POISON), to_wire(AUTH)], services)

    assert isinstance(bad, Buried)
    assert good == Stored()


def test_an_alert_is_told_once_however_often_it_is_delivered() -> None:
    services = ScriptedServices(configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'})

    first = deliver([ALERT], services)
    again = deliver([ALERT], services)

    assert (first, again) == ([Told("sent")], [Told("already told")])
    assert [url for url, _ in services.told] == [WEBHOOK]


def test_the_same_alert_twice_in_a_batch_is_told_once() -> None:
    services = ScriptedServices(configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'})

    deliver([ALERT, ALERT], services)

    assert len(services.told) == 1


@pytest.mark.parametrize("document", [None, "{}", "broken"])
def test_an_alert_of_a_tenant_without_a_webhook_is_recorded(document: str | None) -> None:
    services = ScriptedServices(configs={} if document is None else {"acme": document})

    assert deliver([ALERT], services) == [Told("no_webhook")]
    assert services.dispatches == {("acme", "alert", "anomaly:s1"): "no_webhook"}


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_an_alert_that_slack_does_not_take_now_is_told_by_the_next_delivery(status: int) -> None:
    services = ScriptedServices(
        configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'},
        webhook_answers=[Answer(status, "")],
    )

    first = deliver([ALERT], services)
    again = deliver([ALERT], services)

    assert first == [Postponed(f"the webhook did not {'take it' if status else 'answer'}")]
    assert again == [Told("sent")]


def test_a_webhook_that_is_gone_is_not_tried_for_ever() -> None:
    services = ScriptedServices(
        configs={"acme": f'{{"slack_webhook_url":"{WEBHOOK}"}}'},
        webhook_answers=[Answer(404, "no_service")],
    )

    assert deliver([ALERT], services) == [Told("unusable receiver: it answers with status 404")]


def spent_nanousd(world: World) -> int:
    request = StatusRequest(include_tenant=True)
    spent: int = world.ledger_of("acme").service.status(request, world.now_ms()).accounts[0].spent_nanousd
    return spent


def holding(world: World) -> World:
    hold = AdmitRequest(hold_id="rsv_2", want_nanousd=9, least_nanousd=9, floor_nanousd=1, ttl_ms=60_000)
    world.ledger_of("acme").service.admit(hold, world.now_ms())
    return world


LATE = Debt(tenant="acme", charge=SettleRequest(hold_id="rsv_2", actual_nanousd=5))


def test_a_debt_delivered_twice_is_charged_once() -> None:
    world = World()

    verdicts = deliver([to_wire(a_debt()), to_wire(a_debt())], ScriptedServices(ledgers=world.ledger_of))

    assert verdicts == [Charged(), Charged()]
    assert spent_nanousd(world) == 21_000


def test_a_late_settlement_ends_its_hold() -> None:
    world = holding(World())

    assert deliver([to_wire(LATE)], ScriptedServices(ledgers=world.ledger_of)) == [Charged()]
    assert spent_nanousd(world) == 5


def test_a_debt_waits_for_a_ledger_that_is_away_while_the_rest_is_stored() -> None:
    verdicts = deliver([to_wire(a_debt()), a_text()], ScriptedServices())

    assert verdicts == [Postponed("the ledger did not answer", DEBT_DELAY_MAX_S), Stored()]


def test_a_fault_with_one_message_does_not_undo_another() -> None:
    def break_for_other(tenant: str) -> Any:
        return {"acme": World().ledger_of("acme")}[tenant]

    other = msgspec.structs.replace(a_debt(), tenant="other")
    verdicts = deliver([to_wire(a_debt()), to_wire(other), a_text()], ScriptedServices(ledgers=break_for_other))

    assert verdicts == [Charged(), Postponed("fault: KeyError", DEBT_DELAY_MAX_S), Stored()]


def test_a_debt_that_the_ledger_refuses_is_buried_with_its_reason() -> None:
    services = ScriptedServices(ledgers=World().ledger_of)

    (verdict,) = deliver([to_wire(LATE)], services)

    assert isinstance(verdict, Buried)
    assert verdict.reason.startswith("the ledger refuses the charge: ")
    assert services.buried == [{"reason": verdict.reason, "message": to_wire(LATE)}]


def late_with(record: bytes) -> str:
    return to_wire(Debt(tenant="acme", charge=msgspec.structs.replace(LATE.charge, record=msgspec.Raw(record))))


LATE_CALL = late_with(to_wire(a_call()).encode())


def test_a_debt_that_the_ledger_takes_leaves_the_record_to_its_journal() -> None:
    services = ScriptedServices(ledgers=holding(World()).ledger_of)

    assert deliver([LATE_CALL], services) == [Charged()]
    assert services.inserts == []


def test_the_call_of_a_debt_that_the_ledger_refuses_is_a_row_all_the_same() -> None:
    services = ScriptedServices(ledgers=World().ledger_of)

    (verdict,) = deliver([LATE_CALL], services)

    assert isinstance(verdict, Buried)
    assert (verdict.letters, verdict.rows) == (1, 1)
    assert [letter["message"] for letter in services.buried] == [LATE_CALL]
    assert [row["request_id"] for row in services.tables["llm_request_logs"].values()] == ["req_1"]


def test_a_refused_debt_is_not_done_with_before_its_call_is_a_row() -> None:
    services = ScriptedServices(ledgers=World().ledger_of, troubles=["none", "away"])

    first, again = deliver([LATE_CALL], services), deliver([LATE_CALL], services)

    assert first == [Postponed("the database did not answer", DEBT_DELAY_MAX_S)]
    assert isinstance(again[0], Buried)
    assert len(services.tables["llm_request_logs"]) == 1
    assert len({letter["message"] for letter in services.buried}) == 1


def test_a_refused_debt_with_a_call_that_the_database_refuses_is_two_letters() -> None:
    services = ScriptedServices(ledgers=World().ledger_of)
    poison = to_wire(a_call(project=POISON))

    (verdict,) = deliver([late_with(poison.encode())], services)

    assert isinstance(verdict, Buried)
    assert [letter["message"] for letter in services.buried] == [late_with(poison.encode()), poison]


@pytest.mark.parametrize("record", [b'{"type":"call"}', to_wire(AUTH).encode(), b"7"], ids=repr)
def test_a_refused_debt_whose_record_is_no_call_is_one_letter(record: bytes) -> None:
    services = ScriptedServices(ledgers=World().ledger_of)

    (verdict,) = deliver([late_with(record)], services)

    assert isinstance(verdict, Buried)
    assert [letter["message"] for letter in services.buried] == [late_with(record)]


def test_a_batch_is_one_line_of_numbers() -> None:
    verdicts = [
        Stored(),
        Stored(80),
        Told("sent"),
        Told("refused with status 400"),
        Buried("bad"),
        Buried("bad", letters=2, rows=78),
        *[Postponed("away")] * 2,
    ]

    assert msgspec.json.decode(msgspec.json.encode(tally(verdicts))) == {
        "messages": 8,
        "stored": 2,
        "told": 2,
        "buried": 2,
        "postponed": 2,
        "rows": 159,
        "letters": 3,
        "reasons": ["away", "bad", "refused with status 400"],
    }
