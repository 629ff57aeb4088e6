"""A tenant's keys as its Ledger knows them: who is let in, at which rates, when each was used, and whether the edge's
copies are the present ones.

A key that is not kept here was written into KV or into the static map by hand: the Ledger follows its budget and its
rates as it is told them. One that was kept here once, and cannot be read any more, opens nothing. The rule easy to
break: the row comes first, then memory; the copies in KV follow, however often they fail.
"""

import msgspec

from core.ledger.keys.key import KeyToken, StoredKey
from core.ledger.messages import RateLimits
from core.tenant.proofs.key_records import record_of_token, record_text
from durable_objects.outgoing.copies import CopyPace
from durable_objects.storage.key_rows import KeyRows

HOUR_MS = 3_600_000
KNOWN_MAX = 10_000
"""Keys in memory, those among them that are not kept here."""


class Keys:
    """One tenant's keys, read from their rows as somebody asks."""

    def __init__(self, rows: KeyRows, tenant: str) -> None:
        self.rows = rows
        self._tenant = tenant
        self._known: dict[str, StoredKey | None] = {}
        self._used_at_ms: dict[str, int] = {}
        """To the hour."""
        self._unwritten_uses: set[str] = set()
        self._uncopied = {key.key_id: key for key in rows.uncopied()}
        self._copy_pace = CopyPace()

    def find(self, key_id: str | None) -> StoredKey | None:
        if key_id is None:
            return None
        if key_id not in self._known:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[key_id] = self.rows.find(key_id)
        return self._known[key_id]

    def put(self, key: StoredKey) -> None:
        self.rows.put(key)
        self._known[key.key_id] = key
        self._uncopied[key.key_id] = key
        self._copy_pace.changed()

    # Who is let in ------------------------------------------------------------------------------------

    def refuses(self, key_id: str | None, token_number: int | None, now_ms: int) -> bool:
        key = self.find(key_id)
        if key is None:
            return token_number is not None
        return not key.opens(token_number, now_ms)

    def newer_record(self, key_id: str | None, token_number: int | None, version: int | None) -> str | None:
        """The record of the key as it is now, where whoever asks has another writing of it."""
        key = self.find(key_id)
        if key is None or token_number is None or key.version == version:
            return None
        return record_of_token(key, token_number, self._tenant)

    def rates(self, limits: RateLimits | None) -> RateLimits | None:
        """The rates to be held to: a key that is kept here has its own."""
        key = None if limits is None else self.find(limits.key_id)
        if limits is None or key is None:
            return limits
        return msgspec.structs.replace(
            limits,
            key_requests_per_minute=key.terms.requests_per_minute,
            key_tokens_per_minute=key.terms.tokens_per_minute,
        )

    # When it was used ---------------------------------------------------------------------------------

    def used(self, key_id: str | None, now_ms: int) -> bool:
        """In memory; a row once an hour, with the next checkpoint. Returns whether there is one to be written."""
        hour_ms = now_ms - now_ms % HOUR_MS
        if key_id is not None and self._used_at_ms.get(key_id) != hour_ms and self.find(key_id) is not None:
            self._used_at_ms[key_id] = hour_ms
            self._unwritten_uses.add(key_id)
        return bool(self._unwritten_uses)

    def used_at_ms(self, key_id: str) -> int | None:
        return self._used_at_ms.get(key_id) or self.rows.used_at_ms(key_id)

    def write_uses(self) -> None:
        for key_id in self._unwritten_uses:
            self.rows.put_used(key_id, self._used_at_ms[key_id])
        self._unwritten_uses.clear()

    # The copies in KV ---------------------------------------------------------------------------------

    def copy_due_at_ms(self) -> int | None:
        return self._copy_pace.due_at_ms if self._uncopied else None

    def uncopied(self, keys_max: int) -> list[StoredKey]:
        return list(self._uncopied.values())[:keys_max]

    def copies_of(self, key: StoredKey) -> list[tuple[str, str]]:
        """What KV is to have: an entry's name and its text, for each token."""
        return [(_entry(token), record_text(key, token, self._tenant)) for token in key.tokens]

    def copied(self, key: StoredKey) -> None:
        """The copies of this writing are in KV; there may be a later one meanwhile."""
        if self._uncopied.get(key.key_id) == key:
            self.rows.put_copied(key.key_id)
            del self._uncopied[key.key_id]
        self._copy_pace.written()

    def copy_failed(self, now_ms: int) -> None:
        self._copy_pace.failed(now_ms)


def _entry(token: KeyToken) -> str:
    return f"key:{token.digest}"
