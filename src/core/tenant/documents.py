"""All documents of a tenant together: which kinds there are, and the copy of them that the edge reads from KV.

The tenant's Ledger is the authority. Every write there has a number, counted over all kinds, which is the document's
version too; so one number says whether somebody's copy is the present one. A configuration that was written into KV by
hand has no number: it is no copy but news, and the Ledger takes it in.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, cast

import msgspec

from core.bounds import DOCUMENT_CHARACTERS_MAX
from core.money.price_terms import NO_TERMS, PriceTerms
from core.tenant.ceilings import CEILINGS, Ceilings, policy_under, session_ceiling
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument
from core.tenant.failover.chains import Chains
from core.tenant.failover.reading import FAILOVER
from core.tenant.policy import CONFIG, TenantPolicy
from core.tenant.prices.reading import PRICES
from core.tenant.rules.compiled import CompiledRules
from core.tenant.rules.reading import RULES
from core.tenant.sealed.provider_keys import PROVIDER_KEYS
from core.tenant.sealed.webhook_secrets import WEBHOOK_SECRETS
from core.wire.json_text import InvalidJSON, read_json

T = TypeVar("T")

DOCUMENTS: tuple[DocumentKind[Any], ...] = (CONFIG, RULES, FAILOVER, PRICES, CEILINGS, PROVIDER_KEYS, WEBHOOK_SECRETS)
"""One row a kind: its routes, its versions and its place in every copy follow from it."""

KINDS: Mapping[str, DocumentKind[Any]] = {kind.name: kind for kind in DOCUMENTS}


class DocumentsCopy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The present documents as they travel: the last write's number, and each text by its kind."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    digest: str
    """Of number and texts: a copy that somebody has changed in KV, under a number that the Ledger gave, is none."""
    documents: dict[str, msgspec.Raw]
    versions: dict[str, int] = {}
    """Each document's own, by its kind: a name for it and nothing else, so the digest is not of them."""


@dataclass(frozen=True, slots=True)
class TenantDocuments:
    """What a tenant has decided, as values. Number zero: nothing that the Ledger knows of."""

    number: int = 0
    values: Mapping[str, object] = field(default_factory=dict)
    digest: str = ""
    """Of the copy that they were read from: another copy with the same one says the same."""
    characters: int = 0
    """How much was written: what they take in memory grows with it."""
    versions: Mapping[str, int] = field(default_factory=dict)
    policy: TenantPolicy = field(init=False)
    """The configuration as far as it is in force: asked many times in every call, so it is worked out once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", policy_under(self.of(CONFIG), self.ceilings))

    def of(self, kind: DocumentKind[T]) -> T:
        return cast(T, self.values.get(kind.name, kind.default))

    def version_of(self, kind: DocumentKind[Any]) -> int:
        """The number of the write that a document is of; of the last one at all, where nobody says."""
        return self.versions.get(kind.name, self.number)

    @property
    def prices(self) -> PriceTerms:
        """Its own, as far as they are in force."""
        return NO_TERMS if self.ceilings.limits_money else self.of(PRICES)

    @property
    def ceilings(self) -> Ceilings:
        return self.of(CEILINGS)

    @property
    def session_ceiling_nanousd(self) -> int | None:
        return session_ceiling(self.policy, self.ceilings)

    @property
    def requires_session(self) -> bool:
        """Do calls that cost money have to name their session?"""
        return self.policy.requires_session or self.ceilings.requires_session

    @property
    def rules(self) -> CompiledRules:
        return self.of(RULES)

    @property
    def failover(self) -> Chains:
        return self.of(FAILOVER)


def unheeded(kind: DocumentKind[Any], text: str, ceilings: Ceilings) -> tuple[DocumentWarning, ...]:
    """What a document says that is not in force under its tenant's ceilings."""
    value = kind.parse(text) if ceilings.limits_money and kind.name in (PRICES.name, CONFIG.name) else None
    if isinstance(value, PriceTerms) and not value.is_nothing:
        words = "are not in force: under the operator's ceilings the platform's prices hold"
        return (DocumentWarning("", "under_ceiling", words),)
    if isinstance(value, TenantPolicy) and policy_under(value, ceilings) != value:
        words = (
            "under the operator's ceilings nothing passes free or unmetered, and no more than the default while the"
            " Ledger is away (unpriced_models, allow_unmetered_paths, outage_allowance_usd)"
        )
        return (DocumentWarning("", "under_ceiling", words),)
    return ()


def copy_text(number: int, texts: Mapping[str, str], versions: Mapping[str, int] | None = None) -> str:
    """The copy as text, in KV and on its way to an edge. A document whose version is not said has the number's."""
    documents = {kind: msgspec.Raw(text.encode()) for kind, text in texts.items()}
    copy = DocumentsCopy(number, _digest(number, documents), documents, dict(versions or {}))
    return msgspec.json.encode(copy).decode()


def read_copy(text: str) -> DocumentsCopy | None:
    """A copy; None for what is none, such as a configuration written by hand, or a copy that was changed."""
    try:
        copy = read_json(text, DocumentsCopy)
    except InvalidJSON:
        return None
    return copy if copy.digest == _digest(copy.number, copy.documents) else None


def parse_copy(copy: DocumentsCopy) -> TenantDocuments:
    """The documents as values. A kind that this version does not know is left out. Raises `InvalidDocument`."""
    return TenantDocuments(
        copy.number,
        {name: _parsed(KINDS[name], bytes(text)) for name, text in copy.documents.items() if name in KINDS},
        copy.digest,
        sum(len(bytes(text)) for text in copy.documents.values()),
        copy.versions,
    )


def parse_by_hand(text: str) -> TenantDocuments:
    """A configuration written into KV by hand, as long as no Ledger has numbered it. Raises `InvalidDocument`."""
    if len(text) > DOCUMENT_CHARACTERS_MAX:
        raise InvalidDocument(
            f"{CONFIG.name}: more than {DOCUMENT_CHARACTERS_MAX} characters, which no Ledger takes in"
        )
    return TenantDocuments(values={CONFIG.name: _parsed(CONFIG, text)}, characters=len(text))


def _digest(number: int, documents: Mapping[str, msgspec.Raw]) -> str:
    return hashlib.sha256(msgspec.json.encode((number, documents))).hexdigest()[:32]


def _parsed(kind: DocumentKind[T], text: bytes | str) -> T:
    try:
        return kind.parse(text)
    except InvalidDocument as error:
        raise InvalidDocument(f"{kind.name}: {error}", error.param) from None
