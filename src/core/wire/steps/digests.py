"""Keyed digests: they tell whether two things of one tenant are the same, and nothing else.

A digest without a key could be looked up: whoever guesses a prompt can test the guess. The key is made of what all
isolates of a deployment share and nobody else knows, and of the tenant: digests of two tenants never compare. The rule
easy to break: a digest is compared with its own kind only, so each kind has a name that goes into it.
"""

import hashlib
from collections.abc import Iterable

DIGEST_BYTES = 8
"""Of a digest: 16 characters in hexadecimal. Two of one tenant's million prompts are alike once in 40 million."""

_KEY_BYTES = 32
_LONG_TEXT_BYTES = 32


def digest_key(secrets: Iterable[bytes], tenant: str) -> bytes:
    """The key for one tenant's digests. `secrets` in any order; of a deployment that has none, what a digest was made
    of can be guessed at and confirmed."""
    root = hashlib.blake2b(digest_size=_KEY_BYTES, person=b"digest root")
    for secret in sorted(secrets):
        root.update(len(secret).to_bytes(8, "big") + secret)
    return hashlib.blake2b(tenant.encode(), key=root.digest(), digest_size=_KEY_BYTES, person=b"digest key").digest()


def prompt_digest(body: bytes, *, key: bytes) -> str:
    """Of a whole request, byte for byte."""
    return keyed_digest(body, kind=b"prompt", key=key)


def keyed_digest(data: bytes, *, kind: bytes, key: bytes) -> str:
    assert key, "a digest without a key can be looked up"
    return hashlib.blake2b(data, key=key, digest_size=DIGEST_BYTES, person=kind).hexdigest()


def stand_in(text: bytes) -> str:
    """What stands for a long text inside what is digested with the key: still 64 characters long."""
    return hashlib.blake2b(text, digest_size=_LONG_TEXT_BYTES).hexdigest()
