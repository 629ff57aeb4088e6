"""What nobody took is kept in order, as far as there is room."""

from core.unsent import CHARACTERS_MAX, Unsent


def test_messages_come_out_in_their_order() -> None:
    unsent = Unsent()
    for text in ("a", "b"):
        unsent.keep(text)

    assert [unsent.take(), unsent.take(), unsent.take()] == ["a", "b", None]


def test_without_room_the_oldest_go_first() -> None:
    unsent = Unsent()
    half = "x" * (CHARACTERS_MAX // 2)
    for mark in "abc":
        unsent.keep(mark + half)

    assert len(unsent) == 1
    assert (unsent.take() or "").startswith("c")


def test_it_is_full_before_it_loses_anything() -> None:
    unsent = Unsent()
    while not unsent.is_full:
        unsent.keep("x" * 5_000)

    assert len(unsent) * 5_000 <= CHARACTERS_MAX
