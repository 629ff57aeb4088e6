"""What an assertion claims, judged: who it is about, for which of our applications, and from when until when.

A user and a service never look alike: Access gives the one an `email` and the other a `common_name`, which is the
service token's client id. The rule easy to break: a claim that is not there is no claim that is fulfilled, and a number
that is not a whole one is no moment.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

from core.tenant.sign_on.assertion import BadAssertion

LEEWAY_S = 60
"""By how much two clocks may differ."""

LIFETIME_S_MAX = 31 * 86_400
"""The longest session that Access can be set to is a month. Nobody can take an assertion back."""

EMAIL_CHARACTERS_MAX = 254
MOMENT_S_MAX = 253_402_300_799
"""The end of the year 9999."""

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_ID = re.compile(r"[!-~]{1,128}")
_ASCII_LOWERED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed on."""

    sub: str
    """Of this person at this team, and of nobody after it."""
    email: str
    """As addresses are compared here (`comparable_email`). It may be somebody else's next year."""


@dataclass(frozen=True, slots=True)
class Service:
    """A program with a service token of the team's."""

    client_id: str


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Who an assertion is about, at which tenant's application."""

    tenant: str
    who: Person | Service
    issued_at_s: int
    expires_at_s: int

    @property
    def actor(self) -> str:
        """Who did it, for logs."""
        return f"access:{self.who.sub}" if isinstance(self.who, Person) else f"service:{self.who.client_id}"

    def is_over(self, now_ms: int) -> bool:
        return now_ms >= (self.expires_at_s + LEEWAY_S) * 1_000


def comparable_email(text: str) -> str:
    """An address in lower case, of ASCII letters alone: by Unicode's rules other letters would become these."""
    return text.translate(_ASCII_LOWERED)


def judge_claims(
    claims: Mapping[str, object], *, applications: Mapping[str, str], issuer: str, now_ms: int
) -> SignedOn:
    """Who it is, by claims for one of these applications (audience to tenant). Raises `BadAssertion`."""
    if claims.get("iss") != issuer:
        raise BadAssertion("another team issued it")
    if claims.get("type") != "app":
        raise BadAssertion("it is for no application")
    tenants = {applications[audience] for audience in _audiences(claims) if audience in applications}
    if len(tenants) != 1:
        raise BadAssertion("it is for another application, or for those of two tenants")
    issued_at_s, expires_at_s = _moment(claims, "iat"), _moment(claims, "exp")
    begins_at_s = max(issued_at_s, _moment(claims, "nbf") if "nbf" in claims else issued_at_s)
    if not 0 < expires_at_s - issued_at_s <= LIFETIME_S_MAX:
        raise BadAssertion("it is to live too long, or not at all")
    if now_ms < (begins_at_s - LEEWAY_S) * 1_000:
        raise BadAssertion("it does not hold yet")
    signed_on = SignedOn(tenants.pop(), _who(claims), issued_at_s, expires_at_s)
    if signed_on.is_over(now_ms):
        raise BadAssertion("it has expired")
    return signed_on


def _audiences(claims: Mapping[str, object]) -> list[str]:
    """Of a user's token a list, of a service's a list or one name."""
    named = claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    texts = [audience for audience in audiences if isinstance(audience, str)]
    if len(texts) < len(audiences):
        raise BadAssertion("its audience is none")
    return texts


def _who(claims: Mapping[str, object]) -> Person | Service:
    if ("email" in claims) == ("common_name" in claims):
        raise BadAssertion("it is about a user and a service, or about neither")
    sub = claims.get("sub")
    if "email" in claims:
        email = _text(claims, "email", _EMAIL)
        if len(email) > EMAIL_CHARACTERS_MAX:
            raise BadAssertion("email is too long")
        return Person(_text(claims, "sub", _ID), comparable_email(email))
    if sub != "":
        raise BadAssertion("a service is no user")
    return Service(_text(claims, "common_name", _ID))


def _text(claims: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadAssertion(f"{name} names nobody")
    return value


def _moment(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= MOMENT_S_MAX:
        raise BadAssertion(f"{name} is no moment")
    return value
