"""What a tool call came to: its content without what differs each time and means nothing, and its marks of failure.

Only clear marks count, in the first two levels of what is an object, or was one before it was written as text. A text
that sounds like an error is none: tools print such words when all is well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.wire.media.walk import folded
from core.wire.steps.asides import without_asides
from core.wire.steps.digests import stand_in
from core.wire.steps.outline import canonical, within

_TEXTS = ("text", "input_text", "output_text")

_UNSTEADY = frozenset(
    ("cachecontrol", "callid", "toolcallid", "tooluseid", "requestid", "traceid", "chunkid", "encryptedcontent",
     "encryptedindex", "encryptedstdout", "duration", "durationms", "durations", "durationseconds", "elapsed",
     "elapsedms", "elapsedseconds", "executiontime", "executiontimems", "walltime", "walltimems", "walltimeseconds",
     "timestamp", "startedat", "finishedat", "completedat", "pid", "pgid")
)  # fmt: skip
"""Members, their names folded, that are another thing each time although nothing has changed. An `id` or a moment of
the data itself stays: it may be what has changed."""

_UNSTEADY_WORDS = ("Wall time: ", "Chunk ID: ", "Process Group PGID: ")
_UNSTEADY_LINE = re.compile(r"^(?:Wall time|Chunk ID|Process Group PGID): [^\n]*\n?", re.MULTILINE)
"""Lines that Codex and Gemini's CLI write around what a command printed."""

_EXIT_LINE = re.compile(r"Exit code: ([0-9]{1,10})\nWall time: ")
"""How Codex begins the result of a command."""

_KEPT_BYTES = 1_024
"""A text of a result that is longer is kept as a digest."""

_EXIT_CODES = ("exitcode", "exitstatus", "returncode")
_HOLD_EXIT_CODES = ("metadata", "outcome")
_FAILED_STATES = ("failed", "error")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a tool call, and whether it is marked as an error."""

    call_id: object
    content: object
    has_failed: bool


def outcome(call_id: object, content: object, *, is_marked: bool = False) -> Outcome:
    """What a result came to. A text alone and a list of one text part are the same: clients write a list where they
    mark the last result for the provider's cache."""
    pieces = content if isinstance(content, list) else [] if content is None else [content]
    told = [_told(piece) for piece in pieces]
    return Outcome(call_id, [plain for plain, _ in told], is_marked or any(has_failed for _, has_failed in told))


def steady(value: object, levels: int = 2) -> object:
    """A tool's own data without what is another thing each time."""
    if isinstance(value, str):
        return _steady_text(value)
    if not levels or not isinstance(value, dict):
        return value
    return {name: steady(member, levels - 1) for name, member in value.items() if folded(name) not in _UNSTEADY}


def _told(piece: object) -> tuple[object, bool]:
    """What is left of a piece, and whether it is marked as an error. What was a text is one again at once, or a
    digest: a step may have hundreds, and objects take many times the length of their text."""
    text = _text_of(piece)
    if text is None:
        return steady(piece), _tells_failure(piece)
    said = within(text) if text[:1] == "{" else text
    plain = _steady_text(text).encode() if said is text else canonical(steady(said))
    return plain.decode() if len(plain) <= _KEPT_BYTES else stand_in(plain), _tells_failure(said)


def _text_of(piece: object) -> str | None:
    """The text of what is a text, or a part that is one and nothing else."""
    if isinstance(piece, str):
        return piece
    text = piece.get("text") if isinstance(piece, dict) and piece.get("type") in _TEXTS else None
    return text if isinstance(text, str) else None


def _steady_text(text: str) -> str:
    text = without_asides(text)
    for words in _UNSTEADY_WORDS:
        if words in text:
            return _UNSTEADY_LINE.sub("", text)
    return text


def _tells_failure(said: object) -> bool:
    if isinstance(said, str):
        exit_line = _EXIT_LINE.match(said)
        return exit_line is not None and int(exit_line[1]) != 0
    return isinstance(said, dict) and _is_failure({folded(name): member for name, member in said.items()})


def _is_failure(members: Mapping[str, object]) -> bool:
    kind = members.get("type")
    return (
        bool(members.get("error"))
        or members.get("iserror") is True
        or members.get("status") in _FAILED_STATES
        or (isinstance(kind, str) and kind.endswith("_error"))
        or _ended_badly(members)
        or any(_ended_badly(inner) for inner in map(members.get, _HOLD_EXIT_CODES) if isinstance(inner, dict))
    )


def _ended_badly(members: Mapping[str, object]) -> bool:
    if members.get("type") == "timeout":
        return True
    return any(folded(name) in _EXIT_CODES and type(code) is int and code != 0 for name, code in members.items())
