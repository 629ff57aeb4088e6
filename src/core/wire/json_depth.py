"""How deeply a JSON text is nested and how much is in it, found without recursion, before anything that recurses or
allocates may touch it.

A decoder that recurses is safe on a desktop and is not in WebAssembly: there a text nested 1,000 deep ends the
interpreter and one nested 10,000 deep the whole runtime process (docs/platform-notes.md). And one that makes an object
for each of a few million empty lists takes more memory than an isolate has. Whoever decodes what a stranger wrote asks
here first.

Theory of operation. Without its strings a JSON text's brackets tell its depth, its commas and colons how much it holds.
Escaped quotes are taken out, then everything but quotes and marks; between every other pair of quotes lies structure.
Of that the innermost pairs of brackets are removed until none is left: as often as it is deep. All of it runs at C
speed. A text that is not JSON may be found deeper than it is, never shallower up to where a decoder would stop reading.
"""

from core.bounds import JSON_CONTAINERS_MAX, JSON_DEPTH_MAX, JSON_MEMBERS_MAX, JSON_VALUES_MAX

_KEPT = b'"[]{},:'
_DROPPED = bytes(code for code in range(256) if code not in _KEPT)
_ALIKE = bytes.maketrans(b"[]{}", b"()()")


class Structure:
    """A JSON text without its strings and numbers."""

    __slots__ = ("_marks",)

    def __init__(self, text: bytes) -> None:
        if b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        marks = text.translate(_ALIKE, _DROPPED)
        self._marks = b"".join(marks.split(b'"')[::2])

    @property
    def members(self) -> int:
        """How many members all of its objects have, one given twice counted twice."""
        return self._marks.count(b":")

    @property
    def is_too_large(self) -> bool:
        """Whether it holds more lists and objects, or more values, than anyone should decode."""
        return (
            self._marks.count(b"(") > JSON_CONTAINERS_MAX
            or self.members > JSON_MEMBERS_MAX
            or self._marks.count(b",") > JSON_VALUES_MAX
        )

    @property
    def is_too_deep(self) -> bool:
        """Whether brackets are open inside each other more than `JSON_DEPTH_MAX` deep."""
        brackets = self._marks.translate(None, b",:")
        for _ in range(JSON_DEPTH_MAX):
            if b"(" * (JSON_DEPTH_MAX + 1) in brackets:
                return True
            fewer = brackets.replace(b"()", b"")
            if len(fewer) == len(brackets):
                return brackets.count(b"(") > JSON_DEPTH_MAX
            brackets = fewer
        return b"(" in brackets


def is_too_deep(text: bytes) -> bool:
    """The same of a text of which nothing else is asked."""
    return text.count(b"[") + text.count(b"{") > JSON_DEPTH_MAX and Structure(text).is_too_deep
