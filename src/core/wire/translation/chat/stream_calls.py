"""The tool calls of a chat stream, told from each other however a provider numbers them.

By the specification a call's first delta has its index, its id and its name, and those that follow have the index and a
piece of the arguments. Seen besides: no index, the index 0 for every call, the id or the name in every delta, no id at
all, one id for several calls, a call whole in one delta, an id before the name, calls that take turns.

Theory of operation. A delta belongs to the call that had its id, else to the one that last had its index, else (where
it has no index) to the last one. It begins a new one where there is none, where it has another name, where it has
another id and is no nameless piece of arguments that still lack something (some give each delta an id of its own), or
where it brings a name and arguments to a call whose arguments are whole. The rule easy to break: two calls that are
taken for one lose both; one that is taken for two loses its arguments.
"""

from collections.abc import Iterator

import msgspec

from core.wire.json_members import Members
from core.wire.translation.answer import Argued, Called, Heard
from core.wire.translation.call_arguments import Arguments
from core.wire.translation.chat.answer_reader import signature_in

JSONObject = dict[str, object]

_OLD_WAY = "function_call"
"""In place of an index."""
_DIGITS_MAX = 9


class _Call(msgspec.Struct):
    key: str
    id: str = ""
    name: str = ""
    arguments: Arguments = msgspec.field(default_factory=Arguments)
    """So far."""
    signature: str | None = None
    is_announced: bool = False


class Calls:
    """What never gets a name is no call: nobody could run it."""

    def __init__(self) -> None:
        self._all: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[object, _Call] = {}
        self._has_announced = False

    @property
    def has_any(self) -> bool:
        return self._has_announced

    def heard(self, said: object) -> Iterator[Heard]:
        """A delta's `tool_calls`."""
        for each in said if isinstance(said, list) else ():
            if isinstance(each, dict):
                function = _inner(each, "function") or _inner(each, "custom")
                yield from self._delta(_index(each.get("index")), _text(each, "id"), function, each)

    def heard_the_old_way(self, said: object) -> Iterator[Heard]:
        """A delta's `function_call`."""
        if isinstance(said, dict):
            yield from self._delta(_OLD_WAY, "", said, said)

    def _delta(self, index: object, id: str, function: JSONObject, delta: JSONObject) -> Iterator[Heard]:
        name, text = _text(function, "name"), _arguments_in(function)
        call = self._continued(index, id, name, text)
        if call is None:
            call = _Call(key=str(len(self._all)))
            self._all.append(call)
        call.id, call.name = call.id or id, call.name or name
        call.signature = call.signature or signature_in(Members(delta))
        if id:
            self._by_id[id] = call
        if index is not None:
            self._by_index[index] = call
        call.arguments.add(text)
        if call.is_announced:
            if text:
                yield Argued(call.key, text)
        elif call.name:
            call.is_announced = self._has_announced = True
            yield Called(call.key, call.id, call.name, call.signature)
            if written := call.arguments.text:
                yield Argued(call.key, written)

    def _continued(self, index: object, id: str, name: str, text: str) -> _Call | None:
        """The call that this goes on with."""
        call = self._at(index, id)
        if call is None:
            return None
        if name and call.name and name != call.name:
            return None
        is_other_id = bool(id and call.id and id != call.id)
        if is_other_id and (name or not text or call.arguments.are_whole):
            return None
        return None if name and text.strip() and call.arguments.are_whole else call

    def _at(self, index: object, id: str) -> _Call | None:
        """An id counts before an index, but not where the index is a new one: some give one id to several calls."""
        if index is None:
            return self._by_id.get(id) if id else (self._all[-1] if self._all else None)
        if index not in self._by_index:
            return None
        return self._by_id.get(id) or self._by_index[index]


def _index(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:_DIGITS_MAX])
    return int(value) if isinstance(value, int | float) else None


def _inner(members: JSONObject, name: str) -> JSONObject:
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def _text(members: JSONObject, name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _arguments_in(function: JSONObject) -> str:
    """A piece of text, or (of some who imitate the API) the whole object."""
    whole = function.get("arguments")
    if isinstance(whole, dict):
        return msgspec.json.encode(whole).decode()
    return _text(function, "arguments") or _text(function, "input")
