"""The keys by which a team signs, out of what its server answers (JWK Set, RFC 7517).

Of each key three things are taken, its type and the two numbers; whatever else is written beside them, private parts
or certificates, is left there. A key that is not for RS256 is no key here. The rule easy to break: what an import makes
of a key is decided by us, so a weak modulus or an exponent of one never gets that far.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.tenant.sign_on.assertion import ALGORITHM, KEY_ID_CHARACTERS_MAX, BadAssertion, decoded
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json

KEY_SET_BYTES_MAX = 64 * 1024
"""Access answers some six thousand: two keys, and the certificates of both."""

KEYS_MAX = 16

MODULUS_BITS_MIN, MODULUS_BITS_MAX = 2_048, 4_096
"""RFC 7518, section 3.3, has the least; a longer one than the most only takes time."""

EXPONENT_MAX = 2**32


class InvalidKeySet(ValueError):
    """No set of keys, or none in it that could be used."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key for RS256 as it is imported: modulus and exponent in base64url."""

    n: str
    e: str
    kty: Literal["RSA"] = "RSA"


class _Key(msgspec.Struct, frozen=True):
    kty: str = ""
    kid: str = ""
    alg: str | None = None
    use: str | None = None
    n: str = ""
    e: str = ""


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[_Key]


def parse_key_set(text: bytes) -> Mapping[str, PublicKey]:
    """The usable keys by their ids; of two with one id the first. Raises `InvalidKeySet`."""
    if len(text) > KEY_SET_BYTES_MAX or is_too_deep(text):
        raise InvalidKeySet("the set is too long or too deep")
    try:
        stated = read_json(text, _KeySet).keys
    except InvalidJSON as error:
        raise InvalidKeySet(f"the set cannot be read: {error}") from None
    usable = {key.kid: PublicKey(key.n, key.e) for key in reversed(stated[:KEYS_MAX]) if _is_usable(key)}
    if not usable:
        raise InvalidKeySet("no key in it is for RS256")
    return usable


def _is_usable(key: _Key) -> bool:
    if key.kty != "RSA" or key.alg not in (None, ALGORITHM) or key.use not in (None, "sig"):
        return False
    if not 0 < len(key.kid) <= KEY_ID_CHARACTERS_MAX:
        return False
    try:
        modulus, exponent = (int.from_bytes(decoded(number)) for number in (key.n, key.e))
    except BadAssertion:
        return False
    is_strong = MODULUS_BITS_MIN <= modulus.bit_length() <= MODULUS_BITS_MAX and modulus % 2 == 1
    return is_strong and 1 < exponent <= EXPONENT_MAX and exponent % 2 == 1
