"""The list of all tenants, in the one ledger that keeps it."""

from core.ledger.lists.tenants import (
    ListTenantsRequest,
    NoTenant,
    RegisteredTenant,
    RegisterTenantRequest,
    TenantPage,
    TenantQuestion,
    TenantRequest,
)
from core.ledger.messages import Message
from durable_objects.storage.tenant_rows import TenantRows


def answer_of_list(rows: TenantRows, question: TenantQuestion, now_ms: int) -> Message:
    match question:
        case RegisterTenantRequest(tenant=tenant):
            is_new = rows.add(tenant, now_ms)
            return RegisteredTenant(tenant=tenant, created_at_ms=rows.created_at_ms(tenant) or now_ms, is_new=is_new)
        case TenantRequest(tenant=tenant):
            created_at_ms = rows.created_at_ms(tenant)
            if created_at_ms is None:
                return NoTenant()
            return RegisteredTenant(tenant=tenant, created_at_ms=created_at_ms)
        case ListTenantsRequest():
            found = rows.after(question.after_tenant, question.limit + 1)
            page = found[: question.limit]
            return TenantPage(
                tenants=[RegisteredTenant(tenant=tenant, created_at_ms=moment) for tenant, moment in page],
                next_after_tenant=page[-1][0] if len(found) > len(page) else None,
            )
