"""A tenant's own keys of providers, sealed: one of its documents (`core.tenant.documents`), with routes of its own.

A call is made with its caller's own key, else with its tenant's, else with the Worker's. A tenant's key leads to an
account that nobody shares with it. The rule easy to break: where a tenant has a key for a provider and it does not
open, the call is refused; the Worker's key in its place would have somebody else pay, and see the tenant's files.
"""

from typing import Annotated

import msgspec

from core.tenant.credentials import is_token
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing
from core.tenant.provider_keys import is_placeholder, issuer_of
from core.tenant.sealed.form import SEALED_CHARACTERS_MAX
from core.wire.json_text import InvalidJSON, read_json

KEY_CHARACTERS_MAX = 4_096

KEY_CHARACTERS_MIN = 20

PlainKey = Annotated[
    str, msgspec.Meta(min_length=KEY_CHARACTERS_MIN, max_length=KEY_CHARACTERS_MAX, pattern=r"^[!-~]+$(?!\n)")
]
"""What can stand in a header, printable and without blanks, and is no shorter than any provider's."""


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's key as it is stored."""

    sealed: Annotated[str, msgspec.Meta(max_length=SEALED_CHARACTERS_MAX)]
    last_four: str
    set_at: int
    set_by: str


class ProviderKeysDocument(msgspec.Struct, frozen=True, kw_only=True):
    keys: dict[str, SealedKey] = {}
    """By provider."""


def purpose_of(provider: str) -> str:
    """What a provider's key is sealed for."""
    return f"provider_key:{provider}"


def key_fault(key: str, provider: str) -> str | None:
    """Why this is no key for the provider, in words that go behind the field's name and repeat nothing of it."""
    if is_token(key) or key.startswith("aw_"):
        return "is a token of AgentWatch's, not a key of a provider's"
    issuer = issuer_of(key)
    if issuer not in (None, provider):
        return f"is a key of {issuer}, by its first letters, and not of {provider}"
    return "is no key that a provider would issue" if is_placeholder(key) else None


def parse_provider_keys(document: bytes | str) -> ProviderKeysDocument:
    """Raises `InvalidDocument`."""
    try:
        return read_json(document, ProviderKeysDocument)
    except InvalidJSON as error:
        raise InvalidDocument(str(error), error.place) from None


def judge_provider_keys(document: str, _: Writing) -> tuple[DocumentWarning, ...]:
    parse_provider_keys(document)
    return ()


PROVIDER_KEYS = DocumentKind(
    name="provider_keys",
    summary="The tenant's own keys of providers, sealed",
    schema=ProviderKeysDocument,
    parse=parse_provider_keys,
    default=ProviderKeysDocument(),
    judge=judge_provider_keys,
    has_routes=False,
    versions_max=1,
)
