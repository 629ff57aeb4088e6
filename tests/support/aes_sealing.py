"""`Sealing` of the tests: the same form, by another implementation of AES-GCM than the Workers have."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.tenant.sealed.form import NONCE_BYTES, SealingKey, read_sealed, sealed_text
from ports import CannotUnseal, NothingToSealWith

FIRST, SECOND = SealingKey("k1", b"1" * 32), SealingKey("k2", b"2" * 32)


class AesSealing:
    """`Sealing` under the first of some keys; all of them open."""

    def __init__(self, *keys: SealingKey) -> None:
        self.keys: Sequence[SealingKey] = keys or (FIRST,)
        self.opened = 0
        """Texts opened so far."""

    @property
    def key_id(self) -> str | None:
        return self.keys[0].id if self.keys else None

    async def seal(self, text: str, bound_to: bytes) -> str:
        if not self.keys:
            raise NothingToSealWith
        nonce = os.urandom(NONCE_BYTES)
        return sealed_text(self.keys[0].id, nonce + AESGCM(self.keys[0].key).encrypt(nonce, text.encode(), bound_to))

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        parts = read_sealed(sealed)
        key = next((each for each in self.keys if parts is not None and each.id == parts.key_id), None)
        if parts is None or key is None:
            raise CannotUnseal("it is sealed with a key that is not there")
        nonce, rest = parts.box[:NONCE_BYTES], parts.box[NONCE_BYTES:]
        try:
            self.opened += 1
            return AESGCM(key.key).decrypt(nonce, rest, bound_to).decode()
        except InvalidTag:
            raise CannotUnseal("it, or what it is bound to, is not as it was sealed") from None
