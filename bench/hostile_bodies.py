"""Request bodies of ten megabytes that look for a step of the reader that costs more than one pass. Pure.

Each is valid for its path, or refused after it was read: either way an isolate that is shared has to read it.
"""

from dataclasses import dataclass

BODY_BYTES = 9_900_000

_BLOB = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
_CHAT = "/v1/proxy/openai/v1/chat/completions"
_MESSAGES = "/v1/proxy/anthropic/v1/messages"
_RESPONSES = "/v1/proxy/openai/v1/responses"
_GEMINI = "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent"

_TEMPLATES = {
    "members": (_CHAT, '{"model":"gpt-4o-mini", "messages":[{"role":"user","content":"hi"}],@}'),
    "text": (_CHAT, '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"@"}]}'),
    "messages": (_CHAT, '{"model":"gpt-4o-mini","messages":[@]}'),
    "parts": (_CHAT, '{"model":"gpt-4o-mini","messages":[{"role":"user","content":[@]}]}'),
    "tools": (_CHAT, '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"tools":[@]}'),
    "member": (_CHAT, '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"x":@}'),
    "list": (_CHAT, '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"x":[@]}'),
    "blocks": (_MESSAGES, '{"model":"claude-sonnet-4-5","max_tokens":16,"messages":[{"role":"user","content":[@]}]}'),
    "items": (_RESPONSES, '{"model":"gpt-4o-mini","max_output_tokens":16,"input":[@]}'),
    "gemini": (_GEMINI, '{"contents":[{"role":"user","parts":[@]}]}'),
}
"""Where the bulk stands, at the `@`."""

_PIECES = {
    "members": ("members", '"m#":0', ","),
    "members of one name": ("members", '"user":"u"', ","),
    "messages": ("messages", '{"role":"user","content":"a"}', ","),
    "parts in swapped order": (
        "parts",
        '{"image_url":{"detail":"low","url":"data:image/png;base64,' + 2 * _BLOB + '#"},"type":"image_url"}',
        ",",
    ),
    "parts of Gemini's": ("gemini", '{"inlineData":{"data":"' + _BLOB + '","mimeType":"image/png"}}', ","),
    "blocks inside blocks": (
        "blocks",
        '{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a"}]}',
        ",",
    ),
    "signatures": ("blocks", '{"type":"thinking","thinking":"a","signature":"' + _BLOB + '"}', ","),
    "items by id": ("items", '{"type":"item_reference","id":"i#"}', ","),
    "tools": ("tools", '{"type":"function","function":{"name":"f#"}}', ","),
    "nested brackets": ("list", 50 * "[" + 50 * "]", ","),
    "names of references": ("list", '{"file_id":""}', ","),
    "plain text": ("text", "the quick brown fox ", ""),
    "escaped quotes": ("text", r"\"", ""),
    "escaped characters": ("text", r"\u00e9", ""),
    "halves of surrogates": ("text", r"\ud83d", ""),
    "backslashes": ("text", r"\\", ""),
    "brackets in text": ("text", "[{", ""),
    "digits": ("member", "1", ""),
}
"""What the bulk is made of: where it stands, one piece (`#` is its number), and what joins pieces."""


@dataclass(frozen=True, slots=True)
class HostileBody:
    path: str
    body: bytes


def hostile_bodies() -> dict[str, HostileBody]:
    """By what they are full of; each of about `BODY_BYTES`."""
    return {name: _body(*recipe) for name, recipe in _PIECES.items()}


def _body(template: str, piece: str, joint: str) -> HostileBody:
    path, frame = _TEMPLATES[template]
    count = BODY_BYTES // (len(piece + joint) + 5 * piece.count("#"))
    if "#" not in piece:
        bulk = joint.join([piece] * count)
    else:
        bulk = joint.join(piece.replace("#", str(number)) for number in range(count))
    return HostileBody(path, frame.replace("@", bulk, 1).encode())
