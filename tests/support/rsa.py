"""RSA by bare arithmetic (RFC 8017, RSASSA-PKCS1-v1_5 with SHA-256): keys of our own to sign by, and a verification
that shares no line with the platform's. The private halves are made here and open nothing anywhere."""

import base64
import hashlib
import random
from dataclasses import dataclass
from functools import cache

from core.tenant.sign_on.key_set import PublicKey

E = 65_537
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class PrivateKey:
    n: int
    d: int

    @property
    def jwk(self) -> dict[str, str]:
        return {"kty": "RSA", "n": base64url(_bytes(self.n)), "e": base64url(_bytes(E))}

    def sign(self, signed: bytes) -> bytes:
        size_bytes = len(_bytes(self.n))
        return pow(int.from_bytes(_padded(signed, size_bytes)), self.d, self.n).to_bytes(size_bytes)


@cache
def a_key(number: int, bits: int = 2_048) -> PrivateKey:
    """Always the same one of this number."""
    chance = random.Random(f"{number}:{bits}")
    p, q = (_prime(bits // 2, chance) for _ in "pq")
    return PrivateKey(p * q, pow(E, -1, (p - 1) * (q - 1)))


async def is_signed(key: PublicKey, signed: bytes, signature: bytes) -> bool:
    modulus, exponent = (int.from_bytes(_from_base64url(each)) for each in (key.n, key.e))
    size_bytes = len(_bytes(modulus))
    if len(signature) != size_bytes or int.from_bytes(signature) >= modulus:
        return False
    return pow(int.from_bytes(signature), exponent, modulus).to_bytes(size_bytes) == _padded(signed, size_bytes)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _padded(signed: bytes, size_bytes: int) -> bytes:
    stated = _DIGEST_INFO + hashlib.sha256(signed).digest()
    return b"\x00\x01" + b"\xff" * (size_bytes - len(stated) - 3) + b"\x00" + stated


def _prime(bits: int, chance: random.Random) -> int:
    """A probable prime with its two highest bits set, so that two of them make twice as many bits; three rounds do, as
    nobody chose it to deceive."""
    small = [each for each in range(3, 2_000, 2) if all(each % other for other in range(3, int(each**0.5) + 1, 2))]
    while True:
        candidate = chance.getrandbits(bits) | 3 << (bits - 2) | 1
        if (
            all(candidate % prime for prime in small)
            and candidate % E != 1
            and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5))
        ):
            return candidate


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
