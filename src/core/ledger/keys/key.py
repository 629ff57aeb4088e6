"""A key as a value: its terms, and the tokens by which it is shown.

A key is a name, a budget and a history; a token is what opens it. Rotating gives it another token and leaves all else.
Tokens are numbered from the key's making, so whoever was let in by one says which, and an ended one opens nothing,
though its record is still read somewhere. The rule easy to break: a token's end is its own, the key's end is all its
tokens'.
"""

from typing import Annotated, Literal

import msgspec

from core.bounds import (
    ORIGIN_CHARACTERS_MAX,
    ORIGINS_PER_KEY_MAX,
    REQUESTS_PER_MINUTE_MAX,
    SCOPE_ID_CHARACTERS_MAX,
    TOKENS_PER_MINUTE_MAX,
)
from core.roles import Role

KeyState = Literal["active", "disabled", "expired", "revoked"]

OVERLAP_S_MAX = 30 * 24 * 3_600
"""How long the token before may go on: whoever has not changed it within a month will not."""

TOKENS_KEPT = 4
"""Of one key: its own, the one before, and two whose end is still being written down."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=SCOPE_ID_CHARACTERS_MAX)]
Origins = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=ORIGIN_CHARACTERS_MAX)], ...],
    msgspec.Meta(min_length=1, max_length=ORIGINS_PER_KEY_MAX),
]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""UTC milliseconds up to the end of the year 9999."""


class KeyTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an administrator says of a key. Its budget is an account of its own."""

    name: Name
    team: Name | None = None
    role: Role = "developer"
    expires_at_ms: Moment | None = None
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_MINUTE_MAX)] | None = None
    tokens_per_minute: Annotated[int, msgspec.Meta(ge=1, le=TOKENS_PER_MINUTE_MAX)] | None = None
    calls: bool = True
    origins: Origins | None = None
    """The web pages that it is for; None for a key that may be used from anywhere."""
    is_disabled: bool = False


class KeyToken(msgspec.Struct, frozen=True, array_like=True):
    """One token of a key: its digest (SHA-256, hexadecimal), and as much of it as people know it by."""

    number: int
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    start: Annotated[str, msgspec.Meta(max_length=16)]
    last_four: Annotated[str, msgspec.Meta(max_length=4)]
    ends_at_ms: Moment | None = None


class StoredKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key as its row has it. Every writing of it has the next version."""

    key_id: Name
    version: int
    terms: KeyTerms
    tokens: tuple[KeyToken, ...]
    """The youngest last."""
    created_at_ms: int
    created_by: str | None = None
    is_revoked: bool = False

    @property
    def token(self) -> KeyToken:
        return self.tokens[-1]

    def state(self, now_ms: int) -> KeyState:
        if self.is_revoked:
            return "revoked"
        if self.terms.is_disabled:
            return "disabled"
        return "expired" if has_come(self.terms.expires_at_ms, now_ms) else "active"

    def opens(self, token_number: int | None, now_ms: int) -> bool:
        """Is whoever was let in by this token to be let in? A record that names no token was written by hand, and
        opens no key that is kept here."""
        shown = next((each for each in self.tokens if each.number == token_number), None)
        return shown is not None and not has_come(shown.ends_at_ms, now_ms) and self.state(now_ms) == "active"

    def rotated_until_ms(self, now_ms: int) -> int | None:
        """How long the token before the present one goes on; None where it has ended."""
        if len(self.tokens) < 2 or has_come(self.tokens[-2].ends_at_ms, now_ms):
            return None
        return self.tokens[-2].ends_at_ms


def has_come(moment_ms: int | None, now_ms: int) -> bool:
    return moment_ms is not None and moment_ms <= now_ms


def changed(key: StoredKey, terms: KeyTerms) -> StoredKey:
    return msgspec.structs.replace(key, version=key.version + 1, terms=terms)


def revoked(key: StoredKey) -> StoredKey:
    return msgspec.structs.replace(key, version=key.version + 1, is_revoked=True)


def rotated(key: StoredKey, token: KeyToken, *, overlap_ms: int, now_ms: int) -> StoredKey:
    """The key with another token. The one before goes on for the overlap, and those before that end now."""
    before = [_ending(each, now_ms) for each in key.tokens[:-1]]
    last = _ending(key.token, now_ms + overlap_ms)
    added = msgspec.structs.replace(token, number=key.token.number + 1)
    return msgspec.structs.replace(key, version=key.version + 1, tokens=(*before, last, added)[-TOKENS_KEPT:])


def _ending(token: KeyToken, at_ms: int) -> KeyToken:
    ends_at_ms = at_ms if token.ends_at_ms is None else min(token.ends_at_ms, at_ms)
    return msgspec.structs.replace(token, ends_at_ms=ends_at_ms)
