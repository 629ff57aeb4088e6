"""Journals: each entry ends as a row or as a letter of its own, whatever happens to the others."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.telemetry import CallRecord, to_wire
from dead_letters import keep
from sink import take
from storing import POSTS_MAX, ROWS_PER_POST_MAX
from tests.queue_consumer.records import AUTH, a_call, a_journal, an_entry
from tests.queue_consumer.scripted_services import POISON, ScriptedServices, Trouble
from verdicts import Buried, Postponed, Stored, Verdict


def deliver(texts: Sequence[str], services: ScriptedServices) -> list[Verdict]:
    return asyncio.run(take(texts, services))


def stored(services: ScriptedServices) -> set[str]:
    return {row["request_id"] for row in services.tables["llm_request_logs"].values()}


def letters(services: ScriptedServices) -> list[str]:
    return [letter["message"] for letter in services.buried]


def test_all_calls_of_a_batch_of_journals_are_one_post() -> None:
    services = ScriptedServices()
    texts = [a_journal(*[an_entry(a_call(10 * number + each)) for each in range(3)]) for number in range(4)]

    assert deliver([*texts, to_wire(a_call(99)), to_wire(AUTH)], services) == [*[Stored(3)] * 4, Stored(), Stored()]
    assert sorted(services.inserts) == [("auth_events", 1), ("llm_request_logs", 13)]


def test_a_row_has_what_only_the_ledger_knew() -> None:
    services = ScriptedServices()

    deliver([a_journal(an_entry(a_call(), overrun_nanousd=7, cumulative_tokens=900, session_id="s1"))], services)

    (row,) = services.tables["llm_request_logs"].values()
    assert (row["overrun_nanousd"], row["cumulative_tokens"], row["session_id"]) == (7, 900, "s1")


def test_a_journal_without_entries_is_done_with() -> None:
    assert deliver([a_journal()], ScriptedServices()) == [Stored(0)]


def test_a_call_that_the_database_refuses_is_buried_as_a_call_with_all_that_is_known() -> None:
    services = ScriptedServices()
    poison = a_call(2, project=POISON)

    verdicts = deliver([a_journal(an_entry(a_call(1)), an_entry(poison, overrun_nanousd=7))], services)

    assert verdicts == [Buried("400 22003 value out of range", letters=1, rows=1)]
    assert letters(services) == [to_wire(msgspec.structs.replace(poison, overrun_nanousd=7))]


UNREADABLE = [b"7", b"null", b"[]", b"{}", b'{"record":{"type":"call"}}', b'{"record":{"type":"auth"}}']


@pytest.mark.parametrize("entry", UNREADABLE, ids=repr)
def test_an_entry_that_cannot_be_read_is_buried_as_a_journal_of_itself(entry: bytes) -> None:
    services = ScriptedServices()
    raw = msgspec.Raw(entry)

    (verdict,) = deliver([a_journal(an_entry(a_call(1)), raw, an_entry(a_call(2)))], services)

    assert isinstance(verdict, Buried)
    assert (verdict.letters, verdict.rows) == (1, 2)
    assert letters(services) == [a_journal(raw)]


@pytest.mark.parametrize("entry", UNREADABLE, ids=repr)
def test_a_letter_that_still_cannot_be_read_is_buried_as_the_same_letter(entry: bytes) -> None:
    services = ScriptedServices()
    letter = a_journal(msgspec.Raw(entry))

    deliver([letter], services)

    assert letters(services) == [letter]


def test_no_post_has_more_rows_than_one_may_have() -> None:
    services = ScriptedServices()
    texts = [a_journal(*[an_entry(a_call(80 * number + each)) for each in range(80)]) for number in range(25)]

    assert deliver(texts, services) == [Stored(80)] * 25
    assert [rows for _, rows in services.inserts] == [ROWS_PER_POST_MAX] * 4


# What it costs ----------------------------------------------------------------------------------------------


def journals_with_poison(every: int, *, messages: int = 25, each: int = 80) -> list[str]:
    """2,000 calls, evenly mixed: the dearest places for the bad ones."""
    calls = [a_call(n, project=POISON if n % every == every - 1 else None) for n in range(messages * each)]
    return [a_journal(*map(an_entry, calls[first : first + each])) for first in range(0, len(calls), each)]


@pytest.mark.parametrize("every", [2_000, 400, 200, 100, 50])
def test_the_requests_of_a_batch_grow_with_its_bad_rows_and_not_with_the_good_ones(every: int) -> None:
    services = ScriptedServices()

    deliver(journals_with_poison(every), services)

    poison = 2_000 // every
    assert len(services.buried) == poison
    assert len(services.inserts) <= 2_000 / ROWS_PER_POST_MAX + 13 * poison
    assert len(services.burials) == 1


def test_one_bad_row_in_a_hundred_leaves_a_batch_far_below_what_an_invocation_may_ask() -> None:
    services = ScriptedServices()

    verdicts = deliver(journals_with_poison(100), services)

    assert not any(isinstance(verdict, Postponed) for verdict in verdicts)
    assert len(services.inserts) + len(services.burials) < 250


def test_a_batch_of_bad_rows_alone_gets_further_at_each_delivery_until_it_is_done() -> None:
    services = ScriptedServices()
    waiting = journals_with_poison(1)

    while waiting:
        services.inserts.clear()
        verdicts = deliver(waiting, services)
        assert len(services.inserts) <= POSTS_MAX
        assert not isinstance(verdicts[0], Postponed)
        waiting = [text for text, verdict in zip(waiting, verdicts, strict=True) if isinstance(verdict, Postponed)]

    assert len(set(letters(services))) == 2_000
    assert stored(services) == set()


def test_a_journal_as_long_as_they_come_is_done_with_though_all_of_it_is_bad() -> None:
    services = ScriptedServices()
    entries: list[msgspec.Raw] = []
    while len(a_journal(*entries)) < 60_000:
        entries.append(an_entry(a_call(len(entries), project=POISON, path="", price_version="")))

    (verdict,) = deliver([a_journal(*entries)], services)

    assert verdict == Buried("400 22003 value out of range", letters=len(entries))


# Nothing is lost ---------------------------------------------------------------------------------------------

Kind = Literal["good", "unreadable", "refused"]
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["good", "good", "unreadable", "refused"])
BATCHES = st.lists(st.lists(KINDS, max_size=8) | KINDS, min_size=1, max_size=6)
"""A list is a journal, a kind alone a message of its own."""
TROUBLES: st.SearchStrategy[list[Trouble]] = st.lists(
    st.sampled_from(["none", "none", "away", "unheard", "busy"]), max_size=12
)


class Numbered:
    """A batch of those kinds, each of its records with a number of its own."""

    def __init__(self, batch: list[list[Kind] | Kind]) -> None:
        self.kinds: dict[int, Kind] = {}
        self.message_of: dict[int, int] = {}
        self.letters: dict[str, int] = {}
        self.texts = [self._message(number, each) for number, each in enumerate(batch)]

    def _message(self, message: int, kinds: list[Kind] | Kind) -> str:
        if isinstance(kinds, list):
            return a_journal(*[self._entry(message, kind) for kind in kinds])
        number = self._count(message, kinds)
        text = f"nonsense {number}" if kinds == "unreadable" else to_wire(self._call(number))
        self.letters[text] = number
        return text

    def _entry(self, message: int, kind: Kind) -> msgspec.Raw:
        number = self._count(message, kind)
        if kind != "unreadable":
            self.letters[to_wire(self._call(number))] = number
            return an_entry(self._call(number))
        raw = msgspec.Raw(b'{"number":%d}' % number)
        self.letters[a_journal(raw)] = number
        return raw

    def _call(self, number: int) -> CallRecord:
        return a_call(number, project=POISON if self.kinds[number] == "refused" else None)

    def _count(self, message: int, kind: Kind) -> int:
        number = len(self.kinds)
        self.kinds[number], self.message_of[number] = kind, message
        return number


def ends(services: ScriptedServices, batch: Numbered) -> tuple[set[int], set[int]]:
    """The records that are rows, and those that are letters."""
    rows = {int(request_id.removeprefix("req_")) for request_id in stored(services)}
    return rows, {batch.letters[message] for message in letters(services)}


@settings(deadline=None)
@given(BATCHES, TROUBLES)
def test_every_record_ends_once_whatever_it_is_among_and_whatever_goes_wrong(
    kinds: list[list[Kind] | Kind], troubles: list[Trouble]
) -> None:
    batch, services = Numbered(kinds), ScriptedServices(troubles=list(troubles))
    good = {number for number, kind in batch.kinds.items() if kind == "good"}
    waiting = set(range(len(batch.texts)))

    for _ in range(len(troubles) + 1):
        places = sorted(waiting)
        verdicts = deliver([batch.texts[place] for place in places], services)
        waiting = {place for place, verdict in zip(places, verdicts, strict=True) if isinstance(verdict, Postponed)}
        rows, buried = ends(services, batch)
        assert rows <= good
        assert not buried & good
        assert all(batch.message_of[number] in waiting for number in batch.kinds.keys() - rows - buried)

    assert waiting == set()
    assert ends(services, batch) == (good, batch.kinds.keys() - good)


OTHER_LETTER = {"reason": "bad", "message": "another batch's"}


@settings(deadline=None)
@given(BATCHES, TROUBLES)
def test_what_was_buried_is_one_letter_each_which_can_be_delivered_again(
    kinds: list[list[Kind] | Kind], troubles: list[Trouble]
) -> None:
    batch, services = Numbered(kinds), ScriptedServices(troubles=list(troubles))
    deliver(batch.texts, services)
    services.troubles.clear()
    deliver(batch.texts, services)

    asyncio.run(keep([msgspec.json.encode(letter).decode() for letter in [OTHER_LETTER, *services.buried]], services))
    _, *kept = [row["message"] for row in services.tables["dead_letters"].values()]
    services.is_poison_good = True
    services.buried.clear()
    deliver(kept, services)

    unreadable = {number for number, kind in batch.kinds.items() if kind == "unreadable"}
    assert sorted(batch.letters[message] for message in kept) == sorted(
        number for number, kind in batch.kinds.items() if kind != "good"
    )
    assert ends(services, batch) == (batch.kinds.keys() - unreadable, unreadable)
