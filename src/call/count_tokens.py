"""How many tokens a request in Anthropic's dialect is, whoever serves its model: clients compact their conversations by
it. It costs nothing, holds nothing, and is no chain's business. Anthropic counts what its models would read; what
others would read is estimated, as it is for their holds.
"""

from dataclasses import replace

import msgspec

from access.identity import Caller
from access.tenant_keys import with_tenant_keys
from call.decision import counted
from call.free import passed_on
from call.upstream_request import provider_key
from core.call.hop_plan import AskedCall, plan_as_asked
from core.call.plan import provider_and_model
from core.refusals import InvalidRequest
from core.routing.paths import native_path
from core.wire.bytes_in_flight import BodyRoom
from core.wire.dialects.prepared_body import Members, members_of, object_of
from core.wire.json_body import decode_request
from core.wire.steps.digests import digest_key
from core.wire.translation.messages.answer_writer import write_token_count
from exchange import Answer, Exchange
from routes import ProxyRoute


class _Asked(msgspec.Struct):
    model: str


async def count_tokens(exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """The count, by Anthropic for its own models, else by our estimate. Raises `InvalidRequest` naming the field."""
    body = await exchange.read_body(room)
    provider, model = provider_and_model(decode_request(body, _Asked).view.model, caller.prices)
    members = members_of(body)
    caller = await counted(exchange, caller)
    if provider == "anthropic":
        caller = await with_tenant_keys(caller, exchange)
        named = replace(route, provider=provider)
        provider_key(caller, provider, exchange.isolate.settings, is_in_path=False)  # refuses one that may be anybody's
        return await passed_on(exchange, named, caller, room, _with(members, model=model))
    asked = AskedCall(
        None,
        native_path("anthropic", "anthropic_messages"),
        caller.policy,
        caller.prices,
        exchange.started_at_ms,
        digest_key(exchange.isolate.settings.secrets, caller.tenant),
    )
    plan = plan_as_asked(asked, _with(members, max_tokens=1)).plan
    if plan.new_prompt_tokens is None:
        raise InvalidRequest("the request refers to input that is not in it, whose tokens nobody here can count")
    room.give_back()
    headers = {
        "content-type": "application/json",
        "x-agentwatch-request-id": exchange.request_id,
        "x-agentwatch-provider": plan.provider,
    }
    return Answer(200, headers, write_token_count(plan.new_prompt_tokens))


def _with(members: Members, **changes: object) -> bytes:
    changed = members | {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changes.items()}
    return b"".join(piece for piece in object_of({name: (value,) for name, value in changed.items()}) if piece)
