"""A tenant's Ledger, reached by Durable Object RPC: one JSON text there and one back."""

from typing import Any, TypeVar

import msgspec

from bindings.deadlines import LEDGER_MS, is_late, within
from bindings.ffi import JS_FAULTS
from core.ledger.messages import (
    KEPT,
    AdmitAnswer,
    AdmitRequest,
    Configured,
    ConfigureRequest,
    CountAnswer,
    CountRequest,
    ExtendAnswer,
    ExtendRequest,
    ListSessionsRequest,
    Message,
    RecordAnswer,
    RecordRequest,
    SessionPage,
    SettleAnswer,
    SettleRequest,
    Status,
    StatusRequest,
    from_wire,
    to_wire,
)
from ports import LedgerUnreachable

T = TypeVar("T")


class DurableLedger:
    """`Ledger` over a Durable Object namespace. An answer that is not of the expected type counts as none."""

    def __init__(self, namespace: Any, tenant: str) -> None:
        self._namespace = namespace
        self._tenant = tenant

    async def admit(self, request: AdmitRequest) -> AdmitAnswer:
        return await self._call("admit", request, AdmitAnswer)

    async def count(self, request: CountRequest) -> CountAnswer:
        return await self._call("count", request, CountAnswer)

    async def extend(self, request: ExtendRequest) -> ExtendAnswer:
        return await self._call("extend", request, ExtendAnswer)

    async def settle(self, request: SettleRequest) -> SettleAnswer:
        return await self._call("settle", request, SettleAnswer)

    async def record(self, request: RecordRequest) -> RecordAnswer:
        return await self._call("record", request, RecordAnswer)

    async def status(self, request: StatusRequest) -> Status:
        return await self._call("status", request, Status)

    async def configure(self, request: ConfigureRequest) -> Configured:
        return await self._call("configure", request, Configured)

    async def list_sessions(self, request: ListSessionsRequest) -> SessionPage:
        return await self._call("list_sessions", request, SessionPage)

    async def enqueue(self, text: str) -> None:
        if await self._text_of("enqueue", text) != KEPT:
            raise LedgerUnreachable

    async def _call(self, method: str, request: Message, kind: Any) -> Any:
        try:
            return from_wire(await self._text_of(method, to_wire(request)), kind)
        except msgspec.DecodeError as fault:
            raise LedgerUnreachable from fault

    async def _text_of(self, method: str, text: str) -> str:
        try:
            stub = self._namespace.getByName(self._tenant)
            return str(await within(LEDGER_MS, stub, method, text))
        except JS_FAULTS as fault:
            raise LedgerUnreachable(has_hung=is_late(fault)) from fault
