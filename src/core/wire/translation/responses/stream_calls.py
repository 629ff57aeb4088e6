"""The tool calls of one Responses stream: which event belongs to which call, and what of its arguments was told.

An event names its item by its place in the output, by its id, or by both, and imitators leave out one or the other. The
rule easy to break: arguments may come in pieces, whole at the end, or with the announcement of the call, or in several
of these ways at once; each is told once.
"""

from collections.abc import Iterator

import msgspec

from core.wire.json_members import Members
from core.wire.translation.answer import Argued, CallDone, Called, Heard
from core.wire.translation.call_arguments import is_object
from core.wire.translation.responses.answer_reader import arguments_in

Places = tuple[str, ...]


class _Call(msgspec.Struct):
    key: str
    id: str
    argued: int = 0
    """How many characters of its arguments were told."""
    announced: str = ""
    """Arguments that came with its announcement and wait: pieces may follow that go on from there, or repeat them."""


class Calls:
    """`places` are an item's names in the stream."""

    def __init__(self) -> None:
        self._all: list[_Call] = []
        self._by_place: dict[str, _Call] = {}
        self._early: dict[str, str] = {}
        """Arguments of calls that were not announced yet."""

    def added(self, places: Places, item: Members) -> Iterator[Heard]:
        """Another call at a place that is taken is a new one."""
        call_id = item.word("call_id")
        known = self._at(places)
        if known is not None and call_id in ("", known.id):
            return
        call = _Call(key=str(len(self._all)), id=call_id or item.word("id"), announced=arguments_in(item))
        self._all.append(call)
        self._by_place.update(dict.fromkeys(places, call))
        yield Called(call.key, call.id, item.word("name"))
        for place in places:
            if early := self._early.pop(place, ""):
                yield from self._argued(call, early)

    def written(self, places: Places, text: str) -> Iterator[Heard]:
        call = self._at(places)
        if call is not None:
            yield from self._argued(call, text)
        elif places:
            self._early[places[0]] = self._early.get(places[0], "") + text

    def completed(self, places: Places, whole: str) -> Iterator[Heard]:
        """`whole` is empty where only the end is told."""
        call = self._at(places)
        if call is None:
            if places and whole:
                self._early[places[0]] = whole
            return
        yield from self._rest(call, whole or call.announced)
        yield CallDone(call.key)

    def finished(self) -> Iterator[Heard]:
        """Nothing more comes."""
        for call in self._all:
            yield from self._rest(call, call.announced)

    def _at(self, places: Places) -> _Call | None:
        return next((self._by_place[place] for place in places if place in self._by_place), None)

    def _argued(self, call: _Call, text: str) -> Iterator[Heard]:
        if call.announced and not is_object(call.announced):
            text = call.announced + text
        call.announced = ""
        call.argued += len(text)
        yield Argued(call.key, text)

    def _rest(self, call: _Call, whole: str) -> Iterator[Heard]:
        rest = whole[call.argued :]
        call.announced = ""
        call.argued += len(rest)
        if rest:
            yield Argued(call.key, rest)
