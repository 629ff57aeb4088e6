"""Documents changed as they must be: read, change, and write what names the version that was read.

Where somebody was faster, the newer one is read and the same change made once more, if it is still the same: if what it
changes is as it was. Else two people want different things, and it is for them to say which.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..failures import CommandFailed, Exit
from .changes import Changes, Document, changes_between, with_changes
from .client import Api
from .pages import read_pages
from .refusals import Refused

Change = Callable[[Document], Document]
"""Makes the new document of the old one, which it may alter. May raise `CommandFailed`."""

VERSIONS_MAX = 50
"""On a page of a history."""

_TAG = re.compile(r'(?:W/)?"?([0-9]{1,15})"?')


@dataclass(frozen=True)
class Read:
    document: Document
    version: int


@dataclass(frozen=True)
class Edited:
    version: int
    warnings: list[dict[str, Any]]
    changes: Changes
    """Empty where there was nothing to change, and nothing was written."""


def read_document(api: Api, path: str, version: int | None = None) -> Read:
    answer = api.get(path, {"version": version})
    tag = _TAG.fullmatch(answer.headers.get("etag", "").strip())
    if tag is None or not isinstance(answer.document, dict):
        raise CommandFailed(f"{path} came without a version (ETag): something on the way removes it")
    return Read(answer.document, int(tag.group(1)))


def edit_document(api: Api, path: str, change: Change) -> Edited:
    """Raises `CommandFailed`, with the code of a conflict where somebody has changed the same."""
    first = read_document(api, path)
    after = change(copy.deepcopy(first.document))
    changes = changes_between(first.document, after)
    if not changes:
        return Edited(first.version, [], changes)
    try:
        return _written(api, path, first, after, changes)
    except Refused as refusal:
        if refusal.status != 412:
            raise
    second = read_document(api, path)
    try:
        after = change(copy.deepcopy(second.document))
    except CommandFailed:
        raise _conflict(path, first, second) from None
    if changes_between(second.document, after) != changes:
        raise _conflict(path, first, second)
    try:
        return _written(api, path, second, after, changes)
    except Refused as refusal:
        if refusal.status != 412:
            raise
    raise _conflict(path, first, read_document(api, path))


def made_once(make: Change) -> Change:
    """A change that cannot be made twice, such as by hand: of a newer document the same places are changed."""
    made: list[Changes] = []

    def change(document: Document) -> Document:
        if made:
            return with_changes(document, made[0])
        after = make(copy.deepcopy(document))
        made.append(changes_between(document, after))
        return after

    return change


def read_history(api: Api, path: str, limit: int | None) -> tuple[list[dict[str, Any]], str | None]:
    """Who wrote which version when, the youngest first."""
    versions, below, _ = read_pages(
        api, f"{path}/history", limit=limit, names=("versions", "next_below", "below"), page_max=VERSIONS_MAX
    )
    return versions, below


def _written(api: Api, path: str, read: Read, after: Document, changes: Changes) -> Edited:
    receipt = api.put(path, after, if_match=f'"{read.version}"').document
    return Edited(receipt["version"], receipt.get("warnings", []), changes)


def _conflict(path: str, first: Read, present: Read) -> CommandFailed:
    document = {
        "error": {
            "message": f"{path} was version {first.version} when it was read, and is version {present.version} now",
            "type": "cli_error",
            "code": "version_changed",
            "param": None,
            "read_version": first.version,
            "present_version": present.version,
        }
    }
    return CommandFailed(
        f"{path} was version {first.version} when it was read, and is version {present.version} now: somebody else has"
        " changed the same. Nothing was written",
        code=Exit.CONFLICT,
        advice="look at it and its history, and decide again",
        document=document,
    )
