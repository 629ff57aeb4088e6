"""Does an assertion prove what it claims? Verified once in an isolate, and remembered until it is over, or its key is.

What is cheap comes first: its form, then its claims, and only for one that would do the team's keys and the signature.
What is remembered is who somebody is, never what they may do: that is their tenant's to change (`sign_on`).
"""

import hashlib
from dataclasses import dataclass, field

from access.team_keys import TeamKeys
from core.tenant.sign_on.assertion import BadAssertion, parse_assertion
from core.tenant.sign_on.claims import SignedOn, judge_claims
from core.tenant.sign_on.key_set import PublicKey
from ports import Ports
from settings import AccessTeam

REMEMBERED_MAX = 2_000
"""Assertions, and people about whom the Ledger was asked; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who has signed on, and the key that an assertion was signed with."""

    signed_on: SignedOn
    key_id: str
    key: PublicKey


@dataclass(slots=True)
class SignOnMemory:
    """What this isolate knows of single sign-on."""

    team_keys: TeamKeys = field(default_factory=TeamKeys)
    proven: dict[bytes, Proven] = field(default_factory=dict)
    """By the digest of the assertion."""
    known_until_ms: dict[SignedOn, int] = field(default_factory=dict)
    """Until when a person's address need not be asked about again."""

    def note_proven(self, digest: bytes, proven: Proven) -> None:
        if len(self.proven) >= REMEMBERED_MAX:
            del self.proven[next(iter(self.proven))]
        self.proven[digest] = proven

    def note_known(self, signed_on: SignedOn, until_ms: int) -> None:
        self.known_until_ms.pop(signed_on, None)
        if len(self.known_until_ms) >= REMEMBERED_MAX:
            del self.known_until_ms[next(iter(self.known_until_ms))]
        self.known_until_ms[signed_on] = until_ms


async def prove(text: str, *, team: AccessTeam, memory: SignOnMemory, ports: Ports) -> SignedOn:
    """Who has signed on. Raises `BadAssertion`, or `TenantsUnavailable` where nobody can tell."""
    digest = hashlib.sha256(text.encode()).digest()
    known = memory.proven.get(digest)
    if known is not None and not known.signed_on.is_over(ports.clock.now_ms()):
        if await memory.team_keys.find(known.key_id, team.keys_url, ports) != known.key:
            raise BadAssertion("the team has taken its key back")
        return known.signed_on
    assertion = parse_assertion(text)
    signed_on = judge_claims(
        assertion.claims, applications=team.applications, issuer=team.domain, now_ms=ports.clock.now_ms()
    )
    key = await memory.team_keys.find(assertion.key_id, team.keys_url, ports)
    if key is None:
        raise BadAssertion("the team has no such key")
    if not await ports.is_signed(key, assertion.signed, assertion.signature):
        raise BadAssertion("the signature is not the team's")
    memory.note_proven(digest, Proven(signed_on, assertion.key_id, key))
    return signed_on
