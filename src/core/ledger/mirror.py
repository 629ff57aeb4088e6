"""A session's numbers as one KV entry, late and never the authority: what it says, and which changes are worth a write.

The Ledger writes it, the edge reads it: "exhausted" and "paused" may be believed, "still fine" may not. KV keeps an
entry for a day, as long as an idle session lives. KV takes one write a second per key, at five times the price of a
row, and a mirror that is given up costs a question. So one is written when what a caller would be told changes, and
else now and then. That is told from the session before and after a change alone: nothing has to be remembered of what
was written, through any sleep.
"""

import msgspec

from core.ledger.account import Account
from core.ledger.messages import AccountView
from core.wire.json_text import InvalidJSON, read_json

SHARES = 10
"""A session with a limit is mirrored whenever another tenth of it is spent."""

UNLIMITED_EVERY_MS = 5 * 60_000
"""A session without one, at most this often."""

SOON_MS = 2_000
"""From a change of what a caller is told to its mirror. What else changes meanwhile is in the same write."""

LATER_MS = 60_000
"""From any other change worth a write: a session that spends all of its money in a minute is one write."""


class SessionMirror(msgspec.Struct, frozen=True, kw_only=True):
    """The stored document."""

    spent_nanousd: int
    tokens: int
    limit_nanousd: int | None
    """The limit that refuses; a limit that only warns is none."""
    is_exhausted: bool = msgspec.field(name="exhausted")
    is_paused: bool = msgspec.field(name="paused")
    ceiling_nanousd: int | None = None
    """By which it is exhausted, perhaps: another may have taken its place."""


def mirror_key(tenant: str, session_id: str) -> str:
    return f"t:{tenant}:s:{session_id}:budget"


def mirror_text(account: AccountView) -> str:
    """What KV is to say of a session."""
    mirror = SessionMirror(
        spent_nanousd=account.spent_nanousd,
        tokens=account.prompt_tokens + account.completion_tokens,
        limit_nanousd=_hard_limit_nanousd(account),
        is_exhausted=_is_exhausted(account),
        is_paused=account.is_paused,
        ceiling_nanousd=account.ceiling_nanousd,
    )
    return msgspec.json.encode(mirror).decode()


def read_mirror(text: str | None) -> SessionMirror | None:
    """What KV says; None where it says nothing, or nothing that can be read."""
    try:
        return None if text is None else read_json(text, SessionMirror)
    except InvalidJSON:
        return None


def is_stopped(account: Account) -> bool:
    """Does the session refuse calls, whatever they cost?"""
    return account.is_paused or _is_exhausted(account)


def mirror_after_ms(before: Account | None, after: Account) -> int | None:
    """How soon a change of a session is to be written, or None where it is not worth a write; `before` is None for a
    new one."""
    if before is None:
        before = msgspec.structs.replace(after, spent_nanousd=0, is_paused=False)
    if (before.is_paused, _is_exhausted(before)) != (after.is_paused, _is_exhausted(after)):
        return SOON_MS
    limit = _hard_limit_nanousd(after)
    if limit is None:
        is_news = _period(before) != _period(after)
    else:
        is_news = before.spent_nanousd * SHARES // limit != after.spent_nanousd * SHARES // limit
    return LATER_MS if is_news else None


def _is_exhausted(account: Account | AccountView) -> bool:
    limit = _hard_limit_nanousd(account)
    return limit is not None and account.spent_nanousd >= limit


def _hard_limit_nanousd(account: Account | AccountView) -> int | None:
    """The limit that refuses; one that only warns exhausts nobody."""
    return account.limit_nanousd if account.is_hard else None


def _period(account: Account) -> int:
    """In which period a session was last used: it lives for a fixed time after that."""
    return (account.resets_at_ms or 0) // UNLIMITED_EVERY_MS
