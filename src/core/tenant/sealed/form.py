"""What a sealed text looks like, by which keys texts are sealed, and what each is bound to.

`v1.<key id>.<base64url of nonce, ciphertext and tag>`: AES-256-GCM with a random nonce of 96 bits. The key's id says
which of our keys opens it, so keys can be changed: the first one seals, all of them open. The rule easy to break: what
a text is bound to (its tenant, and what it is for) is authenticated and not stored, so that a sealed text which
somebody has moved to another tenant or another place does not open there.
"""

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field

import msgspec

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

KEYS_MAX = 10
"""More are none that somebody is changing."""

SEALED_CHARACTERS_MAX = 6_000
"""A text of 4,096 bytes and what sealing adds."""

_FORM = re.compile(r"v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)\Z")
_ENTRY = re.compile(r"([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)\Z")


class InvalidSealingKeys(ValueError):
    """The setting does not parse. The message says where, and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One of the deployment's keys."""

    id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed text, taken apart."""

    key_id: str
    box: bytes
    """Nonce, ciphertext and tag."""


def parse_sealing_keys(setting: str) -> tuple[SealingKey, ...]:
    """The keys of `id:base64,id:base64`, the one that seals first; none of an empty setting. Raises
    `InvalidSealingKeys`."""
    entries = [entry.strip() for entry in setting.split(",")] if setting.strip() else []
    if len(entries) > KEYS_MAX:
        raise InvalidSealingKeys(f"has more than {KEYS_MAX} keys")
    keys: list[SealingKey] = []
    for place, entry in enumerate(entries, start=1):
        match = _ENTRY.match(entry)
        if match is None:
            raise InvalidSealingKeys(f"must be id:key by commas, each key 32 bytes in base64; number {place} is not")
        if any(key.id == match[1] for key in keys):
            raise InvalidSealingKeys(f"names two keys alike; number {place} is the second")
        keys.append(SealingKey(match[1], b64decode(match[2])))
    return tuple(keys)


def bound_to(tenant: str, purpose: str) -> bytes:
    """What is authenticated beside a text: whose it is, and what for, such as `provider_key:openai`."""
    return msgspec.json.encode(("agentwatch.v1", tenant, purpose))


def sealed_text(key_id: str, box: bytes) -> str:
    return f"v1.{key_id}.{urlsafe_b64encode(box).decode().rstrip('=')}"


def read_sealed(text: str) -> Sealed | None:
    """The parts of a sealed text; None for what is none."""
    match = _FORM.match(text)
    if match is None:
        return None
    try:
        box = urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except NotBase64:
        return None
    return Sealed(match[1], box) if len(box) >= NONCE_BYTES + TAG_BYTES else None


def sealed_with(text: str) -> str | None:
    """The id of the key under which a text was sealed."""
    sealed = read_sealed(text)
    return None if sealed is None else sealed.key_id
