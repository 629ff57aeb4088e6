"""The telemetry Worker in the real runtime: what crosses from Cloudflare's bindings into the sink and back."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from bench.measuring.process_memory import read_process
from core.ledger.messages import SettleRequest
from core.telemetry import Debt, to_wire
from local.paths import LOCAL
from local.stack import Stack
from tests.queue_consumer.local_receiver import ENDLESS, HANG, LocalReceiver
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call, a_debt, a_journal, an_alert, an_entry

pytestmark = pytest.mark.stack

HARNESS = {
    "name": "queue-harness",
    "compatibilityDate": "2026-11-17",
    "modules": [
        {
            "type": "ESModule",
            "path": "queue_harness.mjs",
            "contents": Path(__file__).with_name("queue_harness.mjs").read_text(),
        }
    ],
    "queueProducers": {"TELEMETRY_QUEUE": {"queueName": "agentwatch-telemetry"}},
    "unsafeDirectSockets": [{"host": "127.0.0.1", "port": 0}],
}
PATIENCE_S = 60.0


class Harness:
    """The queue's other ends, and the database to look into."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.worker_urls["queue-harness"].rstrip("/")

    def send(self, *texts: str) -> None:
        httpx.post(f"{self.url}/send", json=texts, timeout=30).raise_for_status()

    def seen(self, what: str) -> list[Any]:
        found: list[Any] = httpx.get(self.url, timeout=30).json()[what]
        return found

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        assert self.stack.postgres_dsn is not None
        with psycopg.connect(self.stack.postgres_dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def batches(self) -> list[dict[str, Any]]:
        """What the Worker logged of each batch so far."""
        lines = (self.stack.log_dir / "workers.log").read_text().splitlines()
        return [json.loads(line[line.index("{") :]) for line in lines if '"telemetry_batch"' in line]

    def charges(self) -> int:
        return sum(batch.get("charged", 0) for batch in self.batches())

    def count(self, table: str) -> int:
        return int(self.sql(f"select count(*) from {table}")[0][0])


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    with Stack(LOCAL / "tests" / "telemetry", fresh=True, extra_workers=[HARNESS]) as stack:
        yield Harness(stack)


@pytest.fixture(autouse=True)
def _empty(harness: Harness) -> None:
    harness.sql(
        "truncate llm_request_logs, tenants, auth_events, api_access_log, budget_events, report_dispatches, dead_letters"
    )


def test_every_kind_of_record_reaches_its_table(harness: Harness) -> None:
    harness.send(*(to_wire(message) for message in (a_call(), AUTH, ACCESS, BUDGET)))

    tables = ("llm_request_logs", "auth_events", "api_access_log", "budget_events")
    eventually(lambda: [harness.count(table) for table in tables] == [1, 1, 1, 1])


def test_a_debt_is_charged_once_by_the_tenants_own_ledger(harness: Harness) -> None:
    debt = msgspec.structs.replace(a_debt("rsv_owed", session_id="owing"), tenant="demo")
    headers = {"authorization": f"Bearer {harness.stack.tokens['live']}"}
    url = f"{harness.stack.edge_url}/v1/budget-check?session_id=owing"

    harness.send(*[to_wire(debt)] * 2)
    eventually(lambda: harness.charges() == 2)

    assert httpx.get(url, headers=headers, timeout=30).json()["spent_usd"] == 0.000021


def test_a_debt_that_contradicts_what_was_charged_is_a_dead_letter(harness: Harness) -> None:
    before = harness.charges()
    harness.send(to_wire(a_debt("rsv_twice")))
    eventually(lambda: harness.charges() == before + 1)

    harness.send(to_wire(a_debt("rsv_twice", cost_nanousd=22_000)))

    eventually(lambda: harness.count("dead_letters") == 1)
    ((reason, message),) = harness.sql("select reason, message from dead_letters")
    assert reason.startswith("the ledger refuses the charge")
    assert "rsv_twice" in message


def test_a_record_delivered_three_times_is_one_row(harness: Harness) -> None:
    harness.send(*[to_wire(a_call(1))] * 3)
    harness.send(to_wire(a_call(1)), to_wire(a_call(2)))

    eventually(lambda: harness.count("llm_request_logs") == 2)


def test_what_cannot_be_read_lands_on_the_dead_letter_queue_alone(harness: Harness) -> None:
    harness.send("nonsense", to_wire(a_call()))

    eventually(lambda: harness.sql("select message from dead_letters") == [("nonsense",)])
    eventually(lambda: harness.count("llm_request_logs") == 1)


def test_the_calls_of_a_journal_become_rows_and_what_is_bad_among_them_letters_of_their_own(harness: Harness) -> None:
    harness.sql("alter table llm_request_logs add constraint no_agent check (agent is null) not valid")
    entries = [an_entry(a_call(n, agent="refused" if n == 3 else None), overrun_nanousd=n) for n in range(80)]
    unreadable = msgspec.Raw('{"from":"the future, コード ✅"}'.encode())

    harness.send(a_journal(*entries, unreadable))

    eventually(lambda: harness.count("dead_letters") == 2)
    harness.sql("alter table llm_request_logs drop constraint no_agent")
    assert harness.sql("select count(*), sum(overrun_nanousd) from llm_request_logs") == [(79, sum(range(80)) - 3)]
    letters = {message for (message,) in harness.sql("select message from dead_letters")}
    assert letters == {to_wire(a_call(3, agent="refused", overrun_nanousd=3)), a_journal(unreadable)}
    eventually(lambda: any((batch["rows"], batch["letters"]) == (79, 2) for batch in harness.batches()))


def test_a_refused_debts_call_is_a_row_all_the_same(harness: Harness) -> None:
    charge = SettleRequest(hold_id="rsv_gone", actual_nanousd=5, record=msgspec.Raw(to_wire(a_call()).encode()))

    harness.send(to_wire(Debt(tenant="acme", charge=charge)))

    eventually(lambda: harness.count("dead_letters") == 1)
    eventually(lambda: harness.sql("select request_id from llm_request_logs") == [("req_1",)])


def test_a_dead_letter_is_dealt_with_again_when_an_operator_asks(harness: Harness) -> None:
    harness.sql("alter table llm_request_logs add constraint no_agent check (agent is null) not valid")
    harness.send(to_wire(a_call(agent="refused")))
    eventually(lambda: harness.count("dead_letters") == 1)

    harness.sql("alter table llm_request_logs drop constraint no_agent")
    harness.sql("update dead_letters set replay_requested_at = now()")
    harness.stack.run_cron("agentwatch-telemetry", "*/10 * * * *")

    assert harness.sql("select agent from llm_request_logs") == [("refused",)]
    assert harness.sql("select result, replayed_at is not null from dead_letters") == [("stored", True)]


def test_an_alert_reaches_the_tenants_webhook_once(harness: Harness) -> None:
    harness.stack.put_kv("t:acme:config", {"slack_webhook_url": f"{harness.url}/webhook"})

    harness.send(to_wire(an_alert()), to_wire(an_alert()))
    eventually(lambda: harness.sql("select result from report_dispatches") == [("sent",)])
    harness.send(to_wire(an_alert()), to_wire(a_call()))
    eventually(lambda: harness.count("llm_request_logs") == 1)

    told = [body for body in harness.seen("told") if "growing" in body["text"]]
    assert len(told) == 1


FINAL = {
    "/ok": "sent",
    "/endless": "sent",
    "/moved": "unusable receiver: it answers with status 302",
    "/bad": "refused with status 400",
    "/unknown": "unusable receiver: it answers with status 404",
    "/gone": "unusable receiver: it answers with status 410",
    "/busy": "sent",
    "/broken": "sent",
    "/hanging": "sent",
}


def a_receiver() -> LocalReceiver:
    return LocalReceiver(
        {
            "/endless": [(ENDLESS, {})],
            "/moved": [(302, {"location": "/elsewhere"})],
            "/bad": [(400, {})],
            "/unknown": [(404, {})],
            "/gone": [(410, {})],
            "/busy": [(429, {"retry-after": "14"})],
            "/broken": [(500, {})],
            "/hanging": [(HANG, {})],
        }
    )


def test_whatever_a_webhook_answers_slack_is_told_once_and_the_webhook_as_often_as_it_takes(harness: Harness) -> None:
    """One tenant a receiver, all in one batch; a message's first wait is ten seconds."""
    with a_receiver() as receiver:
        for path in FINAL:
            urls = {"slack_webhook_url": f"{receiver.url}{path}/slack", "webhook_url": receiver.url + path}
            harness.stack.put_kv(f"t:receiver{path.replace('/', '-')}:config", urls)

        harness.send(*(to_wire(an_alert(tenant=f"receiver{path.replace('/', '-')}")) for path in FINAL))

        query = "select tenant, result from report_dispatches where kind = 'alert_webhook' and finished_at is not null"
        expected = sorted((f"receiver{path.replace('/', '-')}", result) for path, result in FINAL.items())
        eventually(lambda: sorted(harness.sql(query)) == expected)

        times = {path: len(receiver.told[path]) for path in FINAL}
        assert times == dict.fromkeys(FINAL, 1) | {"/busy": 2, "/broken": 2, "/hanging": 2}
        assert {len(receiver.told[f"{path}/slack"]) for path in FINAL} == {1}
        assert "/elsewhere" not in receiver.told
        assert len(receiver.told["hung up"]) == 1
        busy, later = receiver.told["/busy"]
        assert later.at_s - busy.at_s >= 14
        assert later.body == busy.body
        assert (later.body["type"], later.headers["content-type"]) == ("alert.anomaly", "application/json")


def test_names_reach_slack_as_they_are_and_do_nothing(harness: Harness) -> None:
    with LocalReceiver({}) as receiver:
        harness.stack.put_kv("t:names:config", {"slack_webhook_url": f"{receiver.url}/slack"})
        name = "<!channel> <https://evil.example|bank> &lt; \u202e" + "x" * 10_000

        harness.send(to_wire(an_alert(tenant="names", facts={"team": name}, summary=name)))
        eventually(lambda: len(receiver.told["/slack"]) == 1)

        body = receiver.told["/slack"][0].body
        assert body["text"].startswith(
            "AgentWatch: &lt;!channel&gt; &lt;https[:]//evil.example|bank&gt; &amp;lt; \ufffdx"
        )
        assert body["blocks"][2]["fields"][0]["text"].startswith("team: <!channel> <https[:]//evil.example|bank> &lt; ")


def test_records_of_an_outage_are_stored_when_it_is_over(harness: Harness) -> None:
    harness.sql("alter table llm_request_logs rename to llm_request_logs_away")
    harness.sql("notify pgrst, 'reload schema'")
    harness.send(*(to_wire(a_call(n)) for n in range(5)))
    log = harness.stack.log_dir / "workers.log"
    eventually(lambda: '"postponed":5' in log.read_text())

    harness.sql("alter table llm_request_logs_away rename to llm_request_logs")
    harness.sql("notify pgrst, 'reload schema'")

    eventually(lambda: harness.count("llm_request_logs") == 5)


def test_the_cron_makes_partitions_and_sends_last_weeks_report(harness: Harness) -> None:
    harness.stack.put_kv("t:weekly:config", {"slack_webhook_url": f"{harness.url}/webhook"})
    last_week = datetime.now(UTC) - timedelta(days=7)
    call = a_call(tenant="weekly", started_at_ms=int(last_week.timestamp() * 1000))
    harness.send(to_wire(call))
    eventually(lambda: harness.count("llm_request_logs") == 1)

    harness.stack.run_cron("agentwatch-telemetry", "0 8 * * *")
    for _ in range(2):
        harness.stack.run_cron("agentwatch-telemetry", "*/10 * * * *")

    eventually(lambda: any(body["text"].startswith("AgentWatch: Week of") for body in harness.seen("told")))
    assert harness.sql("select result, attempts from report_dispatches") == [("sent", 1)]


def test_a_batch_is_logged_as_one_line_of_numbers(harness: Harness) -> None:
    harness.send(to_wire(a_call()))

    eventually(lambda: any(batch.get("stored") == 1 for batch in harness.batches()))
    assert all(batch["messages"] >= 1 for batch in harness.batches())


def test_what_was_dealt_with_is_not_kept(harness: Harness) -> None:
    journal = a_journal(*(an_entry(a_call(number)) for number in range(60)))

    def heaps_bytes_after(messages: int) -> int:
        before = sum(batch["messages"] for batch in harness.batches())
        for _ in range(messages // 4):
            harness.send(*[journal] * 4)
        eventually(lambda: sum(batch["messages"] for batch in harness.batches()) == before + messages)
        return read_process(harness.stack.workerd_pid()).heaps_bytes

    warm_bytes = heaps_bytes_after(100)

    assert heaps_bytes_after(400) < warm_bytes + 200 * len(journal), "less than half of them"
