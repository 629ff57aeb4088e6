"""`Sealing` by the platform's WebCrypto. Both Workers have it, each with a setting of its own."""

from collections.abc import Sequence

from bindings.ffi import JS_FAULTS, bytes_to_js, own_javascript
from core.tenant.sealed.form import SealingKey, read_sealed, sealed_text
from ports import CannotUnseal, NothingToSealWith


class WebCryptoSealing:
    """`Sealing` under the first of some keys; all of them open."""

    def __init__(self, keys: Sequence[SealingKey]) -> None:
        self._keys = {key.id: key for key in keys}
        self._present = keys[0] if keys else None

    @property
    def key_id(self) -> str | None:
        return None if self._present is None else self._present.id

    async def seal(self, text: str, bound_to: bytes) -> str:
        if self._present is None:
            raise NothingToSealWith
        key = self._present
        box = await own_javascript("webcrypto/sealing").seal(bytes_to_js(key.key), bytes_to_js(bound_to), text)
        return sealed_text(key.id, box.to_bytes())

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        parts = read_sealed(sealed)
        if parts is None:
            raise CannotUnseal("it is no sealed text")
        key = self._keys.get(parts.key_id)
        if key is None:
            raise CannotUnseal(f"it is sealed with the key {parts.key_id}, which KEY_ENCRYPTION_KEY does not have")
        given = (bytes_to_js(key.key), bytes_to_js(bound_to), bytes_to_js(parts.box))
        try:
            return str(await own_javascript("webcrypto/sealing").unseal(*given))
        except JS_FAULTS:
            raise CannotUnseal("it, or what it is bound to, is not as it was sealed") from None
