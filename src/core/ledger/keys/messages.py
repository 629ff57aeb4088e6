"""What is said between the Workers and a tenant's Ledger about its keys. A token never crosses: its digest does."""

from typing import Annotated

import msgspec

from core.bounds import KEYS_PER_PAGE_MAX
from core.ledger.document_messages import Replaced, VersionConflict
from core.ledger.keys.grants import Fault
from core.ledger.keys.key import OVERLAP_S_MAX, KeyState, KeyTerms, KeyToken, Name
from core.ledger.messages import AccountView, KeyDisabled, Message, PresentDocuments, Question
from core.money.amount import NANOUSD_MAX

Budget = Annotated[int, msgspec.Meta(ge=0, le=NANOUSD_MAX)]
"""Zero: nothing may be spent."""

Digest = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Writer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asks for a change."""

    actor: Name | None = None
    """For the logs."""
    key_id: Name | None = None
    """Refused where this is no good key any more."""
    token_number: int | None = None
    has_operator: bool = False
    """Somebody could let in a tenant that has locked itself out."""


class Once(msgspec.Struct, frozen=True):
    """What makes a repeat known: the name that its caller gave the request, and what was in it, both as digests."""

    name: Digest
    contents: Digest


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key as those see it who administer it: never its tokens' digests."""

    key_id: str
    version: int
    terms: KeyTerms
    state: KeyState
    start: str
    last_four: str
    created_at_ms: int
    created_by: str | None
    last_used_at_ms: int | None
    """To the hour."""
    rotated_until_ms: int | None
    account: AccountView


class KeyWritten(Message, frozen=True, tag="key_written"):
    """The change stands."""

    key: KeyView


class KeyMadeBefore(Message, frozen=True, tag="key_made_before"):
    """The same request has made this key already."""

    key: KeyView


class OnceReused(Message, frozen=True, tag="once_reused"):
    """Another request had this name."""


class TooManyKeys(Message, frozen=True, tag="too_many_keys"):
    most: int


class NoKey(Message, frozen=True, tag="no_key"):
    """The Ledger keeps no key of this id."""


class KeyRevoked(Message, frozen=True, tag="key_revoked"):
    """A revoked key stays as it is."""


class NotGranted(Message, frozen=True, tag="not_granted"):
    """Whoever asks may not give this."""

    fault: Fault


class CreateKeyRequest(
    Question[KeyWritten | KeyMadeBefore | OnceReused | TooManyKeys | NotGranted | KeyDisabled],
    frozen=True,
    tag="create_key",
):
    key_id: Name
    terms: KeyTerms
    token: KeyToken
    writer: Writer
    budget_nanousd: Budget | None = None
    once: Once | None = None


KeyChanged = KeyWritten | NoKey | KeyRevoked | NotGranted | VersionConflict | KeyDisabled


class ChangeKeyRequest(Question[KeyChanged], frozen=True, tag="change_key"):
    """Replace a key's terms and its budget; None takes its budget away. What says the same as is there already makes no
    new version."""

    key_id: Name
    terms: KeyTerms
    writer: Writer
    budget_nanousd: Budget | None = None
    instead_of: Replaced = None


class RotateKeyRequest(
    Question[KeyWritten | NoKey | KeyRevoked | NotGranted | KeyDisabled], frozen=True, tag="rotate_key"
):
    key_id: Name
    token: KeyToken
    writer: Writer
    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = 0


class RevokeKeyRequest(Question[KeyWritten | NoKey | NotGranted | KeyDisabled], frozen=True, tag="revoke_key"):
    """Disable a key for good. A repeat changes nothing."""

    key_id: Name
    writer: Writer


class KeyFound(Message, frozen=True, tag="key"):
    key: KeyView


class KeyRequest(Question[KeyFound | NoKey], frozen=True, tag="read_key"):
    key_id: Name


class KeyPage(Message, frozen=True, tag="key_page"):
    keys: list[KeyView]
    next_after_key_id: str | None = None


class ListKeysRequest(Question[KeyPage], frozen=True, tag="list_keys"):
    """A page of the tenant's keys in the order of their ids, after the id given."""

    after_key_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=KEYS_PER_PAGE_MAX)] = 100


class Standing(Message, frozen=True, tag="standing"):
    """The caller is still let in. What has changed since it was: all documents, or the record of its key."""

    present: PresentDocuments | None = None
    key_record: str | None = None


class StandingRequest(Question[Standing | KeyDisabled], frozen=True, tag="standing_request"):
    """Is a caller still who its record says? For requests that no admission decides."""

    key_id: Name | None = None
    token_number: int | None = None
    key_version: int | None = None
    documents_number: int | None = None


KeyQuestion = (
    CreateKeyRequest
    | ChangeKeyRequest
    | RotateKeyRequest
    | RevokeKeyRequest
    | KeyRequest
    | ListKeysRequest
    | StandingRequest
)
