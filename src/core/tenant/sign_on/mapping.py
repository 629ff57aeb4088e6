"""Who may do what after signing on, by the tenant's configuration: `sign_on` grants, `sign_on_denied` takes away.

Of what is written about a person the most specific counts: the `sub`, else the `email`, else the `email_domain`; the
order in the list says nothing. The rule easy to break: nobody is anything by default, and a service is only what is
written of its client id, whatever is granted to the people of a domain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from core.tenant.document import DocumentWarning, InvalidDocument
from core.tenant.sign_on.claims import EMAIL_CHARACTERS_MAX, Person, Service, comparable_email

SIGN_ON_ENTRIES_MAX = 200
"""An isolate keeps those of two thousand tenants; whole companies are one domain."""

SIGN_ON_DENIED_MAX = 200
"""As long as their assertions live, a month at most."""

SignOnRole = Literal["admin", "developer"]

SignOnId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}$(?!\n)")]

MEMBERS = ("sub", "email", "email_domain", "service_client_id")
"""What an entry may be about, the most specific first."""


class SignOnEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one person, the people of one domain, or one service is. Exactly one of `sub`, `email`, `email_domain` and
    `service_client_id` is given."""

    role: SignOnRole
    team: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    """Of which team; a developer reads that team's alone."""
    sub: SignOnId | None = None
    email: (
        Annotated[
            str,
            msgspec.Meta(pattern=r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$(?!\n)", max_length=EMAIL_CHARACTERS_MAX),
        ]
        | None
    ) = None
    email_domain: (
        Annotated[str, msgspec.Meta(pattern=r"^[^\s@\x00-\x1f\x7f]+$(?!\n)", max_length=EMAIL_CHARACTERS_MAX)] | None
    ) = None
    """What stands behind the `@`, all of it: a domain is not its subdomains."""
    service_client_id: SignOnId | None = None
    """Of a service token of Access."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do."""

    role: SignOnRole
    team: str | None


@dataclass(frozen=True, slots=True)
class SignOnMap:
    """A tenant's list as it is looked up."""

    grants: Mapping[tuple[str, str], Grant] = field(default_factory=dict)
    """By what an entry is about, and its value."""
    denied: frozenset[str] = frozenset()
    """Subs."""

    def grant_of(self, who: Person | Service) -> Grant | None:
        """None where nothing is written of them, or they are denied."""
        if isinstance(who, Service):
            return self.grants.get(("service_client_id", who.client_id))
        if who.sub in self.denied:
            return None
        domain = who.email.rpartition("@")[2]
        places = (("sub", who.sub), ("email", who.email), ("email_domain", domain))
        return next((self.grants[place] for place in places if place in self.grants), None)


def read_sign_on(entries: Sequence[SignOnEntry], denied: Sequence[str]) -> SignOnMap:
    """Raises `InvalidDocument` naming the place."""
    grants: dict[tuple[str, str], Grant] = {}
    for number, entry in enumerate(entries):
        place = f"sign_on[{number}]"
        about = _about(entry, place)
        if about in grants:
            raise InvalidDocument(f"{place}.{about[0]} is that of an entry before it", f"{place}.{about[0]}")
        grants[about] = Grant(entry.role, entry.team)
    return SignOnMap(grants, frozenset(denied))


def sign_on_warnings(entries: Sequence[SignOnEntry]) -> tuple[DocumentWarning, ...]:
    """What is odd about a list that can be used."""
    return tuple(
        DocumentWarning(f"/sign_on/{number}/team", "no_team", "a developer without a team reads nothing of any team")
        for number, entry in enumerate(entries)
        if entry.role == "developer" and entry.team is None
    )


def _about(entry: SignOnEntry, place: str) -> tuple[str, str]:
    given = [(member, value) for member in MEMBERS if (value := getattr(entry, member)) is not None]
    if len(given) != 1:
        raise InvalidDocument(f"{place} needs exactly one of {', '.join(MEMBERS)}", place)
    ((member, value),) = given
    return member, comparable_email(value) if member in ("email", "email_domain") else value
