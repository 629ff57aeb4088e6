"""The edge Worker's entry: bindings become ports, `app.handle` answers. The only file naming concrete adapters."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import msgspec
from js import Promise, console
from workers import WorkerEntrypoint

from app import handle
from bindings.ffi import platform_env, platform_wait_until, text_or_none
from bindings.http import head_of, to_response
from bindings.kv import KvTenantStore
from bindings.ledger import DurableLedger
from bindings.rate_limiter import StrangerLimiter
from bindings.services.records import FetchRecords
from bindings.services.sign_on import fetch_key_set, is_signed
from bindings.telemetry import QueueTelemetry
from bindings.time_and_chance import RandomIds, WorkerClock
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


class Default(WorkerEntrypoint):
    """Answers every HTTP request.

    One object does for all requests of an isolate. One for each, as the SDK would have it, is a fortieth of a call: it
    wraps the bindings and inspects `fetch` every time. So nothing of a request may be kept here, its context included.
    """

    def __new__(cls, ctx: Any, env: Any) -> Any:
        return _door(cls)

    async def fetch(self, request: Any) -> Any:
        js_request = request.js_object
        # A client that leaves cancels whatever nobody waits for; the money of its call has still to be settled.
        seen_through = Promise.withResolvers()
        platform_wait_until()(seen_through.promise)
        try:
            return to_response(await _answer(js_request))
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


@cache
def _door(cls: type[Default]) -> SimpleNamespace:
    """No instance of the class, so that the SDK's `__init__` does not run."""
    return SimpleNamespace(fetch=object.__new__(cls).fetch)


async def _answer(js_request: Any) -> Answer:
    here = _here()
    ports = here.ports(upstream=FetchUpstream(js_request.signal, here.wait_until))
    return await handle(head_of(js_request), ports, here.isolate)


@dataclass(frozen=True, slots=True)
class _Here:
    """What this isolate keeps between requests: every look at a binding makes a proxy."""

    isolate: Isolate
    ports: Callable[..., Ports]
    """Made whole by a request's upstream."""
    wait_until: Callable[[Any], None]


@cache
def _here() -> _Here:
    """Made at the first request: secrets are not there at import."""
    env, wait_until = platform_env(), platform_wait_until()
    texts = {name: text_or_none(getattr(env, name, None)) for name in SETTING_NAMES}
    settings = parse_settings({name: text for name, text in texts.items() if text})
    namespace = env.LEDGER
    ports = partial(
        Ports,
        ledger_of=lambda tenant: DurableLedger(namespace, tenant),
        tenants=KvTenantStore(env.AGENTWATCH_KV),
        telemetry=QueueTelemetry(env.TELEMETRY_QUEUE),
        records=FetchRecords(settings.supabase_url, settings.supabase_anon_key),
        sealing=WebCryptoSealing(settings.sealing_keys),
        clock=WorkerClock(),
        ids=RandomIds(),
        defer=wait_until,
        is_stranger_allowed=StrangerLimiter(getattr(env, "UNAUTHENTICATED_RATE_LIMITER", None)).is_allowed,
        fetch_key_set=fetch_key_set,
        is_signed=is_signed,
    )
    return _Here(Isolate(settings), ports, wait_until)


def _refused(js_request: Any, refusal: Refusal) -> Answer:
    path = str(js_request.url).partition("?")[0].partition("://")[2].partition("/")[2]
    return refused(refusal, DIALECTS[errors_in("/" + path)], RandomIds().new("req_"))


def _log(event: str, **facts: str) -> None:
    """One JSON line in the Worker's log."""
    console.error(msgspec.json.encode({"event": event, **facts}).decode())
