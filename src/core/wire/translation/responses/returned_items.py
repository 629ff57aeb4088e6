"""What we wrote in an answer, found in a later request that goes to OpenAI itself.

A caller repeats the items of earlier answers, also of those that another provider gave and we wrote. OpenAI looks up a
thought by its id and refuses the whole call for one that it never had. The rule easy to break: a request without such
items passes as it came, byte for byte.
"""

import msgspec

from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.responses.response_object import ID_STARTS

_MARK = b"_agentwatch_"
_OURS = tuple(ID_STARTS.values())
_THOUGHT = ID_STARTS["thinking"]


class _Named(msgspec.Struct):
    id: object = None


def without_our_items(body: bytes) -> bytes:
    """A Responses request without our thoughts, and without our ids on messages and calls, which stand for themselves.
    A body that its dialect has accepted."""
    if _MARK not in body:
        return body
    try:
        members = read_json(body, dict[str, msgspec.Raw])
        items = read_json(members.get("input", msgspec.Raw(b"null")), list[msgspec.Raw])
    except InvalidJSON:
        return body
    kept = [_kept(item) for item in items]
    if all(after is before for after, before in zip(kept, items, strict=True)):
        return body
    kept = [item for item in kept if item is not None]
    return msgspec.json.encode({**members, "input": kept})


def _kept(item: msgspec.Raw) -> msgspec.Raw | dict[str, msgspec.Raw] | None:
    try:
        id = read_json(item, _Named).id
    except InvalidJSON:
        return item
    if not isinstance(id, str) or not id.startswith(_OURS):
        return item
    if id.startswith(_THOUGHT):
        return None
    return {name: value for name, value in read_json(item, dict[str, msgspec.Raw]).items() if name != "id"}
