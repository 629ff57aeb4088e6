"""What a change of a document comes to, place by place, so that it can be made again of a document that is newer.

A place is the way to a value through objects. Rules are told apart by their ids, wherever they stand; every other list
is one value. The same places with the same old and new values are the same change.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Document = dict[str, Any]
Place = tuple[str, ...]


class Absent:
    """What stands where nothing does: null is a value."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()

Changes = dict[Place, tuple[Any, Any]]
"""By place: what was there, and what is to be."""

_BY_ID = "rules"
"""The list whose entries are told apart by their ids."""


def changes_between(before: Document, after: Document) -> Changes:
    old, new = dict(_values(_keyed(before))), dict(_values(_keyed(after)))
    places = [*old, *(place for place in new if place not in old)]
    return {
        place: (old.get(place, ABSENT), new.get(place, ABSENT))
        for place in places
        if not _is_same(old.get(place, ABSENT), new.get(place, ABSENT))
    }


def with_changes(document: Document, changes: Changes) -> Document:
    """The document with each change made, whatever stands there."""
    changed = _keyed(document)
    for place, (_, new) in changes.items():
        within = changed
        for name in place[:-1]:
            if not isinstance(within.get(name), dict):
                within[name] = {}
            within = within[name]
        if new is ABSENT:
            within.pop(place[-1], None)
        else:
            within[place[-1]] = copy.deepcopy(new)
    if isinstance(changed.get(_BY_ID), dict):
        changed[_BY_ID] = list(changed[_BY_ID].values())
    return changed


def _keyed(document: Document) -> Document:
    """Its rules by their ids, if each has one."""
    keyed = copy.deepcopy(document)
    listed = keyed.get(_BY_ID)
    if isinstance(listed, list) and all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in listed):
        by_id = {each["id"]: each for each in listed}
        if len(by_id) == len(listed):
            keyed[_BY_ID] = by_id
    return keyed


def _values(document: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, Any]]:
    for name, value in document.items():
        is_rule = place == (_BY_ID,)
        if isinstance(value, dict) and value and not is_rule:
            yield from _values(value, (*place, name))
        else:
            yield (*place, name), value


def _is_same(one: Any, other: Any) -> bool:
    """True is not 1."""
    return type(one) is type(other) and bool(one == other)
