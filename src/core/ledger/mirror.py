"""A session's numbers as one KV entry: late, and never the authority.

The Ledger writes it, the edge reads it: "exhausted" and "paused" may be believed, "still fine" may not. KV keeps an
entry for a day, as long as an idle session lives.
"""

import msgspec

from core.ledger.messages import AccountView
from core.wire.json_text import InvalidJSON, read_json


class SessionMirror(msgspec.Struct, frozen=True, kw_only=True):
    """The stored document."""

    spent_nanousd: int
    tokens: int
    limit_nanousd: int | None
    """The limit that refuses; a limit that only warns is none."""
    is_exhausted: bool = msgspec.field(name="exhausted")
    is_paused: bool = msgspec.field(name="paused")


def mirror_key(tenant: str, session_id: str) -> str:
    return f"t:{tenant}:s:{session_id}:budget"


def mirror_text(account: AccountView) -> str:
    """What KV is to say of a session."""
    limit = account.limit_nanousd if account.is_hard else None
    mirror = SessionMirror(
        spent_nanousd=account.spent_nanousd,
        tokens=account.prompt_tokens + account.completion_tokens,
        limit_nanousd=limit,
        is_exhausted=limit is not None and account.spent_nanousd >= limit,
        is_paused=account.is_paused,
    )
    return msgspec.json.encode(mirror).decode()


def read_mirror(text: str | None) -> SessionMirror | None:
    """What KV says; None where it says nothing, or nothing that can be read."""
    try:
        return None if text is None else read_json(text, SessionMirror)
    except InvalidJSON:
        return None
