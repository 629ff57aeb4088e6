"""The sink's promises, held by the scripted database and by the real one alike."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
import pytest

from core.telemetry import to_wire
from dead_letters import keep, replay
from services import Services
from sink import take
from tests.database.rest_services import RestServices
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call, a_journal, an_alert, an_entry
from tests.queue_consumer.scripted_services import POISON, ScriptedServices
from verdicts import Buried, Postponed, Stored, Told, Verdict

pytestmark = pytest.mark.stack

CONFIG = '{"slack_webhook_url":"https://hooks.example/T1"}'


@pytest.fixture(params=["scripted", "real"])
def either(request: pytest.FixtureRequest) -> Any:
    """Both worlds refuse a row whose project is POISON."""
    if request.param == "scripted":
        return ScriptedServices(configs={"acme": CONFIG})
    sql: psycopg.Connection = request.getfixturevalue("sql")
    services: RestServices = request.getfixturevalue("services")
    services.configs["acme"] = CONFIG
    sql.execute(f"alter table llm_request_logs add constraint no_poison check (project <> '{POISON}')")
    request.addfinalizer(lambda: _drop_constraint(sql.info.dsn))
    return services


def _drop_constraint(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("alter table llm_request_logs drop constraint no_poison")


def deliver(texts: Sequence[str], services: Services) -> list[Verdict]:
    return asyncio.run(take(texts, services))


def test_every_kind_of_record_is_stored(either: Services) -> None:
    texts = [to_wire(message) for message in (a_call(), AUTH, ACCESS, BUDGET)]

    assert deliver(texts, either) == [Stored()] * 4


def test_a_redelivery_is_stored_already(either: Services) -> None:
    texts = [to_wire(message) for message in (a_call(), AUTH, ACCESS, BUDGET)]
    deliver(texts, either)

    assert deliver(texts + texts, either) == [Stored()] * 8


def test_a_poison_row_is_buried_alone(either: Any) -> None:
    texts = [to_wire(a_call(n, project=POISON if n == 3 else None)) for n in range(20)]

    verdicts = deliver(texts, either)

    assert [n for n, verdict in enumerate(verdicts) if verdict != Stored()] == [3]
    assert isinstance(verdicts[3], Buried)
    assert len(either.buried) == 1


def test_each_entry_of_a_journal_is_a_row(either: Services) -> None:
    text = a_journal(*[an_entry(a_call(n)) for n in range(20)])

    assert deliver([text, text, to_wire(a_call(3))], either) == [Stored(20), Stored(20), Stored()]


def test_a_poison_entry_of_a_journal_is_buried_alone(either: Any) -> None:
    calls = [a_call(n, project=POISON if n == 3 else None) for n in range(20)]
    text = a_journal(*map(an_entry, calls), msgspec.Raw(b"{}"))

    (verdict,) = deliver([text], either)

    assert isinstance(verdict, Buried)
    assert (verdict.letters, verdict.rows) == (2, 19)
    assert len(either.buried) == 2


def test_an_alert_is_told_once(either: Any) -> None:
    text = to_wire(an_alert())

    first, again = deliver([text], either), deliver([text], either)

    assert (first, again) == ([Told("sent")], [Told("already told")])
    assert len(either.told) == 1


# Only the real one can show these --------------------------------------------------------------


def test_each_record_is_one_row_after_redelivery(services: RestServices, sql: psycopg.Connection) -> None:
    texts = [to_wire(a_call(n)) for n in range(100)]

    deliver(texts, services)
    deliver([*texts[50:], to_wire(a_call(100))], services)

    assert sql.execute("select count(*), count(distinct request_id) from llm_request_logs").fetchone() == (101, 101)


def test_each_call_of_a_journal_is_one_row_after_redelivery(services: RestServices, sql: psycopg.Connection) -> None:
    texts = [a_journal(*[an_entry(a_call(80 * n + each)) for each in range(80)]) for n in range(25)]

    assert deliver([*texts, *texts[:10], to_wire(a_call(0))], services) == [*[Stored(80)] * 35, Stored()]

    assert sql.execute("select count(*), count(distinct request_id) from llm_request_logs").fetchone() == (2_000, 2_000)


def test_a_row_has_what_only_the_ledger_knew(services: RestServices, sql: psycopg.Connection) -> None:
    deliver([a_journal(an_entry(a_call(), overrun_nanousd=7, cumulative_tokens=900, session_id="s1"))], services)

    row = sql.execute("select overrun_nanousd, cumulative_tokens, session_id from llm_request_logs").fetchone()
    assert row == (7, 900, "s1")


def test_a_letter_out_of_a_journal_is_kept_once_and_replayed(services: RestServices, sql: psycopg.Connection) -> None:
    sql.execute("alter table llm_request_logs add constraint no_agent check (agent is null) not valid")
    text = a_journal(an_entry(a_call(1)), an_entry(a_call(2, agent="refused")), msgspec.Raw(b'{"from":"the future"}'))
    deliver([text], services)
    deliver([text], services)
    sql.execute("alter table llm_request_logs drop constraint no_agent")

    asyncio.run(keep(services.buried, services))
    kept = sql.execute("update dead_letters set replay_requested_at = now() returning message").fetchall()
    asyncio.run(replay(services))

    assert len(kept) == 2
    assert sql.execute("select request_id from llm_request_logs order by 1").fetchall() == [("req_1",), ("req_2",)]
    results = sql.execute("select message, result from dead_letters where result <> 'stored'").fetchall()
    assert [message for message, _ in results] == [a_journal(msgspec.Raw(b'{"from":"the future"}'))]
    assert results[0][1].startswith("buried again: ")


def test_attempts_of_one_request_are_rows_of_their_own(services: RestServices, sql: psycopg.Connection) -> None:
    deliver([to_wire(a_call(attempt=n)) for n in (1, 2, 3)], services)

    assert sql.execute("select attempt from llm_request_logs order by 1").fetchall() == [
        (1,),
        (2,),
        (3,),
    ]


def test_a_stored_row_says_what_the_message_said(services: RestServices, sql: psycopg.Connection) -> None:
    call = a_call(
        cost_nanousd=9_000_000_000_000_000,
        risks=("PII_EMAIL", 'a "quoted", {braced} one'),
        agent="コード ✅",
        overhead_ms=2.25,
        is_cut=True,
        iteration=7,
        rules=("cheaper", "night:skipped"),
        shadow_rules=("no-big",),
        unknown_rules=("dear",),
        asked_model="openai/gpt-4o",
    )

    deliver([to_wire(call)], services)

    row = sql.execute(
        "select cost_nanousd, risks, tags, agent, overhead_ms, is_cut, is_clamped, iteration, team,"
        " rules, shadow_rules, unknown_rules, asked_model, extract(epoch from started_at) * 1000 from llm_request_logs"
    ).fetchone()
    assert row == (
        9_000_000_000_000_000,
        ["PII_EMAIL", 'a "quoted", {braced} one'],
        [],
        "コード ✅",
        2.25,
        True,
        False,
        7,
        None,
        ["cheaper", "night:skipped"],
        ["no-big"],
        ["dear"],
        "openai/gpt-4o",
        call.started_at_ms,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "a\x00b"},
        {"project": "\ud800"},
        {"path": "x" * 100_000},
        {
            "session_id": "\U0001f9e8" * 300,
            "tenant": "\U0001f9e8" * 300,
            "request_id": "\U0001f9e8" * 300,
        },
        {"iteration": 2**53, "cumulative_tokens": 2**53},
        {"started_at_ms": 0},
        {"started_at_ms": 253_402_300_799_999},
        {"latency_ms": float("nan")},
        {"latency_ms": float("inf")},
        {"latency_ms": 1e308},
        {"risks": ("x" * 100_000,) * 1_000},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_no_record_of_ours_is_poison(changes: dict[str, Any], services: RestServices) -> None:
    assert deliver([to_wire(a_call(**changes))], services) == [Stored()]


def test_a_column_that_is_missing_postpones_everything(services: RestServices, sql: psycopg.Connection) -> None:
    async def older_schema() -> list[Verdict]:
        rest = services.rest

        async def with_a_new_column(path: str, body: str, *, prefer: str) -> Any:
            return await rest(path, body.replace('"event_id"', '"from_the_future"'), prefer=prefer)

        services.rest = with_a_new_column  # type: ignore[method-assign]
        return await take([to_wire(AUTH), to_wire(AUTH)], services)

    verdicts = asyncio.run(older_schema())

    assert all(isinstance(verdict, Postponed) for verdict in verdicts)
    assert services.buried == []


def test_a_key_that_is_not_the_services_postpones_everything(services: RestServices) -> None:
    forged = RestServices(services.url, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA")

    verdicts = deliver([to_wire(a_call(1)), to_wire(a_call(2))], forged)

    forged.close()
    assert all(isinstance(verdict, Postponed) for verdict in verdicts)
    assert forged.buried == []
