"""How deeply a JSON text is nested, found without recursion, before anything that recurses may touch it.

A decoder that recurses is safe on a desktop and is not in WebAssembly: there a text nested 1,000 deep ends the
interpreter and one nested 10,000 deep the whole runtime process (docs/platform-notes.md). Whoever decodes what a
stranger wrote asks here first.

Theory of operation. Without its strings a JSON text's brackets tell its depth. Escaped quotes are taken out, then
everything but quotes and brackets; between every other pair of quotes lies structure. What is left is a text of
parentheses, whose innermost pairs are removed until none is left: as often as it is deep. All of it runs at C speed.
A text that is not JSON may be found deeper than it is, never shallower up to where a decoder would stop reading.
"""

from core.limits import JSON_DEPTH_MAX

_KEPT = b'"[]{}'
_DROPPED = bytes(code for code in range(256) if code not in _KEPT)
_ALIKE = bytes.maketrans(b"[]{}", b"()()")


def is_too_deep(text: bytes) -> bool:
    """Whether brackets are open inside each other more than `JSON_DEPTH_MAX` deep."""
    if text.count(b"[") + text.count(b"{") <= JSON_DEPTH_MAX:
        return False
    brackets = _brackets(text)
    for _ in range(JSON_DEPTH_MAX):
        if b"(" * (JSON_DEPTH_MAX + 1) in brackets:
            return True
        fewer = brackets.replace(b"()", b"")
        if len(fewer) == len(brackets):
            return brackets.count(b"(") > JSON_DEPTH_MAX
        brackets = fewer
    return b"(" in brackets


def _brackets(text: bytes) -> bytes:
    """The structure alone: an opening and a closing parenthesis for each bracket outside of strings."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = text.translate(_ALIKE, _DROPPED)
    return b"".join(marks.split(b'"')[::2])
