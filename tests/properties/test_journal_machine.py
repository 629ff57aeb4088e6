"""The journal through any history of ends, deliveries that break off, sleeps, faults and turned tables: every charged
call reaches the queue, in the order of the charges, again only where a delivery was not noted, and nothing of it stays.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from core.ledger.messages import Recorded, Settled
from durable_objects.outgoing import journal
from durable_objects.outgoing.journal import DELIVERED_AFTER_MS
from tests.support.call_records import record_of
from tests.support.journal import deliver, deliver_all, records_in
from tests.support.ledger_requests import NOW_MS, TTL_MS, a_record, a_settlement, an_admission
from tests.support.sqlite_ledger import SqliteDatabase, StorageFault, a_service

seen: Counter[str] = Counter()


class JournalMachine(RuleBasedStateMachine):
    """One session's calls; messages of some three records, and memory for some five."""

    @initialize()
    def begin(self) -> None:
        self.database = SqliteDatabase()
        self.service = a_service(self.database)
        self.now_ms = NOW_MS
        self.count = 0
        self.open: list[str] = []
        self.charged: list[str] = []
        """The calls with a record, in the order of their ends."""
        self.told: list[str] = []
        """What the queue has, in the order in which it came."""
        self.may_repeat = False

    # Ends ---------------------------------------------------------------------------------------------

    @rule(ttl_ms=st.sampled_from([1_000, 60 * TTL_MS]))
    def admit(self, ttl_ms: int) -> None:
        self.count += 1
        hold_id = f"rsv_{self.count}"
        self.service.admit(an_admission(hold_id, 10, session_limit_nanousd=10**9, ttl_ms=ttl_ms), self.now_ms)
        self.open.append(hold_id)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), has_record=st.sampled_from([True, True, True, False]), fails=st.booleans())
    def settle(self, data: st.DataObject, has_record: bool, fails: bool) -> None:
        hold_id = data.draw(st.sampled_from(self.open))
        changes: dict[str, Any] = {"record": record_of(hold_id)} if has_record else {}
        request = a_settlement(20, hold_id, **changes)
        if fails:
            self.database.fails_after = 0
            with pytest.raises(StorageFault):
                self.service.settle(request, self.now_ms)
            self.wake()
        answer = self.service.settle(request, self.now_ms)
        self.open.remove(hold_id)
        if not isinstance(answer, Settled):
            return  # it had expired long ago
        seen["late end"] += answer.was_expired
        again = self.service.settle(request, self.now_ms)
        assert isinstance(again, Settled) and again.is_replay
        if has_record:
            self.charged.append(hold_id)

    @rule(count=st.integers(min_value=1, max_value=12))
    def report(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            request = a_record(5, f"evt_{self.count}", session_id="s", record=record_of(f"evt_{self.count}"))
            answers = [self.service.record(request, self.now_ms) for _ in range(2)]
            assert all(isinstance(answer, Recorded) for answer in answers)
            self.charged.append(f"evt_{self.count}")

    # Deliveries ---------------------------------------------------------------------------------------

    @rule(messages_max=st.sampled_from([None, None, 0, 1]))
    def alarm(self, messages_max: int | None) -> None:
        if (due_ms := self.service.journal.due_at_ms) is None:
            assert set(self.charged) == set(self.told), "nothing waits unasked for"
        elif due_ms <= self.now_ms:
            taken = deliver(self.service, self.now_ms, messages_max=messages_max)
            self.told += [record.request_id for record in taken]
            seen["delivery"] += bool(taken)
            seen["broken off"] += messages_max == 1 and bool(taken)

    @rule()
    def the_object_dies_before_it_notes_a_delivery(self) -> None:
        deliveries = self.service.journal.next()
        if deliveries:
            self.told += ids_in(deliveries[0].text)
            self.may_repeat = True
        self.wake()

    @rule()
    def wake(self) -> None:
        self.service = a_service(self.database)

    @rule(pause_ms=st.sampled_from([1, DELIVERED_AFTER_MS, 6 * 60_000, 16 * 60_000, 3_600_000]))
    def time_passes(self, pause_ms: int) -> None:
        self.now_ms += pause_ms
        self.service.sweep(self.now_ms)
        seen["set apart"] += bool(self.tables_apart())

    def tables_apart(self) -> list[Any]:
        return self.database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'holds_to_%'")

    # What must be true at last ------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "service"):
            return
        self.told += [record.request_id for record in deliver_all(self.service, self.now_ms)]
        assert list(dict.fromkeys(self.told)) == self.charged, "each of them, in their order"
        assert self.may_repeat or len(self.told) == len(self.charged)
        self.service.sweep(self.now_ms)
        assert self.tables_apart() == []
        assert deliver_all(a_service(self.database), self.now_ms) == []


def ids_in(text: str) -> list[str]:
    return [record.request_id for record in records_in(text)]


def test_every_charged_call_is_told_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seen.clear()
    monkeypatch.setattr(journal, "MESSAGE_BYTES_MAX", 2_500)
    monkeypatch.setattr(journal, "MESSAGES_PER_DELIVERY_MAX", 2)
    monkeypatch.setattr(journal, "WAITING_BYTES_MAX", 4_000)
    monkeypatch.setattr(journal, "ROWS_PER_READING", 3)
    JournalMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)

    JournalMachine.TestCase().runTest()

    assert all(seen[what] for what in ("delivery", "broken off", "late end", "set apart")), seen
