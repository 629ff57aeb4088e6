"""Tokens for the database of records: JSON Web Tokens (RFC 7519, HS256) that live a minute.

What a token names decides which rows its bearer sees, by the database's own row security. The rule easy to break: one
for a tenant never has the role that sees all.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

import msgspec

LIFETIME_S = 60
"""Longer than any statement that it is sent along with, and the difference between two clocks."""

_HEAD = {"alg": "HS256", "typ": "JWT"}


def tenant_token(tenant: str, team: str | None, *, secret: bytes, now_ms: int) -> str:
    """For reading the rows of a tenant, or the calls of one team of it."""
    of_team = {} if team is None else {"team": team}
    return _signed({"role": "authenticated", "tenant": tenant, **of_team}, secret, now_ms)


def service_token(*, secret: bytes, now_ms: int) -> str:
    """For what is of no tenant."""
    return _signed({"role": "service_role"}, secret, now_ms)


def _signed(claims: dict[str, str], secret: bytes, now_ms: int) -> str:
    now_s = now_ms // 1_000
    said = f"{_part(_HEAD)}.{_part({**claims, 'iat': now_s, 'exp': now_s + LIFETIME_S})}"
    signature = hmac.new(secret, said.encode(), hashlib.sha256).digest()
    return f"{said}.{_base64(signature)}"


def _part(value: object) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
