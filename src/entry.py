"""The edge Worker's entry: bindings become ports, `app.handle` answers. The only file naming concrete adapters."""

import traceback
from typing import Any

import msgspec
from js import Promise, console
from workers import WorkerEntrypoint

from app import handle
from bindings.ffi import platform_env, text_or_none
from bindings.http import head_of, to_response
from bindings.kv import KvTenantStore
from bindings.ledger import DurableLedger
from bindings.rate_limiter import StrangerLimiter
from bindings.services.records import FetchRecords
from bindings.services.sign_on import fetch_key_set, is_signed
from bindings.telemetry import QueueTelemetry
from bindings.time_and_chance import RandomIds, WorkerClock, digests_equal
from bindings.upstream import FetchUpstream
from bindings.webcrypto.sealing import WebCryptoSealing
from core.refusals import InternalError, Refusal
from core.wire.dialects import DIALECTS
from durable_objects.object import Ledger
from exchange import Answer, refused
from isolate import Isolate
from ports import Ports
from routes import errors_in
from settings import SETTING_NAMES, InvalidSetting, parse_settings

__all__ = ["Default", "Ledger"]

_isolate: Isolate | None = None


class Default(WorkerEntrypoint):
    """Answers every HTTP request."""

    async def fetch(self, request: Any) -> Any:
        js_request = request.js_object
        # A client that leaves cancels whatever nobody waits for; the money of its call has still to be settled.
        seen_through = Promise.withResolvers()
        self.ctx.waitUntil(seen_through.promise)
        try:
            return to_response(await self._answer(js_request))
        except Refusal as refusal:
            return to_response(_refused(js_request, refusal))
        except InvalidSetting as fault:
            _log("invalid_setting", message=str(fault))
            return to_response(_refused(js_request, InternalError(str(fault))))
        except Exception as fault:  # the one place where a surprise becomes an answer
            # Where it happened, not what it said: a message may quote a prompt or a key.
            place = "".join(traceback.format_tb(fault.__traceback__))
            _log("internal_error", kind=type(fault).__name__, place=place)
            return to_response(_refused(js_request, InternalError("AgentWatch failed to handle this request")))
        finally:
            seen_through.resolve()

    async def _answer(self, js_request: Any) -> Answer:
        env = platform_env()
        isolate = _isolate_of(env)
        ports = Ports(
            ledger_of=lambda tenant: DurableLedger(env.LEDGER, tenant),
            tenants=KvTenantStore(env.AGENTWATCH_KV),
            telemetry=QueueTelemetry(env.TELEMETRY_QUEUE),
            records=FetchRecords(isolate.settings.supabase_url, isolate.settings.supabase_anon_key),
            upstream=FetchUpstream(js_request.signal, self.ctx.waitUntil),
            sealing=WebCryptoSealing(isolate.settings.sealing_keys),
            clock=WorkerClock(),
            ids=RandomIds(),
            digests_equal=digests_equal,
            defer=self.ctx.waitUntil,
            is_stranger_allowed=StrangerLimiter(getattr(env, "UNAUTHENTICATED_RATE_LIMITER", None)).is_allowed,
            fetch_key_set=fetch_key_set,
            is_signed=is_signed,
        )
        return await handle(head_of(js_request), ports, isolate)


def _isolate_of(env: Any) -> Isolate:
    """What this isolate keeps between requests, made at the first one: secrets are not there at import."""
    global _isolate
    if _isolate is None:
        texts = {name: text_or_none(getattr(env, name, None)) for name in SETTING_NAMES}
        _isolate = Isolate(parse_settings({name: text for name, text in texts.items() if text}))
    return _isolate


def _refused(js_request: Any, refusal: Refusal) -> Answer:
    path = str(js_request.url).partition("://")[2].partition("/")[2]
    return refused(refusal, DIALECTS[errors_in("/" + path)], RandomIds().new("req_"))


def _log(event: str, **facts: str) -> None:
    """One JSON line in the Worker's log."""
    console.error(msgspec.json.encode({"event": event, **facts}).decode())
