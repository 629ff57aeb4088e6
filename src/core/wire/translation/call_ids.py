"""The ids of tool calls: free ones where a provider gives none or one to several calls, and ones that a dialect takes.

The rule easy to break: an id that has to be made is made of the one that it stands for, so that the same history is the
same bytes on every turn.
"""

import re
from collections.abc import Container
from hashlib import sha256

_VISIBLE = "[!-~]"
_CONFORMING = {
    "anthropic_messages": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "openai_responses": re.compile(rf"{_VISIBLE}{{1,64}}"),
}
_CONFORMING_ON_CHAT = re.compile(rf"{_VISIBLE}{{1,40}}")
_CHARACTERS_MAX = {"anthropic_messages": 64, "openai_responses": 64}
_CHARACTERS_MAX_ON_CHAT = 40
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_HASH_CHARACTERS = 8


def free_id(wanted: str, taken: Container[str], number: int) -> str:
    """`number` is how many calls there were before."""
    candidate, copies = wanted or f"call_{number}", 1
    while candidate in taken:
        copies += 1
        candidate = f"{wanted or 'call'}_{copies}"
    return candidate


def conforms(id: str, dialect: str) -> bool:
    return _CONFORMING.get(dialect, _CONFORMING_ON_CHAT).fullmatch(id) is not None


def made_id(visible: str, seed: str, dialect: str) -> str:
    """Some of an id, to be known by, and a hash."""
    digest = sha256(seed.encode("utf-8", "replace")).hexdigest()[:_HASH_CHARACTERS]
    room = _CHARACTERS_MAX.get(dialect, _CHARACTERS_MAX_ON_CHAT) - _HASH_CHARACTERS - 1
    return f"{_ODD.sub('_', visible)[:room]}_{digest}"


def fitted_id(id: str, dialect: str) -> str:
    """The id as a caller of this dialect may send it to its own provider in a later turn."""
    return id if conforms(id, dialect) else made_id(id, id, dialect)
