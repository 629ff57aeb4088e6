"""A request without what was found in it: each finding gives way to a word in brackets, and nothing else changes.

Only strings that hold a finding are written anew; every other byte stays. JSON within a string stays JSON: a number in
it becomes a string. The rule easy to break: redacting what was redacted changes nothing and finds nothing.
"""

import msgspec

from core.risk.finding.member_names import is_like_json
from core.risk.finding.tags import PLACEHOLDERS, in_order
from core.risk.request_text import FoundInText, Text, found_in
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json


def redacted(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The body to send instead, and what was found, in the order of `TAGS`. Without a finding it is the same object.
    Raises `TooManyCandidates`."""
    pieces: list[bytes] = []
    tags: set[str] = set()
    done = 0
    waiting: list[FoundInText] = []
    for found in found_in(body):
        tags.add(found.tag)
        if waiting and waiting[-1].text is not found.text:
            done = _replace(body, done, waiting, pieces)
            waiting = []
        waiting.append(found)
    if not waiting:
        return body, ()
    done = _replace(body, done, waiting, pieces)
    return b"".join((*pieces, body[done:])), in_order(tags)


def _replace(body: bytes, done: int, findings: list[FoundInText], pieces: list[bytes]) -> int:
    """Add the body up to the end of a text, that text written anew; returns where it ends."""
    text = findings[0].text
    pieces += (body[done : text.start], msgspec.json.encode(_without(text, findings))[1:-1])
    return text.end


def _without(text: Text, findings: list[FoundInText]) -> str:
    """The text with its findings replaced."""
    whole = text.text
    strings = whole.replace(r"\\", "__").replace(r"\"", "__") if _is_json(whole) else None
    pieces: list[str] = []
    done = quotes = counted = 0
    for found in findings:
        start, placeholder = found.start, PLACEHOLDERS[found.tag]
        if strings is not None:
            quotes += strings.count('"', counted, start)
            counted = start
            if quotes % 2 == 0:  # a number: it becomes a string
                start -= whole[start - 1 : start] == "-"
                placeholder = f'"{placeholder}"'
        pieces += (whole[done:start], placeholder)
        done = found.end
    return "".join((*pieces, whole[done:]))


def _is_json(text: str) -> bool:
    if not is_like_json(text):
        return False
    data = text.encode("utf-8", "replace")
    try:
        return not is_too_deep(data) and read_json(data, msgspec.Raw) is not None
    except InvalidJSON:
        return False
