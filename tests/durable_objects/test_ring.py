"""Tables that take turns: a row is there for as long as it was promised, to the millisecond, and then costs nothing."""

import pytest

from durable_objects.storage.ring import TABLES, RingRow, RowRing

KEPT_MS = 30
PERIOD_MS = KEPT_MS // (TABLES - 1)


def a_ring(database):
    return RowRing(database, "things", kept_ms=KEPT_MS)


def begun(database):
    ring = a_ring(database)
    ring.begin(0)
    return ring


def turned(ring, now_ms):
    """The ring after its alarm, if that is due."""
    if (due_ms := ring.turn_at_ms()) is not None and due_ms <= now_ms:
        ring.turn(now_ms)
    return ring


@pytest.mark.parametrize("sleeps", [False, True], ids=["awake", "woken at every moment"])
def test_a_row_lives_until_its_table_was_closed_for_as_long_as_rows_are_kept(database, sleeps):
    """Its table is current for a third of that time, so a row lives once to one and a third times as long."""
    ring = begun(database)
    for now_ms in range(5 * KEPT_MS):
        ring = turned(a_ring(database) if sleeps else ring, now_ms)
        there = [written_ms for written_ms in range(now_ms) if ring.find(f"r{written_ms}")]

        closed_ms = [written_ms // PERIOD_MS * PERIOD_MS + PERIOD_MS for written_ms in range(now_ms)]
        assert there == [written for written in range(now_ms) if now_ms < closed_ms[written] + KEPT_MS]
        ring.put(RingRow(f"r{now_ms}", now_ms, ""))


def test_a_ring_that_is_turned_late_keeps_its_rows_longer_and_never_shorter(database):
    ring = begun(database)
    ring.put(RingRow("old", 1, ""))
    ring.turn(PERIOD_MS * 2)
    ring.put(RingRow("young", 1, ""))

    ring.turn(PERIOD_MS * 2 + KEPT_MS - 1)
    assert ring.find("old")
    ring.turn(PERIOD_MS * 2 + KEPT_MS)
    assert not ring.find("old")
    assert ring.find("young")


def test_a_row_written_again_lives_from_then_on_with_its_last_contents(database):
    ring = begun(database)
    ring.put(RingRow("r", 1, "first"))
    for now_ms in (PERIOD_MS, 2 * PERIOD_MS):
        ring.turn(now_ms)
    ring.put(RingRow("r", 2, "second"))
    ring.turn(PERIOD_MS + KEPT_MS)

    assert ring.find("r") == RingRow("r", 2, "second")
    assert [row.body for row in ring.select("mark > ?", 0)] == ["second"]


def test_of_two_older_tables_the_younger_one_s_row_counts_whichever_way_the_ring_has_come_round(database):
    for periods in range(2 * TABLES):
        ring = RowRing(database, f"things{periods}", kept_ms=KEPT_MS)
        ring.begin(0)
        for number in range(periods + 2):
            ring.put(RingRow("r", number, str(number)))
            ring.turn((number + 1) * PERIOD_MS)

        assert ring.find("r").body == ring.select("true")[-1].body == ring.page("", -1, 9)[0].body == str(periods + 1)
        assert len(ring.select("true")) == 1


def test_a_turn_before_its_time_does_nothing(database):
    ring = begun(database)
    ring.put(RingRow("r", 1, ""))

    for now_ms in range(PERIOD_MS):
        ring.turn(now_ms)

    assert ring.turn_at_ms() == PERIOD_MS


def test_an_id_in_an_older_table_is_known(database):
    ring = begun(database)
    ring.add(RingRow("r", 1, "first"))
    ring.turn(PERIOD_MS)

    assert not ring.add(RingRow("r", 1, "second"))
    assert ring.find("r").body == "first"


def test_forgetting_is_a_table_dropped_and_no_row_deleted(database):
    ring = begun(database)
    ring.put_all([RingRow(f"r{number}", 1, "") for number in range(100)])
    ring.turn(PERIOD_MS)
    database.statements.clear()

    ring.turn(PERIOD_MS + KEPT_MS)

    assert [sql for sql, _ in database.statements if "DELETE" in sql] == []
    assert len(database.statements) <= 4


def test_a_ring_without_rows_asks_for_no_turn(database):
    ring = begun(database)
    assert ring.turn_at_ms() is None

    ring.put(RingRow("r", 1, ""))
    ring.turn(PERIOD_MS)
    assert ring.turn_at_ms() == PERIOD_MS + KEPT_MS
    ring.turn(PERIOD_MS + KEPT_MS)
    assert ring.turn_at_ms() is None


def filled(ring, marks, now_ms):
    """A table with these marks, closed at that moment."""
    ring.put_all([RingRow(f"r{mark}", mark, str(mark)) for mark in marks])
    ring.turn(now_ms, highest_mark=marks[-1], needed_above=0)


def marks_above(ring, mark):
    found = []
    while rows := ring.above(mark, 2):
        found += [row.mark for row in rows]
        mark = found[-1]
    return found


@pytest.mark.parametrize("sleeps", [False, True])
def test_a_table_of_which_rows_are_needed_is_set_apart_and_read_in_the_order_of_marks(database, sleeps):
    ring = begun(database)
    for number in range(6):
        filled(ring, [3 * number + 1, 3 * number + 2, 3 * number + 3], (number + 1) * PERIOD_MS)
    later_ms = 9 * KEPT_MS
    ring.turn(later_ms, highest_mark=18, needed_above=0)
    ring = a_ring(database) if sleeps else ring

    assert ring.find("r1") is None
    assert ring.select("true") == []
    assert marks_above(ring, 0) == list(range(1, 19))
    assert marks_above(ring, 7) == list(range(8, 19))
    ring.let_go(7)
    assert marks_above(ring, 0) == list(range(7, 19)), "a table goes as a whole"
    ring.let_go(None)
    assert marks_above(ring, 0) == []


def test_a_table_without_a_mark_of_its_own_is_not_set_apart(database):
    ring = begun(database)
    filled(ring, [1], PERIOD_MS)
    ring.put(RingRow("open", 0, ""))
    ring.turn(2 * PERIOD_MS, highest_mark=1, needed_above=0)
    ring.turn(9 * KEPT_MS, highest_mark=1, needed_above=0)

    assert [row.id for row in ring.above(0, 9)] == ["r1"]
    assert len(database.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'things_to_%'")) == 1


def test_a_table_that_an_older_version_has_closed_says_its_highest_mark_itself(database):
    ring = begun(database)
    filled(ring, [1, 2], PERIOD_MS)
    database.execute("UPDATE rings SET turns = json_remove(turns, '$.closed_marks')")
    ring = a_ring(database)
    ring.turn(9 * KEPT_MS, highest_mark=2, needed_above=1)

    assert marks_above(ring, 1) == [2]
