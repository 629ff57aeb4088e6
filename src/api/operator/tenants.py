"""Tenants: made, listed, suspended, and held to ceilings that they cannot raise.

A tenant is on the list, which one Ledger keeps for the deployment; what it is and may do is a document in its own. To
make one takes three steps, each of which can be repeated: it is put on the list, its document is written, its first
administrator's key is made. Where the way ends between two of them, the operator goes on by the routes of a tenant that
is there. The rule easy to break: whoever is on no list is nobody, whatever lies in KV.
"""

import re
from typing import Annotated

import msgspec

from access.identity import documents_of
from api.documents import (
    DocumentQuery,
    DocumentReceipt,
    History,
    HistoryQuery,
    document_history,
    read_document,
    write_document,
)
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.keys.keys import make_key, writer_of
from api.keys.shapes import MadeKey, NewKey
from core.cursors import cursor_of, read_cursor
from core.ledger.document_messages import DocumentWritten, WriteRequest
from core.ledger.lists.tenants import ListTenantsRequest, NoTenant, RegisterTenantRequest, TenantRequest
from core.refusals import AlreadyExists, InvalidRequest, NotFound, TooManyOfThem
from core.roles import OPERATOR, PLATFORM
from core.tenant.ceilings import CEILINGS, TenantDocument, parse_ceilings
from core.tenant.credentials import TENANT_ID, TenantId
from core.tenant.document import InvalidDocument
from exchange import Answer, Exchange, json_answer

ADMINISTRATOR = NewKey(name="Administrator", role="admin")
"""The key that opens a tenant to itself."""


class Tenant(msgspec.Struct, frozen=True):
    tenant: str
    created_at: int
    """UTC milliseconds."""


class TenantList(msgspec.Struct, frozen=True):
    data: list[Tenant]
    next: str | None
    """The cursor of the next page; null where this is the last one."""


class TenantsQuery(msgspec.Struct, frozen=True):
    after: Annotated[str, msgspec.Meta(max_length=400)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


class NewTenant(TenantDocument, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant that is to be: its id, for ever, and its document."""

    tenant: TenantId


class MadeTenant(msgspec.Struct, frozen=True):
    tenant: str
    name: str | None
    admin_key: MadeKey
    """Its first key, whose token is in this answer and in no other."""
    version: int
    """Of its document."""


async def list_tenants(request: ApiRequest[TenantsQuery, Nothing]) -> Answer:
    """All tenants, page by page, in the order of their ids."""
    after = read_cursor(request.query.after, "tenants")
    page = await request.exchange.ports.ledger_of(PLATFORM).tell(
        ListTenantsRequest(after_tenant=str(after[0]) if after else "", limit=request.query.limit)
    )
    last = page.next_after_tenant
    data = [Tenant(each.tenant, each.created_at_ms) for each in page.tenants]
    return json_answer(TenantList(data, cursor_of("tenants", last) if last else None))


async def create_tenant(request: ApiRequest[Nothing, NewTenant]) -> Answer:
    """A new tenant and its first key. Raises `AlreadyExists`."""
    exchange, tenant = request.exchange, request.body.tenant
    text = _document_of(request.body)
    await _take_in(exchange, tenant)
    listed = await exchange.ports.ledger_of(PLATFORM).tell(RegisterTenantRequest(tenant=tenant))
    if not listed.is_new:
        raise AlreadyExists(f"there is a tenant {tenant!r} already", param="tenant")
    ledger = exchange.ports.ledger_of(tenant)
    written = await ledger.tell(WriteRequest(kind=CEILINGS.name, text=text, written_by=OPERATOR))
    assert isinstance(written, DocumentWritten), "no version was named, and no key"
    key = await make_key(exchange, ledger, ADMINISTRATOR, writer_of(request))
    return json_answer(MadeTenant(tenant, request.body.name, key, written.version), status=201)


async def read_tenant(request: ApiRequest[DocumentQuery, Nothing]) -> Answer:
    await _check_listed(request.exchange, request.path["tenant"])
    return await read_document(CEILINGS, request)


async def change_tenant(request: ApiRequest[Nothing, TenantDocument]) -> Answer:
    tenant = request.path["tenant"]
    await _check_listed(request.exchange, tenant)
    await _take_in(request.exchange, tenant)
    return await write_document(CEILINGS, request)


async def read_history(request: ApiRequest[HistoryQuery, Nothing]) -> Answer:
    await _check_listed(request.exchange, request.path["tenant"])
    return await document_history(CEILINGS, request)


async def make_admin_key(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Another administrator's key, for a tenant that has lost its own."""
    exchange, tenant = request.exchange, request.path["tenant"]
    await _check_listed(exchange, tenant)
    key = await make_key(exchange, exchange.ports.ledger_of(tenant), ADMINISTRATOR, writer_of(request))
    return json_answer(key, status=201)


async def _check_listed(exchange: Exchange, tenant: str) -> None:
    """Raises `NotFound`, also for what can be no tenant's id."""
    if re.fullmatch(TENANT_ID, tenant) is not None:
        listed = await exchange.ports.ledger_of(PLATFORM).tell(TenantRequest(tenant=tenant))
        if not isinstance(listed, NoTenant):
            return
    raise NotFound("there is no such tenant", param="tenant")


async def _take_in(exchange: Exchange, tenant: str) -> None:
    """See to it that the tenant's Ledger has what lies in KV by hand before it writes its own copy over it."""
    await documents_of(tenant, exchange.ports, exchange.isolate.identities)


def _document_of(asked: NewTenant) -> str:
    """The document of a tenant that is to be. Raises `InvalidRequest` naming the field."""
    members = {name: getattr(asked, name) for name in TenantDocument.__struct_fields__}
    text = msgspec.json.encode(TenantDocument(**members)).decode()
    try:
        parse_ceilings(text)
    except InvalidDocument as error:
        raise InvalidRequest(f"the tenant does not fit: {error}", param=error.param) from None
    return text


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/tenants", list_tenants, "All tenants of the deployment", TenantList,
        audience="operator", query=TenantsQuery, is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/tenants", create_tenant, "Make a tenant, and its first administrator's key", MadeTenant,
        audience="operator", body=NewTenant, status=201, is_administration=True, refuses=(AlreadyExists,),
    ),
    Endpoint(
        "GET", "/v1/tenants/{tenant}", read_tenant, f"{CEILINGS.summary}, its version as ETag", TenantDocument,
        audience="operator", query=DocumentQuery, answer_headers=("etag",), is_administration=True,
        refuses=(NotFound,),
    ),
    Endpoint(
        "PUT", "/v1/tenants/{tenant}", change_tenant, "Replace it: suspend the tenant, or change its ceilings",
        DocumentReceipt, audience="operator", body=TenantDocument, headers=("if-match",),
        optional_headers=("if-none-match",), answer_headers=("etag",), reads_body=True, is_administration=True,
        refuses=(NotFound,),
    ),
    Endpoint(
        "GET", "/v1/tenants/{tenant}/history", read_history, "Who wrote it when", History,
        audience="operator", query=HistoryQuery, is_administration=True, refuses=(NotFound,),
    ),
    Endpoint(
        "POST", "/v1/tenants/{tenant}/admin-key", make_admin_key, "Make another administrator's key of a tenant",
        MadeKey, audience="operator", status=201, is_administration=True, refuses=(NotFound, TooManyOfThem),
    ),
)  # fmt: skip
