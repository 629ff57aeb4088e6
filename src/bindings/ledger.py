"""A tenant's Ledger, reached by Durable Object RPC: one JSON text there and one back."""

from typing import Any, TypeVar

import msgspec

from bindings.deadlines import LEDGER_MS, is_late, within
from bindings.ffi import JS_FAULTS
from core.ledger.messages import Question
from core.ledger.questions import read_answer, to_wire
from ports import LedgerUnreachable

A = TypeVar("A")


class DurableLedger:
    """`Ledger` over a Durable Object namespace. An answer that the question does not name counts as none."""

    def __init__(self, namespace: Any, tenant: str) -> None:
        self._namespace = namespace
        self._tenant = tenant

    async def tell(self, question: Question[A]) -> A:
        try:
            stub = self._namespace.getByName(self._tenant)
            text = str(await within(LEDGER_MS, stub, "tell", to_wire(question)))
        except JS_FAULTS as fault:
            raise LedgerUnreachable(has_hung=is_late(fault)) from fault
        try:
            return read_answer(text, question)
        except msgspec.DecodeError as fault:
            raise LedgerUnreachable from fault
