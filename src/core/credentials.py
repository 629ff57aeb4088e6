"""Who is calling, read from headers: our token, and the provider key that may come with it.

Any SDK works unmodified because our token may stand wherever a provider's key would. A token is only ever compared
by its SHA-256 digest, and neither it nor a provider key is printed: both mask their `repr`.
The rule easy to break: every credential, however malformed, is digested and looked up in the same way, so that
timing tells nothing about which tokens exist.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

TOKEN_HEADERS = ("x-agentwatch-key", "authorization", "x-api-key", "x-goog-api-key", "api-key")
"""Where a token may stand, first match wins. The last four are where provider keys stand too."""

TenantId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
"""A tenant's id stands in KV keys between colons, so it may hold none: `a:s:b` would reach into tenant `a`."""

RequestsPerMinute = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Role = Literal["member", "admin"]

_TOKEN_START = re.compile(r"aw_(live|test)_")
_BEARER_PREFIX = "bearer "


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller presented: the digest of our token and, if given, a provider key of the caller's own."""

    token_digest: bytes
    provider_key: str | None = field(default=None, repr=False)
    provider_key_header: str | None = None
    """The header in which the provider key came; None when it came behind our token (`aw_live_x:sk-y`)."""


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a token stands for, as stored in KV under `key:{sha256 hex}` and in the static map."""

    tenant: TenantId
    team: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    role: Role = "member"
    key_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    disabled: bool = False
    requests_per_minute: RequestsPerMinute | None = None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def digest(token: str) -> bytes:
    """SHA-256 of a token: the only form in which tokens are compared or stored."""
    return hashlib.sha256(token.encode()).digest()


def is_token(value: str) -> bool:
    """Does a value look like a token of ours, whether or not anybody knows it?"""
    return _TOKEN_START.match(value) is not None


def read_credential(headers: Mapping[str, str]) -> Credential | None:
    """Find our token among lower-case `headers`; None when no header carries anything like one.

    `x-agentwatch-key` holds our token alone or with a provider key behind a colon; so do the providers' own
    headers. A provider header that does not hold our token holds the caller's own provider key.
    """
    for name in TOKEN_HEADERS:
        value = _bare_value(headers, name)
        if value is None or (name != "x-agentwatch-key" and not is_token(value)):
            continue
        token, _, behind_colon = value.partition(":")
        if behind_colon:
            return Credential(digest(token), behind_colon)
        own_key_header = _own_key_header(headers)
        own_key = None if own_key_header is None else _bare_value(headers, own_key_header)
        return Credential(digest(token), own_key, own_key_header)
    return None


def parse_key_record(document: bytes | str) -> KeyRecord:
    """Read a stored key record. Raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return msgspec.json.decode(document, type=KeyRecord)


def parse_token_map(document: str) -> tuple[tuple[bytes, KeyRecord], ...]:
    """Read the static map secret: JSON of token to tenant id, or to a key record.

    Raises `msgspec.ValidationError` or `msgspec.DecodeError`; their messages name places, never tokens, because
    map keys do not appear in them.
    """
    entries = msgspec.json.decode(document or "{}", type=dict[str, TenantId | KeyRecord])
    return tuple(
        (digest(token), KeyRecord(tenant=value) if isinstance(value, str) else value)
        for token, value in entries.items()
    )


def _bare_value(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "").strip()
    if name in ("authorization", "x-agentwatch-key") and value[: len(_BEARER_PREFIX)].lower() == _BEARER_PREFIX:
        value = value[len(_BEARER_PREFIX) :].strip()
    return value or None


def _own_key_header(headers: Mapping[str, str]) -> str | None:
    for name in TOKEN_HEADERS[1:]:
        value = _bare_value(headers, name)
        if value is not None and not is_token(value):
            return name
    return None
