"""Charged calls on their way to the queue: what waits, when it is due, how many share a message, and what it costs."""

import msgspec
import pytest

from core.bounds import QUEUE_MESSAGE_BYTES_MAX
from core.ledger.messages import ConfigureRequest, SettleRequest
from core.ledger.windows import BUDGET_WINDOWS
from durable_objects.outgoing import journal
from durable_objects.outgoing.journal import DELIVERED_AFTER_MS, MESSAGE_BYTES_MAX, RETRY_MS_MAX
from durable_objects.outgoing.pauses import FIRST_MS
from tests.support.call_records import a_call_record, record_of
from tests.support.journal import deliver, deliver_all, records_in
from tests.support.ledger_requests import HOUR_MS, NOW_MS, TTL_MS, a_record, a_settlement, alarms, an_admission
from tests.support.sqlite_ledger import StorageFault, a_service

MINUTE_MS = 60_000


def call(ledger, number, now_ms=NOW_MS, *, cost=20, **changes):
    hold_id = f"rsv_{number}"
    ledger.admit(an_admission(hold_id, session_limit_nanousd=10**9), now_ms)
    ledger.settle(a_settlement(cost, hold_id, record=record_of(f"req_{number}"), **changes), now_ms)


def ids(records):
    return [record.request_id for record in records]


def test_a_charge_brings_its_record_in_its_own_row(ledger, database):
    ledger.admit(an_admission("rsv_1"), NOW_MS)
    settlement = a_settlement(20, "rsv_1", record=record_of("req_1"))

    assert database.rows_written_by(lambda: ledger.settle(settlement, NOW_MS)) == 1
    assert ids(deliver_all(a_service(database), NOW_MS)) == ["req_1"]


def test_a_settlement_that_fails_leaves_no_record_and_repeated_leaves_one(ledger, database):
    ledger.admit(an_admission("rsv_1"), NOW_MS)
    settlement = a_settlement(20, "rsv_1", record=record_of("req_1"))
    database.fails_after = 0
    with pytest.raises(StorageFault):
        ledger.settle(settlement, NOW_MS)

    woken = a_service(database)
    assert deliver_all(woken, NOW_MS) == []
    for _ in range(3):
        woken.settle(settlement, NOW_MS)
    assert ids(deliver_all(woken, NOW_MS)) == ["req_1"]


def test_a_delivery_is_one_row_however_many_calls_it_has(ledger, database):
    written = []
    for count in (1, 500):
        for number in range(count):
            call(ledger, f"{count}-{number}")
        written.append(database.rows_written_by(lambda: deliver_all(ledger, NOW_MS)))

    assert written == [1, 1]


def test_the_first_call_that_waits_is_soon_delivered_with_all_that_came_since(ledger):
    call(ledger, 1)
    call(ledger, 2, NOW_MS + 900)

    assert ledger.journal.due_at_ms == NOW_MS + DELIVERED_AFTER_MS
    assert ids(deliver(ledger, NOW_MS + DELIVERED_AFTER_MS)) == ["req_1", "req_2"]
    assert ledger.journal.due_at_ms is None


def test_what_comes_while_a_delivery_is_on_its_way_is_given_its_own_time(ledger):
    call(ledger, 1)
    on_its_way = ledger.journal.next()
    call(ledger, 2, NOW_MS + 1_000)
    ledger.journal.delivered(on_its_way[-1].up_to)
    ledger.journal.plan(NOW_MS + 1_050)

    assert ledger.journal.due_at_ms == NOW_MS + 1_050 + DELIVERED_AFTER_MS
    assert ids(deliver(ledger, ledger.journal.due_at_ms)) == ["req_2"]


def test_messages_are_full_and_within_their_bound(ledger):
    for number in range(1_000):
        call(ledger, number)

    deliveries = ledger.journal.next()

    sizes = [len(each.text.encode()) for each in deliveries]
    assert max(sizes) <= MESSAGE_BYTES_MAX + 1_000
    assert min(sizes[:-1]) > MESSAGE_BYTES_MAX - 1_000
    assert ids(record for each in deliveries for record in records_in(each.text)) == [f"req_{n}" for n in range(1_000)]


def test_an_entry_says_what_only_the_ledger_knows(ledger):
    call(ledger, 1, cost=130, prompt_tokens=7, completion_tokens=3)
    call(ledger, 2, prompt_tokens=5)
    ledger.record(a_record(4, "evt_1", record=record_of("evt_1", session_id="its own word")), NOW_MS)

    first, second, report = deliver_all(ledger, NOW_MS)

    assert (first.overrun_nanousd, first.cumulative_tokens, first.session_id) == (30, 10, "s")
    assert (second.overrun_nanousd, second.cumulative_tokens) == (0, 15)
    assert (report.cumulative_tokens, report.session_id) == (None, "its own word")


def test_what_was_never_held_is_above_no_hold_and_a_report_of_a_hold_may_be(ledger):
    ledger.record(a_record(4, "evt_1", record=record_of("evt_1")), NOW_MS)
    ledger.admit(an_admission("h1"), NOW_MS)
    ledger.record(a_record(104, "h1", record=record_of("h1")), NOW_MS)

    assert [record.overrun_nanousd for record in deliver_all(ledger, NOW_MS)] == [0, 4]


def test_a_report_of_a_hold_is_told_in_the_session_that_holds(ledger):
    ledger.admit(an_admission("h1"), NOW_MS)
    ledger.record(a_record(4, "h1", record=record_of("h1", session_id="another")), NOW_MS)

    assert [record.session_id for record in deliver_all(ledger, NOW_MS)] == ["s"]


def test_an_expired_hold_that_is_settled_late_is_told_with_its_last_charge(ledger):
    ledger.admit(an_admission("rsv_1"), NOW_MS)
    late_ms = NOW_MS + 2 * TTL_MS
    alarms(ledger, NOW_MS, late_ms)
    ledger.settle(a_settlement(20, "rsv_1", record=record_of("req_1")), late_ms)

    assert ids(deliver_all(ledger, late_ms)) == ["req_1"]


def an_end(**changes):
    return SettleRequest(hold_id="rsv_1", actual_nanousd=0, is_replaced=True, record=record_of("req_1"), **changes)


def of_the_last_attempt():
    record = record_of("req_1", skipped_hops=("groq/llama: budget_exhausted",))
    return msgspec.structs.replace(an_end(), is_replaced=False, record=record)


@pytest.mark.parametrize("sleeps", [False, True])
def test_of_an_attempt_that_none_followed_the_later_record_is_told(ledger, database, sleeps):
    ledger.admit(an_admission("rsv_1"), NOW_MS)
    ledger.settle(an_end(), NOW_MS)
    call(ledger, 2)

    assert ledger.settle(of_the_last_attempt(), NOW_MS).is_replay
    told = deliver_all(a_service(database) if sleeps else ledger, NOW_MS)

    assert [(record.request_id, len(record.skipped_hops)) for record in told] == [("req_1", 1), ("req_2", 0)]


def test_what_the_queue_has_already_is_not_told_again(ledger, database):
    ledger.admit(an_admission("rsv_1"), NOW_MS)
    ledger.settle(an_end(), NOW_MS)
    assert len(deliver_all(ledger, NOW_MS)) == 1

    assert database.rows_written_by(lambda: ledger.settle(of_the_last_attempt(), NOW_MS)) == 0
    assert deliver_all(ledger, NOW_MS) == []


def test_a_queue_that_takes_nothing_is_asked_more_and_more_seldom_and_then_gets_all(ledger):
    now_ms, pauses = NOW_MS + DELIVERED_AFTER_MS, []
    call(ledger, 0)
    for number in range(1, 8):
        assert deliver(ledger, now_ms, messages_max=0) == []
        pauses.append(ledger.journal.due_at_ms - now_ms)
        call(ledger, number, now_ms)
        now_ms = ledger.journal.due_at_ms

    assert pauses == [min(FIRST_MS * 2**n, RETRY_MS_MAX) for n in range(7)]
    assert ids(deliver_all(ledger, now_ms)) == [f"req_{number}" for number in range(8)]
    call(ledger, 9, now_ms)
    deliver(ledger, now_ms + 1_000, messages_max=0)
    assert ledger.journal.due_at_ms == now_ms + 1_000 + FIRST_MS


def test_through_a_day_without_the_queue_nothing_is_dropped_and_afterwards_no_table_stays(ledger, database):
    """Holds are forgotten after a quarter of an hour; what is not delivered is not."""
    told = []
    for hour in range(24):
        now_ms = NOW_MS + hour * HOUR_MS
        call(ledger, hour, now_ms)
        for minutes in (1, 10, 30):
            ledger.sweep(now_ms + minutes * MINUTE_MS)
        if hour % 5 == 0:
            ledger = a_service(database)
    told = deliver_all(ledger, NOW_MS + 24 * HOUR_MS)
    ledger.sweep(NOW_MS + 26 * HOUR_MS)

    assert ids(told) == [f"req_{hour}" for hour in range(24)]
    assert database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'holds_to_%'") == []


def through_an_hour_without_the_queue(ledger):
    for minutes in (1, 10, 30, 60):
        ledger.sweep(NOW_MS + minutes * MINUTE_MS)


@pytest.mark.parametrize("comes_first", ["the alarm", "another call"])
@pytest.mark.parametrize("why", ["cannot be read", "was not called for"])
def test_what_is_set_apart_is_told_also_where_no_checkpoint_says_that_there_was_anything(
    ledger, database, why, comes_first
):
    ledger.record(a_record(4, "evt_1", record=record_of("evt_1")), NOW_MS)
    if why == "was not called for":  # all that the call has changed is written as an administrator changes it
        for window in BUDGET_WINDOWS["tenant"]:
            limit = ConfigureRequest(kind="tenant", id="acme", window=window, limit_nanousd=10**9)
            ledger.configure(limit, NOW_MS)
    through_an_hour_without_the_queue(ledger)
    database.execute("UPDATE checkpoints SET body = 'no JSON'")

    woken = a_service(database)
    if comes_first == "another call":
        call(woken, 2, NOW_MS + HOUR_MS)

    assert ids(deliver_all(woken, NOW_MS + HOUR_MS)) == ["evt_1", *(["req_2"] if comes_first == "another call" else [])]


def test_an_end_never_gets_a_number_up_to_which_all_is_delivered(ledger, database):
    call(ledger, 1)
    deliver_all(ledger, NOW_MS)
    for slot in range(4):
        database.execute(f"UPDATE holds_{slot} SET body = 'no JSON'")
    call(a_service(database), 2)

    assert ids(deliver_all(a_service(database), NOW_MS)) == ["req_2"]


@pytest.mark.parametrize("sleeps", [False, True])
def test_what_waits_in_memory_is_bounded_and_the_rest_is_read_when_its_turn_comes(
    ledger, database, monkeypatch, sleeps
):
    monkeypatch.setattr(journal, "WAITING_BYTES_MAX", 20_000)
    for number in range(500):
        call(ledger, number)
    ledger = a_service(database) if sleeps else ledger

    assert sum(len(each.text) for each in ledger.journal.next()) < 25_000
    assert ids(deliver_all(ledger, NOW_MS)) == [f"req_{number}" for number in range(500)]


@pytest.mark.parametrize("sleeps", [False, True])
def test_an_entry_too_long_for_the_queue_holds_up_nobody_and_is_set_aside(ledger, database, sleeps):
    longer = msgspec.Raw(msgspec.json.encode({"type": "call", "why": "x" * QUEUE_MESSAGE_BYTES_MAX}))
    call(ledger, 1)
    ledger.record(a_record(4, "evt_1", record=longer), NOW_MS)
    call(ledger, 2)
    ledger = a_service(database) if sleeps else ledger

    assert ids(deliver_all(ledger, NOW_MS)) == ["req_1", "req_2"]
    assert "record" in {source for (source,) in database.execute("SELECT source FROM set_aside")}
    assert ledger.take_notices()


def test_no_record_of_ours_is_too_long():
    """Every text at its longest, of characters that take six bytes each."""
    long, label = "\x01" * 1_000, tuple("\x01" * 200 for _ in range(50))
    texts = dict.fromkeys(
        ("request_id", "tenant", "path", "team", "key_id", "project", "agent", "session_id", "provider", "model",
         "dialect", "error_code", "asked_model", "failover_reason", "price_version"), long,
    )  # fmt: skip
    labels = dict.fromkeys(("risks", "tags", "rules", "shadow_rules", "unknown_rules", "skipped_hops"), label)
    record = a_call_record(**{**texts, **labels})

    assert len(msgspec.json.encode(record)) < journal.ENTRY_BYTES_MAX - 4_000


def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_are_told(ledger, database):
    for number in range(3):
        call(ledger, number)
    for slot in range(4):
        database.execute(f"UPDATE holds_{slot} SET body = 'no JSON' WHERE id = 'rsv_1'")

    assert ids(deliver_all(a_service(database), NOW_MS)) == ["req_0", "req_2"]


def test_deliveries_read_no_more_rows_for_twice_as_many_calls_that_were_delivered_before(ledger, database):
    def statements_of(count):
        for number in range(count):
            call(ledger, f"{count}-{number}")
        database.statements.clear()
        deliver_all(ledger, NOW_MS)
        return len(database.statements)

    assert statements_of(100) == statements_of(200) == 1


def test_a_wake_reads_no_records(ledger, database):
    for number in range(50):
        call(ledger, number)
    database.statements.clear()

    woken = a_service(database)

    bodies = [str(row[2]) for sql, rows in database.statements if "mark = 0" in sql for row in rows]
    assert len(bodies) == 50
    assert not [body for body in bodies if "price_version" in body]
    assert ids(deliver_all(woken, NOW_MS)) == [f"req_{number}" for number in range(50)]
