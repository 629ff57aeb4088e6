"""A key of the Ledger as the edge reads it from KV: a record for each of its tokens, under the token's digest.

The record of a token that has ended says so for ever: a reader far away may hold an older one for a minute, and a
record that is gone would say that nobody knows the token, which a static map may.
"""

import msgspec

from core.ledger.keys.key import KeyToken, StoredKey
from core.tenant.credentials import KeyRecord


def record_text(key: StoredKey, token: KeyToken, tenant: str) -> str:
    """What is stored in KV under `key:{digest}`."""
    terms = key.terms
    ends = [moment for moment in (terms.expires_at_ms, token.ends_at_ms) if moment is not None]
    record = KeyRecord(
        tenant=tenant,
        team=terms.team,
        role=terms.role,
        key_id=key.key_id,
        disabled=key.is_revoked or terms.is_disabled,
        requests_per_minute=terms.requests_per_minute,
        expires_at_ms=min(ends, default=None),
        calls=terms.calls,
        origins=terms.origins,
        version=key.version,
        token_number=token.number,
    )
    return msgspec.json.encode(record).decode()


def record_of_token(key: StoredKey, token_number: int, tenant: str) -> str | None:
    """The record of one of the key's tokens."""
    token = next((each for each in key.tokens if each.number == token_number), None)
    return None if token is None else record_text(key, token, tenant)
