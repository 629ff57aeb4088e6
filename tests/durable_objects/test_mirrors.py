"""KV mirrors: at most one write a second per key, and a failed one is tried again."""

from itertools import pairwise

from core import limits
from durable_objects.mirrors import KEY_PAUSE_MS, MIRROR_AFTER_MS, RETRY_AFTER_MS, Mirrors


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
    taken = mirrors.take(MIRROR_AFTER_MS, 50)

    mirrors.failed(taken, MIRROR_AFTER_MS)

    assert mirrors.due_at_ms() == MIRROR_AFTER_MS + RETRY_AFTER_MS
    assert mirrors.take(MIRROR_AFTER_MS + RETRY_AFTER_MS, 50) == ["s"]
    assert mirrors.due_at_ms() is None


def test_many_sessions_are_written_some_at_a_time():
    mirrors = Mirrors()
    for number in range(120):
        mirrors.want(f"s{number}", 0)

    batches = [len(mirrors.take(MIRROR_AFTER_MS + n * KEY_PAUSE_MS, 50)) for n in range(4)]

    assert batches == [50, 50, 20, 0]


def test_what_waits_is_bounded():
    mirrors = Mirrors()
    for number in range(limits.MIRRORS_WAITING_MAX + 10):
        mirrors.want(f"s{number}", 0)

    assert len(mirrors.take(MIRROR_AFTER_MS, 10**6)) == limits.MIRRORS_WAITING_MAX
