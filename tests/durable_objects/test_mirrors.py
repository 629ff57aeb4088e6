"""KV mirrors: written for what matters, at most once a second per key, and a failed one is tried again."""

from itertools import pairwise

import msgspec
import pytest

from core import bounds
from core.ledger.account import open_account
from core.ledger.mirror import LATER_MS, SOON_MS, mirror_after_ms, mirror_text, read_mirror
from durable_objects.outgoing.copies import KEY_PAUSE_MS, RETRY_AFTER_MS, Mirrors
from tests.support.ledger_requests import DAY_MS, NOW_MS, a_record, a_settlement, alarms, an_admission, of_session
from tests.support.sqlite_ledger import a_service


def test_a_session_that_changes_all_the_time_is_written_at_most_once_a_second():
    mirrors, written_at_ms = Mirrors(), []
    for now_ms in range(0, 20_000, 10):
        mirrors.want("s", now_ms)
        if mirrors.take(now_ms, 50):
            written_at_ms.append(now_ms)

    pauses = [later - earlier for earlier, later in pairwise(written_at_ms)]
    assert len(written_at_ms) > 5
    assert min(pauses) >= KEY_PAUSE_MS


def test_a_mirror_that_failed_is_tried_again_later():
    mirrors = Mirrors()
    mirrors.want("s", 0)
    taken = mirrors.take(SOON_MS, 50)

    mirrors.failed(taken, SOON_MS)

    assert mirrors.due_at_ms() == SOON_MS + RETRY_AFTER_MS
    assert mirrors.take(SOON_MS + RETRY_AFTER_MS, 50) == ["s"]
    assert mirrors.due_at_ms() is None


def test_many_sessions_are_written_some_at_a_time():
    mirrors = Mirrors()
    for number in range(120):
        mirrors.want(f"s{number}", 0)

    batches = [len(mirrors.take(SOON_MS + n * KEY_PAUSE_MS, 50)) for n in range(4)]

    assert batches == [50, 50, 20, 0]


def test_what_waits_is_bounded():
    mirrors = Mirrors()
    for number in range(bounds.MIRRORS_WAITING_MAX + 10):
        mirrors.want(f"s{number}", 0)

    assert len(mirrors.take(SOON_MS, 10**6)) == bounds.MIRRORS_WAITING_MAX


# What is worth a write ------------------------------------------------------------------------------------


def a_session(spent=0, limit=100, at_ms=NOW_MS, **changes):
    account = open_account("session", "s", "session", at_ms)
    return msgspec.structs.replace(account, spent_nanousd=spent, decided_limit_nanousd=limit, **changes)


CHANGES = {
    "a hold": (a_session(50), a_session(50, held_nanousd=40), None),
    "a charge within a tenth": (a_session(51), a_session(59), None),
    "a charge into the next tenth": (a_session(59), a_session(60), LATER_MS),
    "the last of the money": (a_session(99), a_session(100), SOON_MS),
    "more beyond the limit": (a_session(101), a_session(104), None),
    "a reset": (a_session(100), a_session(0), SOON_MS),
    "a raise that gives it money again": (a_session(100), a_session(100, 400), SOON_MS),
    "a pause": (a_session(5), a_session(5, is_paused=True), SOON_MS),
    "a pause lifted": (a_session(5, is_paused=True), a_session(5), SOON_MS),
    "a pause lifted of an exhausted one": (a_session(100, is_paused=True), a_session(100), SOON_MS),
    "a new session's hold": (None, a_session(0), None),
    "a new session's small report": (None, a_session(9), None),
    "a new session's large report": (None, a_session(10), LATER_MS),
    "a new session's report beyond its limit": (None, a_session(100), SOON_MS),
    "a new life of an exhausted one": (a_session(100), a_session(0, at_ms=NOW_MS + DAY_MS), SOON_MS),
    "a limit that only warns, passed": (
        a_session(99, is_decided_hard=False),
        a_session(100, is_decided_hard=False),
        None,
    ),
    "no limit, a minute later": (a_session(1, None), a_session(90, None, at_ms=NOW_MS + 60_000), None),
    "no limit, five minutes later": (a_session(1, None), a_session(2, None, at_ms=NOW_MS + 300_000), LATER_MS),
    "no limit, new": (None, a_session(90, None), None),
}


@pytest.mark.parametrize(("before", "after", "after_ms"), CHANGES.values(), ids=CHANGES)
def test_a_mirror_is_written_soon_for_what_a_caller_would_be_told_and_later_for_a_tenth(before, after, after_ms):
    assert mirror_after_ms(before, after) == after_ms


def test_a_thousand_calls_of_a_session_with_a_limit_are_ten_writes(ledger):
    written = []
    for number in range(1_000):
        now_ms = NOW_MS + number * 1_000
        ledger.admit(an_admission(f"rsv_{number}", 1, session_limit_nanousd=1_000), now_ms)
        ledger.settle(a_settlement(1, f"rsv_{number}"), now_ms)
        written += alarms(ledger, now_ms, now_ms + 1_000)
    written += alarms(ledger, now_ms, now_ms + LATER_MS)

    assert written == ["s"] * 10


def test_a_session_that_spends_all_of_its_money_in_a_minute_is_one_write(ledger):
    written = []
    for number in range(10):
        now_ms = NOW_MS + number * 5_000
        ledger.admit(an_admission(f"rsv_{number}", 25), now_ms)
        ledger.settle(a_settlement(25, f"rsv_{number}"), now_ms)
        written += alarms(ledger, now_ms, now_ms + 5_000)
    written += alarms(ledger, now_ms, now_ms + LATER_MS)

    assert written == ["s"]


def test_what_is_urgent_does_not_wait_for_what_is_not():
    mirrors = Mirrors()
    mirrors.want("slow", 0, LATER_MS)
    mirrors.want("quick", 0)
    mirrors.want("quick", 0, LATER_MS)
    mirrors.want("slow", 1)

    assert mirrors.due_at_ms() == SOON_MS
    assert mirrors.take(SOON_MS + 1, 50) == ["quick", "slow"]
    assert mirrors.due_at_ms() is None


def test_a_thousand_sessions_of_one_small_call_are_no_writes(ledger):
    for number in range(1_000):
        ledger.admit(an_admission(f"rsv_{number}", 1, session_id=f"s{number}", session_limit_nanousd=1_000), NOW_MS)
        ledger.settle(a_settlement(1, f"rsv_{number}"), NOW_MS)

    assert alarms(ledger, NOW_MS, NOW_MS + 120_000) == []


def test_an_administrator_s_change_is_mirrored_at_once(ledger):
    ledger.record(a_record(1, session_id="s"), NOW_MS)

    ledger.configure(of_session(limit_nanousd=900), NOW_MS)

    assert alarms(ledger, NOW_MS, NOW_MS + SOON_MS) == ["s"]


def test_an_exhausted_session_whose_ledger_slept_before_its_mirror_is_mirrored_after(ledger, database):
    ledger.admit(an_admission(), NOW_MS)
    ledger.record(a_record(250, session_id="s"), NOW_MS)
    ledger.record(a_record(1, "evt_2", session_id="fine"), NOW_MS)

    assert a_service(database).mirrors.take(NOW_MS + SOON_MS, 50) == ["s"]


def test_what_a_mirror_says_is_read_as_it_was_written():
    view = a_session(100, prompt_tokens=3, completion_tokens=4).view()

    mirror = read_mirror(mirror_text(view))

    assert (mirror.spent_nanousd, mirror.limit_nanousd, mirror.tokens) == (100, 100, 7)
    assert (mirror.is_exhausted, mirror.is_paused) == (True, False)


def test_a_limit_that_only_warns_is_none_in_the_mirror():
    mirror = read_mirror(mirror_text(a_session(100, is_decided_hard=False).view()))

    assert (mirror.limit_nanousd, mirror.is_exhausted) == (None, False)


@pytest.mark.parametrize("text", [None, "", "{", "0.5", '{"spent_nanousd":"1"}', "\ud800"])
def test_a_mirror_that_cannot_be_read_says_nothing(text):
    assert read_mirror(text) is None
