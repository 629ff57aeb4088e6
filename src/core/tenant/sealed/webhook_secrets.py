"""The secrets that a tenant's webhook is signed with, sealed: one of its documents, with routes of its own.

There are two at most: the present one, and the one before, which goes on signing until its end. So a receiver changes
its secret while both are good. The rule easy to break: making a third ends the first, however long it had.
"""

from base64 import b64decode, b64encode
from typing import Annotated

import msgspec

from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing
from core.tenant.sealed.form import SEALED_CHARACTERS_MAX
from core.wire.json_text import InvalidJSON, read_json

PURPOSE = "webhook_secret:webhook"

SECRET_START = "whsec_"
SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""

SECRETS_MAX = 2


class SealedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """One secret as it is stored."""

    sealed: Annotated[str, msgspec.Meta(max_length=SEALED_CHARACTERS_MAX)]
    last_four: str
    made_at: int
    made_by: str
    ends_at: int | None = None
    """From when on it signs nothing any more; None for the present one."""

    def is_live(self, now_ms: int) -> bool:
        return self.ends_at is None or now_ms < self.ends_at


class WebhookSecretsDocument(msgspec.Struct, frozen=True, kw_only=True):
    secrets: Annotated[tuple[SealedSecret, ...], msgspec.Meta(max_length=SECRETS_MAX)] = ()
    """The youngest first."""

    def live(self, now_ms: int) -> tuple[SealedSecret, ...]:
        """Those that sign at this moment."""
        return tuple(secret for secret in self.secrets if secret.is_live(now_ms))

    def rotated_until(self, now_ms: int) -> int | None:
        """The end of the secret before, while it signs."""
        return next((secret.ends_at for secret in self.live(now_ms) if secret.ends_at is not None), None)


def rotated(before: WebhookSecretsDocument, made: SealedSecret, *, overlap_ms: int) -> WebhookSecretsDocument:
    """The document with a new secret; the present one goes on signing for so long."""
    present = next((secret for secret in before.secrets if secret.ends_at is None), None)
    if present is None or overlap_ms == 0:
        return WebhookSecretsDocument(secrets=(made,))
    return WebhookSecretsDocument(secrets=(made, msgspec.structs.replace(present, ends_at=made.made_at + overlap_ms)))


def secret_of(random: bytes) -> str:
    """Random bytes as the secret that its receiver is told."""
    assert len(random) == SECRET_BYTES
    return SECRET_START + b64encode(random).decode()


def signing_key(secret: str) -> bytes:
    """The bytes that sign."""
    return b64decode(secret.removeprefix(SECRET_START))


def parse_webhook_secrets(document: bytes | str) -> WebhookSecretsDocument:
    """Raises `InvalidDocument`."""
    try:
        return read_json(document, WebhookSecretsDocument)
    except InvalidJSON as error:
        raise InvalidDocument(str(error), error.place) from None


def judge_webhook_secrets(document: str, _: Writing) -> tuple[DocumentWarning, ...]:
    parse_webhook_secrets(document)
    return ()


WEBHOOK_SECRETS = DocumentKind(
    name="webhook_secrets",
    summary="The secrets that the tenant's webhook is signed with, sealed",
    schema=WebhookSecretsDocument,
    parse=parse_webhook_secrets,
    default=WebhookSecretsDocument(),
    judge=judge_webhook_secrets,
    has_routes=False,
    versions_max=1,
)
