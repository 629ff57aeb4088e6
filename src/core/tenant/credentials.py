"""Who is calling, read from headers: our token, and the provider keys that may come with it.

Any SDK works unmodified because our token may stand wherever a provider's key would; and where a client can set nothing
but a key, its session's id stands behind the token (`aw_live_…~run-42`). A token is only ever compared by its SHA-256
digest, and neither it nor a provider key is printed: both mask their `repr`. Whose a provider key is,
`core.tenant.provider_keys` decides.
The rule easy to break: every credential, however malformed, is digested and looked up in the same way, so that
timing tells nothing about which tokens exist.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec

from core.bounds import REQUESTS_PER_MINUTE_MAX
from core.roles import Role
from core.tenant.provider_keys import KEY_HEADERS, OwnKey, is_placeholder, issuer_of, own_key_behind_token, own_keys_in
from core.wire.json_text import read_json

TOKEN_HEADERS = ("x-agentwatch-key", *KEY_HEADERS)
"""Where a token may stand, first match wins. All but the first are where provider keys stand too."""

TENANT_ID = r"^[A-Za-z0-9_.-]{1,64}$(?!\n)"
TenantId = Annotated[str, msgspec.Meta(pattern=TENANT_ID)]
"""A tenant's id stands in KV keys between colons, so it may hold none: `a:s:b` would reach into tenant `a`."""

PerMinute = Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_MINUTE_MAX)]

_TOKEN_START = re.compile(r"aw_(live|test)_")
_TOKEN_ANYWHERE = re.compile(r"(?<![A-Za-z0-9])aw_(live|test)_")
_SESSION_START = "~"
"""Behind it a session's id. No token and no id has one, and it is as good in an address (RFC 3986) as in a bearer token
(RFC 6750). A provider key may have one, so that comes last."""

_KEY_START = "sk-"
"""Of OpenAI's keys, and of those that many gateways make after them."""

_BEARER_PREFIX = "bearer "
_ONE_WORD = re.compile(r"[!-~]+")
_QUERY_KEY = "?key"
"""Where Google's API takes a key in the address. It stands beside the headers under a name that no header can have."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller presented: the digest of our token and, if given, provider keys of the caller's own."""

    token_digest: bytes
    own_keys: tuple[OwnKey, ...] = ()
    sessions: tuple[str, ...] = ()
    """What stands behind the token as a session's id, wherever a token stands. Nobody has looked at it yet: a token has
    to be good first."""


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a token stands for, as stored in KV under `key:{sha256 hex}` and in the static map."""

    tenant: TenantId
    team: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    role: Role = "member"
    key_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    disabled: bool = False
    requests_per_minute: PerMinute | None = None
    """What it is held to where the Ledger does not know the key itself."""
    expires_at_ms: int | None = None
    """Of the key, or of this token of it: one that was rotated has an end of its own."""
    calls: bool = True
    """False for a key that only administers: what it opens is then worth less to whoever finds it with an agent."""
    origins: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None
    """The web pages that it is for; None for a key that may be used from anywhere."""
    version: int | None = None
    """Which writing of the key this is a copy of; None for a record that was written by hand."""
    token_number: int | None = None
    """Which of the key's tokens this is: they are counted from its making."""


def digest(token: str) -> bytes:
    """SHA-256 of a token: the only form in which tokens are compared or stored."""
    return hashlib.sha256(token.encode()).digest()


def is_token(value: str) -> bool:
    """Does a value look like a token of ours, whether or not anybody knows it?"""
    return _TOKEN_START.match(value) is not None


def has_token(text: str) -> bool:
    """Is one in it anywhere?"""
    return _TOKEN_ANYWHERE.search(text) is not None


def read_credential(headers: Mapping[str, str], query: str = "") -> Credential | None:
    """Find our token among lower-case `headers`, or in the query's `key`; None when nothing there is like one.

    `x-agentwatch-key` holds our token, alone or with a session behind a tilde and a provider key behind a colon; so do
    the providers' own places.
    A provider's place that does not hold our token may hold the caller's own key for that provider.
    """
    values = _presented(headers, query)
    tokens = [value for name, value in values.items() if name == "x-agentwatch-key" or is_token(value)]
    if not tokens:
        return None
    parts = [_parts_of(value) for value in tokens]
    token, _, key = parts[0]
    others = {place: other for place, other in values.items() if place in KEY_HEADERS and not is_token(other)}
    behind_token = () if key is None else (key,)
    sessions = tuple(session for _, session, _ in parts if session is not None)
    return Credential(digest(token), (*behind_token, *own_keys_in(others)), sessions)


def _parts_of(value: str) -> tuple[str, str | None, OwnKey | None]:
    """A token, what stands behind its tilde, and the key behind its colon. Behind a session a key is named or begins as
    keys do: else an id that is written with a colon would be shown to a provider."""
    before_colon, _, behind_colon = value.partition(":")
    token, tilde, session = before_colon.partition(_SESSION_START)
    key = own_key_behind_token(behind_colon) if behind_colon else None
    if not tilde:
        return token, None, key
    if key is None or key.provider or _is_like_a_key(key.value):
        return token, session, key
    return token, f"{session}:{behind_colon}", None


def _is_like_a_key(value: str) -> bool:
    return not is_placeholder(value) and (issuer_of(value) is not None or value.startswith(_KEY_START))


def parse_key_record(document: bytes | str) -> KeyRecord:
    """Read a stored key record. Raises `InvalidJSON`."""
    return read_json(document, KeyRecord)


def parse_token_map(document: str) -> tuple[tuple[bytes, KeyRecord], ...]:
    """Read the static map secret: JSON of token to tenant id, or to a key record.

    Raises `InvalidJSON`; its message names places, never tokens, because map keys do not appear in it.
    """
    entries = read_json(document or "{}", dict[str, TenantId | KeyRecord])
    return tuple(
        (digest(token), KeyRecord(tenant=value) if isinstance(value, str) else value)
        for token, value in entries.items()
    )


def _presented(headers: Mapping[str, str], query: str) -> dict[str, str]:
    """What stands in the places for tokens and keys, in their order. A value of two words (`Basic …`) is neither."""
    values = {name: _without_bearer(name, headers.get(name, "").strip()) for name in TOKEN_HEADERS}
    in_query = [text for name, text in parse_qsl(query) if name == "key"]
    values |= {_QUERY_KEY + number * "'": text for number, text in enumerate(reversed(in_query))}
    return {name: value for name, value in values.items() if _ONE_WORD.fullmatch(value)}


def _without_bearer(name: str, value: str) -> str:
    if name in ("authorization", "x-agentwatch-key") and value[: len(_BEARER_PREFIX)].lower() == _BEARER_PREFIX:
        return value[len(_BEARER_PREFIX) :].strip()
    return value
