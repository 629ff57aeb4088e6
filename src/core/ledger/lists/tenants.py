"""What is said to the ledger that keeps the list of all tenants (`core.roles.PLATFORM`). What a tenant is and may do is
in its own ledger.
"""

from typing import Annotated

import msgspec

from core.ledger.lists.accounts import After
from core.ledger.messages import Message, Name, Question


class RegisteredTenant(Message, frozen=True, tag="registered_tenant"):
    tenant: str
    created_at_ms: int
    is_new: bool = False
    """It was not on the list before this question."""


class NoTenant(Message, frozen=True, tag="no_tenant"):
    """Nobody has registered it."""


class RegisterTenantRequest(Question[RegisteredTenant], frozen=True, tag="register_tenant"):
    """Put a tenant on the list; one that is there stays as it is."""

    tenant: Name


class TenantRequest(Question[RegisteredTenant | NoTenant], frozen=True, tag="read_tenant"):
    tenant: Name


class TenantPage(Message, frozen=True, tag="tenant_page"):
    tenants: list[RegisteredTenant]
    next_after_tenant: str | None = None


class ListTenantsRequest(Question[TenantPage], frozen=True, tag="list_tenants"):
    """A page of tenants in the order of their ids, after the id given."""

    after_tenant: After = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


TenantQuestion = RegisterTenantRequest | TenantRequest | ListTenantsRequest
