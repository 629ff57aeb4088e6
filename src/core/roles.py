"""Who may do what: the roles of a tenant's keys and people, and the audience that each of our routes has.

An operator is of no tenant. He makes tenants and their ceilings; what a tenant has decided, spent and written is the
tenant's. The rule easy to break: a role is never a rank, it is looked up here for every audience.
"""

from collections.abc import Mapping
from typing import Literal

Role = Literal["member", "admin", "developer", "ingest"]
"""`admin` steers its tenant, `developer` calls and reads of its own team, `ingest` reports what an SDK has called by
itself. `member` calls, and reads what its whole tenant has: keys that were made before there were developers."""

Audience = Literal["public", "anyone", "reporter", "caller", "admin", "operator", "admin_or_operator"]

OPERATOR = "operator"

PLATFORM = "@platform"
"""What is of no tenant, where a tenant's id would stand: no tenant's id has such a letter."""

ROLES_OF: Mapping[Audience, frozenset[str]] = {
    "public": frozenset(),
    "anyone": frozenset({"member", "admin", "developer", "ingest", OPERATOR}),
    "reporter": frozenset({"member", "admin", "developer", "ingest"}),
    "caller": frozenset({"member", "admin", "developer"}),
    "admin": frozenset({"admin"}),
    "operator": frozenset({OPERATOR}),
    "admin_or_operator": frozenset({"admin", OPERATOR}),
}
"""Whose requests are answered; everybody's on a public route."""


def may(role: str, audience: Audience) -> bool:
    """Is this role among those that a route is for?"""
    return role in ROLES_OF[audience]
