"""The arguments of a tool call as the text of one JSON object, whatever a model or a caller's history has there."""

import msgspec

from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json

NO_ARGUMENTS = "{}"

LOOKS = 32
"""How often all of a call's arguments are looked at before they are complete by their dialect's word."""


def object_text(text: str) -> str:
    """The same text where it is an object. A call without arguments has empty ones; what is broken is put into an
    object as it is, since a call that was left out would leave its result without one."""
    if not text.strip():
        return NO_ARGUMENTS
    return text if is_object(text) else msgspec.json.encode({"arguments": text}).decode()


def is_object(text: str) -> bool:
    """Whether this is a whole JSON object, and not so deep that looking would be dangerous."""
    if not text.rstrip().endswith("}") or is_too_deep(text.encode("utf-8", "replace")):
        return False
    try:
        read_json(text, dict[str, object])
    except InvalidJSON:
        return False
    return True


class Arguments:
    """Those of one call as they come, piece by piece. Whether they are whole is looked at again and again, but in all
    no more than some times their length: of those that always end like an object and never are one, it is then taken
    that they are not."""

    __slots__ = ("_last", "_length", "_looked_at", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._looked_at = 0
        self._last = ""
        """The last character that is no white space."""

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)
        self._last = text.rstrip()[-1:] or self._last

    @property
    def text(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def are_whole(self) -> bool:
        if self._last != "}" or self._looked_at > LOOKS * self._length:
            return False
        self._looked_at += self._length
        return is_object(self.text)
