"""How a webhook's message proves where it comes from: the headers of Standard Webhooks.

`webhook-id` names the message, and is the same at every try; `webhook-timestamp` is the moment of this try, in seconds;
`webhook-signature` is an HMAC-SHA256 over both and the body, one for each secret that is good at that moment. The rule
easy to break: what is signed are the very bytes that are sent.
"""

import hashlib
import hmac
from base64 import b64encode

from core.tenant.sealed.form import bound_to
from core.tenant.sealed.webhook_secrets import PURPOSE, WebhookSecretsDocument, signing_key
from ports import CannotUnseal
from services import Services

MESSAGE_ID_DIGITS = 32


class CannotSign(Exception):
    """There are secrets, and none of them opens. Its words say why."""


async def webhook_headers(
    tenant: str, key: str, body: str, secrets: WebhookSecretsDocument, services: Services
) -> dict[str, str]:
    """The headers of one try. Who has made no secret gets no signature. Raises `CannotSign`."""
    now_ms = services.now_ms()
    keys = await _open(tenant, secrets, now_ms, services)
    return signed_headers(message_id(tenant, key), now_ms // 1_000, body.encode(), keys)


def message_id(tenant: str, key: str) -> str:
    """Of the occasion that a message tells of."""
    digest = hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()
    return f"msg_{digest[:MESSAGE_ID_DIGITS]}"


def signed_headers(id: str, at_s: int, body: bytes, keys: list[bytes]) -> dict[str, str]:
    headers = {"webhook-id": id, "webhook-timestamp": str(at_s)}
    if keys:
        signed = b".".join((id.encode(), str(at_s).encode(), body))
        digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
        headers["webhook-signature"] = " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)
    return headers


async def _open(tenant: str, secrets: WebhookSecretsDocument, now_ms: int, services: Services) -> list[bytes]:
    """The live secrets that open: in an overlap the receiver takes either signature."""
    opened, faults = [], []
    for secret in secrets.live(now_ms):
        try:
            opened.append(signing_key(await services.unseal(secret.sealed, bound_to(tenant, PURPOSE))))
        except CannotUnseal as fault:
            faults.append(str(fault))
    if faults and not opened:
        raise CannotSign(f"the webhook's secret cannot be opened: {faults[0]}")
    return opened
