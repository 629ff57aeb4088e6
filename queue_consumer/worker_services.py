"""The `Services` of the deployed Worker: `fetch`, KV, the edge Worker's Ledgers and the dead-letter queue."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from js import AbortSignal, fetch

from bindings.ffi import JS_FAULTS, object_to_js, text_or_none
from bindings.ledger import DurableLedger
from bindings.webcrypto.sealing import WebCryptoSealing
from core.ledger.document_messages import CopyRequest
from core.ledger.messages import Conflict, Recorded, Settled
from core.ledger.trials.messages import Trial, TrialRequest
from core.routing.addresses import base_url
from core.telemetry import Settlement
from core.tenant.sealed.form import InvalidSealingKeys, parse_sealing_keys
from ports import CannotUnseal, LedgerUnreachable
from services import Answer, Unreachable

ANSWER_TIMEOUT_MS = 30_000
"""Supabase ends a statement after 8 s by default, so an answer that takes longer is not coming."""

WEBHOOK_TIMEOUT_MS = 10_000
"""A receiver takes a message down and answers; what it makes of it, it makes later."""


class WorkerServices:
    """Reads a binding when it is used: a missing one fails the messages that need it."""

    def __init__(self, env: Any) -> None:
        self._env = env

    @property
    def allows_private_receivers(self) -> bool:
        return text_or_none(getattr(self._env, "ALLOW_PRIVATE_RECEIVERS", None)) == "true"

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def rest(self, path: str, body: str, *, prefer: str) -> Answer:
        key = str(self._env.SUPABASE_SERVICE_ROLE_KEY)
        headers = {
            "content-type": "application/json",
            "apikey": key,
            "authorization": f"Bearer {key}",
            "prefer": prefer,
        }
        base = base_url(str(self._env.SUPABASE_URL), "SUPABASE_URL")
        return await _post(f"{base}/rest/v1/{path}", body, headers)

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        headers = {"content-type": "application/json", "user-agent": "AgentWatch-Webhook", **headers}
        try:
            response = await _fetch(url, body, headers, WEBHOOK_TIMEOUT_MS)
        except JS_FAULTS as fault:
            raise Unreachable from fault
        answer = Answer(response.status, "", text_or_none(response.headers.get("retry-after")))
        with suppress(*JS_FAULTS):  # nothing in its body is wanted, which may have no end
            if response.body:
                await response.body.cancel()
        return answer

    async def tenant_config(self, tenant: str) -> str | None:
        try:
            return text_or_none(await self._env.AGENTWATCH_KV.get(f"t:{tenant}:config"))
        except JS_FAULTS as fault:
            raise Unreachable from fault

    async def present_documents(self, tenant: str) -> str | None:
        try:
            return (await DurableLedger(self._env.LEDGER, tenant).tell(CopyRequest())).text or None
        except LedgerUnreachable as fault:
            raise Unreachable from fault

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        try:
            keys = parse_sealing_keys(text_or_none(getattr(self._env, "KEY_ENCRYPTION_KEY", None)) or "")
        except InvalidSealingKeys as fault:
            raise CannotUnseal(f"KEY_ENCRYPTION_KEY {fault}") from None
        return await WebCryptoSealing(keys).unseal(sealed, bound_to)

    async def note_trial(self, tenant: str, trial_id: str, outcome: Trial) -> None:
        try:
            await DurableLedger(self._env.LEDGER, tenant).tell(TrialRequest(trial_id=trial_id, outcome=outcome))
        except LedgerUnreachable as fault:
            raise Unreachable from fault

    async def charge(self, tenant: str, charge: Settlement) -> Settled | Recorded | Conflict:
        ledger = DurableLedger(self._env.LEDGER, tenant)
        try:
            answer = await ledger.tell(charge)
        except LedgerUnreachable as fault:
            raise Unreachable from fault
        if isinstance(answer, Settled | Recorded | Conflict):
            return answer
        raise Unreachable

    async def bury(self, texts: Sequence[str]) -> None:
        letters = object_to_js([{"body": text, "contentType": "text"} for text in texts])
        try:
            await self._env.DEAD_LETTER_QUEUE.sendBatch(letters)
        except JS_FAULTS as fault:
            raise Unreachable from fault


async def _post(url: str, body: str, headers: dict[str, str]) -> Answer:
    try:
        response = await _fetch(url, body, headers, ANSWER_TIMEOUT_MS)
        return Answer(response.status, await response.text())
    except JS_FAULTS as fault:
        raise Unreachable from fault


async def _fetch(url: str, body: str, headers: dict[str, str], timeout_ms: int) -> Any:
    # A redirect would repeat the key or the message to another host: it is an answer like any other.
    init = object_to_js({"method": "POST", "headers": headers, "body": body, "redirect": "manual"})
    init.signal = AbortSignal.timeout(timeout_ms)
    return await fetch(url, init)
