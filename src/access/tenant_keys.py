"""A tenant's own provider keys, opened before a call is decided: what is decided later awaits nothing.

Opened once in an isolate and for each sealed text, then remembered. The rule easy to break: a key that does not open is
left out here and refused where it is wanted (`upstream_request`); the Worker's key never takes its place.
"""

from dataclasses import replace

from access import audit
from access.identity import Caller
from core.tenant.sealed.form import bound_to
from core.tenant.sealed.provider_keys import PROVIDER_KEYS, purpose_of
from exchange import Exchange
from ports import CannotUnseal


async def with_tenant_keys(caller: Caller, exchange: Exchange) -> Caller:
    """The caller with its tenant's keys, as its documents have them now."""
    known = exchange.isolate.opened_keys
    opened = {}
    for provider, key in caller.documents.of(PROVIDER_KEYS).keys.items():
        plain = known.find(caller.tenant, key.sealed)
        if plain is None:
            try:
                plain = await exchange.ports.sealing.unseal(key.sealed, bound_to(caller.tenant, purpose_of(provider)))
            except CannotUnseal as fault:
                audit.note_sealed_key(exchange, caller, provider, str(fault))
                continue
            known.put(caller.tenant, key.sealed, plain)
        opened[key.sealed] = plain
    return replace(caller, opened_keys=opened) if opened else caller
