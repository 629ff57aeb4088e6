"""Streams of OpenAI's Responses API: numbered, typed events that build up a response item by item.

Whatever ends in `.delta` and carries text is output; which kind, its type's name says. Usage comes
once, inside the event that ends the response. To end a response early as the API itself does, what
is open must be known: finished items are kept as the JSON they came in, open ones as text so far.
"""

from dataclasses import dataclass

import msgspec

_ENDINGS = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
)


class _Item(msgspec.Struct):
    type: str | None = None
    name: str | None = None


class _IncompleteDetails(msgspec.Struct):
    reason: str | None = None


class _Error(msgspec.Struct):
    code: str | None = None
    type: str | None = None


class _Response(msgspec.Struct):
    model: str | None = None
    status: str | None = None
    service_tier: str | None = None
    usage: msgspec.Raw | None = None
    incomplete_details: _IncompleteDetails | None = None
    error: _Error | None = None


class _Event(msgspec.Struct):
    type: str
    sequence_number: int = 0
    output_index: int = 0
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    delta: str | dict[str, msgspec.Raw] | None = None
    item: msgspec.Raw | None = None
    response: msgspec.Raw | None = None
    code: str | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_response = msgspec.json.Decoder(_Response).decode


@dataclass(frozen=True, slots=True)
class _Place:
    """What the client has been told to expect: items open and done, by their place in the output."""

    response: bytes = b"{}"
    open_items: tuple[tuple[int, bytes], ...] = ()
    done_items: tuple[tuple[int, bytes], ...] = ()
