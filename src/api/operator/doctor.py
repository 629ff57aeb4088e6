"""Is this deployment well? What its Worker sees of its own parts, for `agentwatch doctor`, which says what to do.

Each part is asked on its own and at once, and a part that is away is an answer, never a refusal. The rule easy to
break: of a setting it is told whether it is there, never what it says.
"""

import asyncio
from dataclasses import dataclass

import msgspec

from access.identity import Caller
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.records.asking import ask_as_operator, ask_of_tenant
from core.ledger.document_messages import CopyRequest
from core.money import price_book
from core.refusals import RecordsUnavailable
from core.roles import PLATFORM
from core.tenant.documents import read_copy
from exchange import Answer, Exchange, json_answer
from ports import LedgerUnreachable, TenantStoreUnreachable
from settings import SETTING_NAMES

SCHEMA_WANTED = "0025_doctor"
"""The last migration that this version counts on."""


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A part that the Worker asks."""

    answers: bool
    milliseconds: int
    said: str | None = None
    """What is wrong with it."""


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The database of records, as the Worker reaches it."""

    answers: bool
    milliseconds: int
    schema_version: str | None = None
    """The last migration that was applied there."""
    schema_wanted: str = SCHEMA_WANTED
    crons: dict[str, int] = {}
    """When each of the telemetry Worker's crons ran last, by its schedule."""
    said: str | None = None


class DocumentVersions(msgspec.Struct, frozen=True, kw_only=True):
    """The number of the last write to a tenant's documents, as each place has it; null where it cannot be told."""

    in_force: int | None
    """By which this request was judged."""
    ledger: int | None
    """Which is the truth."""
    kv: int | None
    """The copy, which is late by seconds."""


class DeploymentHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a deployment is. Moments are UTC milliseconds."""

    now_at: int
    price_version: str
    settings: dict[str, bool]
    """Which variables and secrets the Worker has."""
    kv: PartHealth
    ledger: PartHealth
    config_version: DocumentVersions
    database: DatabaseHealth


@dataclass(frozen=True, slots=True)
class _Seen:
    """A part, and the number of the documents that it has."""

    health: PartHealth
    number: int | None = None


class _Health(msgspec.Struct, frozen=True):
    """The row of the database's function."""

    schema_version: str
    crons: dict[str, int]


async def examine(request: ApiRequest[Nothing, Nothing]) -> Answer:
    exchange, caller = request.exchange, request.who if isinstance(request.who, Caller) else None
    tenant = PLATFORM if caller is None else caller.tenant
    kv, ledger, database = await asyncio.gather(_kv(exchange, tenant), _ledger(exchange, tenant), _database(request))
    given = exchange.isolate.settings.given
    return json_answer(
        DeploymentHealth(
            now_at=exchange.started_at_ms,
            price_version=price_book.VERSION,
            settings={name: name in given for name in SETTING_NAMES},
            kv=kv.health,
            ledger=ledger.health,
            config_version=DocumentVersions(
                in_force=None if caller is None else caller.documents.number, ledger=ledger.number, kv=kv.number
            ),
            database=database,
        )
    )


async def _kv(exchange: Exchange, tenant: str) -> _Seen:
    """Reads the tenant's documents, which need not be there."""
    since_ms = exchange.ports.clock.now_ms()
    try:
        text = await exchange.ports.tenants.config(tenant)
    except TenantStoreUnreachable:
        return _Seen(_part(exchange, since_ms, said="a read from KV fails"))
    return _Seen(_part(exchange, since_ms), _number_in(text))


async def _ledger(exchange: Exchange, tenant: str) -> _Seen:
    since_ms = exchange.ports.clock.now_ms()
    try:
        present = await exchange.ports.ledger_of(tenant).tell(CopyRequest())
    except LedgerUnreachable as away:
        return _Seen(_part(exchange, since_ms, said="it hangs" if away.has_hung else "it cannot be asked"))
    return _Seen(_part(exchange, since_ms), present.number)


async def _database(request: ApiRequest[Nothing, Nothing]) -> DatabaseHealth:
    exchange, who = request.exchange, request.who
    assert who is not None, "the table says whom this route is for"
    since_ms = exchange.ports.clock.now_ms()
    try:
        if isinstance(who, Caller):
            found = await ask_of_tenant(exchange, who, "deployment_health", {}, _Health)
        else:
            found = await ask_as_operator(exchange, who, "deployment_health", {}, _Health)
    except RecordsUnavailable as refusal:
        return DatabaseHealth(answers=False, milliseconds=_waited_ms(exchange, since_ms), said=refusal.message)
    return DatabaseHealth(
        answers=True,
        milliseconds=_waited_ms(exchange, since_ms),
        schema_version=found.schema_version,
        crons=found.crons,
    )


def _number_in(text: str | None) -> int | None:
    """Of a copy in KV; zero where there is none, nothing where it is no copy but was written by hand."""
    if not text:
        return 0
    copy = read_copy(text)
    return None if copy is None else copy.number


def _part(exchange: Exchange, since_ms: int, *, said: str | None = None) -> PartHealth:
    return PartHealth(answers=said is None, milliseconds=_waited_ms(exchange, since_ms), said=said)


def _waited_ms(exchange: Exchange, since_ms: int) -> int:
    return exchange.ports.clock.now_ms() - since_ms


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/doctor", examine, "Is this deployment well? What its Worker sees of its parts", DeploymentHealth,
        audience="admin_or_operator", is_administration=True,
    ),
)  # fmt: skip
