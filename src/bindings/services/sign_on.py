"""What single sign-on needs of the platform: a team's keys over `fetch`, and RS256 by WebCrypto.

Of a key its type and its two numbers are imported and nothing else, for one algorithm, and to verify alone.
"""

from js import AbortSignal, crypto, fetch
from pyodide.ffi import to_js

from bindings.deadlines import KEY_SERVER_MS
from bindings.ffi import JS_FAULTS, bytes_to_js, object_to_js, own_javascript
from core.bounds import ANSWERS_BYTES_MAX
from core.tenant.sign_on.key_set import KEY_SET_BYTES_MAX, PublicKey
from ports import KeyServerUnreachable

_SCHEME = "RSASSA-PKCS1-v1_5"


async def fetch_key_set(url: str) -> bytes:
    """What the team's server answers."""
    init = object_to_js({"headers": {"accept": "application/json"}, "redirect": "manual"})
    init.signal = AbortSignal.timeout(KEY_SERVER_MS)
    try:
        response = await fetch(url, init)
        body = own_javascript("bodies").Body.new(response.body)
        if response.status != 200:
            body.discard()
            raise KeyServerUnreachable
        whole = await body.whole(KEY_SET_BYTES_MAX, ANSWERS_BYTES_MAX)
    except JS_FAULTS as fault:
        raise KeyServerUnreachable from fault
    if whole is None:
        raise KeyServerUnreachable
    return bytes(whole.to_bytes())


async def is_signed(key: PublicKey, signed: bytes, signature: bytes) -> bool:
    """Is this the key's signature over these bytes?"""
    algorithm = object_to_js({"name": _SCHEME, "hash": "SHA-256"})
    stated = object_to_js({"kty": key.kty, "n": key.n, "e": key.e})
    try:
        imported = await crypto.subtle.importKey("jwk", stated, algorithm, False, to_js(["verify"]))
        return bool(await crypto.subtle.verify(_SCHEME, imported, bytes_to_js(signature), bytes_to_js(signed)))
    except JS_FAULTS:
        return False
