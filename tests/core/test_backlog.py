"""What nobody took is kept in order, as far as there is room."""

from core.backlog import CHARACTERS_MAX, Backlog


def test_messages_come_out_in_their_order() -> None:
    backlog = Backlog()
    for text in ("a", "b"):
        backlog.keep(text)

    assert [backlog.take(), backlog.take(), backlog.take()] == ["a", "b", None]


def test_without_room_the_oldest_go_first() -> None:
    backlog = Backlog()
    half = "x" * (CHARACTERS_MAX // 2)
    for mark in "abc":
        backlog.keep(mark + half)

    assert len(backlog) == 1
    assert (backlog.take() or "").startswith("c")


def test_it_is_full_before_it_loses_anything() -> None:
    backlog = Backlog()
    while not backlog.is_full:
        backlog.keep("x" * 5_000)

    assert len(backlog) * 5_000 <= CHARACTERS_MAX
