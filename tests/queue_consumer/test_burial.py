"""Letters: whole, few requests for many, and the same text each time."""

import asyncio

import msgspec
import pytest

from burial import BYTES_SENT_AT_ONCE_MAX, LETTER_BYTES_MAX, LETTERS_SENT_AT_ONCE_MAX, DeadLetter, bury, letter_text
from tests.queue_consumer.records import a_call, a_journal, an_entry
from tests.queue_consumer.scripted_services import ScriptedServices
from verdicts import Buried, Postponed, Verdicts


def buried(messages: list[str], services: ScriptedServices) -> Verdicts:
    letters = {(number, 0): DeadLetter("bad", message) for number, message in enumerate(messages)}
    return asyncio.run(bury(letters, services))


@pytest.mark.parametrize("size", [1, 1_000, 50_000, 200_000])
def test_many_letters_are_few_requests_within_the_queues_limits(size: int) -> None:
    services = ScriptedServices()
    messages = [f"{number:03}" + "x" * size for number in range(250)]

    assert buried(messages, services) == {(number, 0): Buried("bad") for number in range(250)}

    assert [letter["message"][:3] for letter in services.buried] == [message[:3] for message in messages]
    assert all(len(packet) <= LETTERS_SENT_AT_ONCE_MAX for packet in services.burials)
    assert all(sum(map(len, packet)) <= BYTES_SENT_AT_ONCE_MAX for packet in services.burials)
    assert len(services.burials) <= 3 + 2 * sum(map(len, messages)) // BYTES_SENT_AT_ONCE_MAX


def test_only_the_letters_of_a_request_that_failed_wait() -> None:
    verdicts = buried(["x"] * 150, ScriptedServices(troubles=["none", "away"]))

    waiting = [place for place, verdict in verdicts.items() if isinstance(verdict, Postponed)]
    assert waiting == [(number, 0) for number in range(100, 150)]


def test_without_letters_nothing_is_asked() -> None:
    services = ScriptedServices()

    assert buried([], services) == {}
    assert services.burials == []


def test_a_journal_that_cannot_be_read_is_a_letter_whole() -> None:
    journal = a_journal(*[an_entry(a_call(number, agent="コード" * 40)) for number in range(100)])

    letter = msgspec.json.decode(letter_text(DeadLetter("bad", journal)), type=DeadLetter)

    assert len(journal.encode()) > 60_000
    assert letter.message == journal


@pytest.mark.parametrize("character", ["x", "\x01", "\U0001f9e8"], ids=ascii)
def test_what_no_letter_can_hold_is_cut_until_one_can(character: str) -> None:
    text = letter_text(DeadLetter("bad", character * 200_000))

    assert len(text.encode()) <= LETTER_BYTES_MAX
    assert msgspec.json.decode(text, type=DeadLetter).message == character * 20_000
