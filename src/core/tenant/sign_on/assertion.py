"""An assertion read into its parts: a JSON Web Token in its compact form (RFC 7515, section 3.1), and only as
Cloudflare Access writes it.

Nothing here is believed yet: the claims are a stranger's until the signature over `signed`, the very bytes that came,
is verified. The rule easy to break: the algorithm is ours, not the token's, so any other than RS256 is refused before a
key is looked up, and a key that the token brings along is no key.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.tenant.document_text import objects_in, repeated_member
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json

ASSERTION_CHARACTERS_MAX = 16 * 1024
"""Access writes one to three thousand; all headers of a request together may be 128 KB."""

KEY_ID_CHARACTERS_MAX = 256

ALGORITHM = "RS256"

_REFUSED_MEMBERS = ("crit", "jku", "jwk", "x5u", "x5c")
"""Extensions that have to be understood, and keys that the token names or brings by itself."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class BadAssertion(ValueError):
    """It proves nothing. Why is for tests and never for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One token, not yet verified."""

    key_id: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    claims: Mapping[str, object] = field(repr=False)


def parse_assertion(text: str) -> Assertion:
    """Raises `BadAssertion`."""
    if len(text) > ASSERTION_CHARACTERS_MAX:
        raise BadAssertion("it is too long")
    parts = text.split(".")
    if len(parts) != 3:
        raise BadAssertion("it has not three parts")
    header, claims, signature = (decoded(part) for part in parts)
    return Assertion(
        key_id=_key_id(_members(header)),
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=signature,
        claims=_members(claims),
    )


def decoded(text: str) -> bytes:
    """The bytes of a text in base64url without padding (RFC 7515, section 2). Two texts never mean the same bytes.
    Raises `BadAssertion`."""
    if not _BASE64URL.fullmatch(text):
        raise BadAssertion("a part is not base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise BadAssertion("a part is not base64url") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise BadAssertion("a part is not in its canonical form")
    return data


def _key_id(header: Mapping[str, object]) -> str:
    if header.get("alg") != ALGORITHM:
        raise BadAssertion("its algorithm is not RS256")
    if any(name in header for name in _REFUSED_MEMBERS):
        raise BadAssertion("its header asks for more than a signature")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= KEY_ID_CHARACTERS_MAX:
        raise BadAssertion("it names no key")
    return key_id


def _members(text: bytes) -> Mapping[str, object]:
    """An object that says each thing once."""
    if is_too_deep(text):
        raise BadAssertion("a part is nested too deeply")
    try:
        members = read_json(text, dict[str, object])
    except InvalidJSON:
        raise BadAssertion("a part is no JSON object") from None
    if repeated_member(objects_in(text.decode())) is not None:
        raise BadAssertion("a part has a member twice")
    return members
