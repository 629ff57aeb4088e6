"""A tenant's Ledger, reached by Durable Object RPC: a JSON text there and one back, by way of `ledgers.mjs`."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from pyodide.ffi import create_once_callable

from bindings.deadlines import LEDGER_MS, is_late
from bindings.ffi import JS_FAULTS, own_javascript
from core.ledger.messages import Message, Question, Recorded, Settled
from core.ledger.questions import read_answer, to_wire
from core.telemetry import Settlement
from ports import LedgerUnreachable

A = TypeVar("A")

TAKEN = tuple(f'{{"type":"{answer.__struct_config__.tag}"' for answer in (Settled, Recorded))
"""How the answers begin with which a charge is done: a message's tag comes first."""


class DurableLedger:
    """`Ledger` over a Durable Object namespace. An answer that the question does not name counts as none."""

    def __init__(self, namespace: Any, tenant: str) -> None:
        self._namespace = namespace
        self._tenant = tenant

    async def tell(self, question: Question[A]) -> A:
        try:
            text = await own_javascript("ledgers").ask(LEDGER_MS, self._namespace, self._tenant, to_wire(question))
        except JS_FAULTS as fault:
            raise LedgerUnreachable(has_hung=is_late(fault)) from fault
        return _read(str(text), question)

    def charge(
        self,
        settlement: Settlement,
        otherwise: Callable[[Message | LedgerUnreachable], Coroutine[Any, Any, None]],
        *,
        is_urgent: bool,
    ) -> None:

        def hear(text: str | None, has_hung: bool) -> Coroutine[Any, Any, None]:
            try:
                if text is None:
                    raise LedgerUnreachable(has_hung=has_hung)
                return otherwise(_read(text, settlement))
            except LedgerUnreachable as away:
                return otherwise(away)

        own_javascript("ledgers").charge(
            LEDGER_MS, self._namespace, self._tenant, to_wire(settlement), is_urgent, create_once_callable(hear), *TAKEN
        )


def _read(text: str, question: Question[A]) -> A:
    try:
        return read_answer(text, question)
    except msgspec.DecodeError as fault:
        raise LedgerUnreachable from fault
