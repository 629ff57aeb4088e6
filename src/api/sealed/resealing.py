"""All that a tenant has under seal, sealed anew with the present key: the step between giving the deployment a new key
and taking the old one away.

What does not open stays as it is, and the answer says so: it is lost with its key, and has to be set again.
"""

from collections.abc import Iterable

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.sealed.rewriting import rewritten, sealed_for
from core.tenant.sealed.form import bound_to, sealed_with
from core.tenant.sealed.provider_keys import PROVIDER_KEYS, ProviderKeysDocument, purpose_of
from core.tenant.sealed.webhook_secrets import PURPOSE, WEBHOOK_SECRETS, WebhookSecretsDocument
from exchange import Answer, json_answer
from ports import CannotUnseal

Asked = ApiRequest[Nothing, Nothing]


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """One secret. `what` is what it is for, such as `provider_key:openai`."""

    what: str
    sealed_with: str | None
    fault: str | None = None
    """Why it could not be opened, and is as it was."""


class ResealedList(msgspec.Struct, frozen=True):
    data: list[Resealed]


async def reseal(request: Asked) -> Answer:
    """Seal with the present key whatever another one has sealed."""
    faults: dict[str, str] = {}

    async def provider_keys(document: ProviderKeysDocument) -> ProviderKeysDocument:
        anew = {
            provider: msgspec.structs.replace(
                key, sealed=await _anew(request, key.sealed, purpose_of(provider), faults)
            )
            for provider, key in document.keys.items()
        }
        return ProviderKeysDocument(keys=anew)

    async def webhook_secrets(document: WebhookSecretsDocument) -> WebhookSecretsDocument:
        anew = [
            msgspec.structs.replace(secret, sealed=await _anew(request, secret.sealed, PURPOSE, faults))
            for secret in document.secrets
        ]
        return WebhookSecretsDocument(secrets=tuple(anew))

    keys = await rewritten(PROVIDER_KEYS, request, provider_keys)
    secrets = await rewritten(WEBHOOK_SECRETS, request, webhook_secrets)
    sealed = [(purpose_of(provider), key.sealed) for provider, key in sorted(keys.keys.items())]
    sealed += [(PURPOSE, secret.sealed) for secret in secrets.secrets]
    return json_answer(ResealedList(_told(sealed, faults)))


async def _anew(request: Asked, sealed: str, purpose: str, faults: dict[str, str]) -> str:
    sealing = request.exchange.ports.sealing
    if sealed_with(sealed) == sealing.key_id:
        return sealed
    try:
        plain = await sealing.unseal(sealed, bound_to(request.caller.tenant, purpose))
    except CannotUnseal as fault:
        faults[sealed] = str(fault)
        return sealed
    return await sealed_for(request, plain, purpose)


def _told(sealed: Iterable[tuple[str, str]], faults: dict[str, str]) -> list[Resealed]:
    return [Resealed(what=what, sealed_with=sealed_with(text), fault=faults.get(text)) for what, text in sealed]


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "POST", "/v1/reseal", reseal, "Seal all of the tenant's secrets anew, with the deployment's present key",
        ResealedList, audience="admin", is_administration=True,
    ),
)  # fmt: skip
