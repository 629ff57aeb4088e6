"""The text of a tenant's failover as chains, in two readings.

Strict is what a write gets: one thing that is wrong refuses all of it, naming the chain and its member, and after it
the first thing that is wrong with each other chain; and every hop must have a price. Lenient is how a call reads what
is stored: a chain that this version cannot use is left out and named, and the others hold. The rule easy to break: what
bounds the attempts is read whole or there is no failover, for a ceiling that cannot be read would be none.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET

from core.money.amount import InvalidAmount, parse_usd
from core.money.price_list import PriceList
from core.tenant.document import Broken, DocumentKind, DocumentWarning, InvalidDocument, raise_all
from core.tenant.document_text import characters_of, fault_in, objects_in, repeated_member
from core.tenant.failover.chains import Chains, CompiledChain, Limits, compile_chain
from core.tenant.failover.document import (
    CHAINS_MAX,
    FAILOVER_CHARACTERS_MAX,
    WILD_CHARACTERS_MAX,
    Bounds,
    ChainDocument,
    ChainMatch,
    FailoverDocument,
    HopDocument,
    InvalidChain,
)
from core.tenant.failover.listed_models import ListedModel, hop_prices, listed_models, met_by, refuse_embeddings
from core.tenant.failover.triggers import TRIGGERS
from core.tenant.failover.warnings import JudgedChain, warnings_of
from core.tenant.rules.document import listed
from core.wire.json_text import InvalidJSON, read_json

_ID_CHARACTERS_MAX = 64
"""Of an id that may be none."""

_TOP = {"": FailoverDocument.__struct_fields__}
_MEMBERS = {
    "": ChainDocument.__struct_fields__,
    "match": ChainMatch.__struct_fields__,
    "hops[]": HopDocument.__struct_fields__,
}
"""What may be written, by the place in a chain."""


class _Envelope(Bounds, frozen=True):
    """The document with its chains unread; a newer version's other members say nothing to this one."""

    chains: tuple[msgspec.Raw, ...] = ()


class _StrictEnvelope(_Envelope, frozen=True, forbid_unknown_fields=True):
    pass


class _Named(msgspec.Struct):
    id: str


E = TypeVar("E", bound=_Envelope)


@lru_cache(maxsize=32)
def parse_failover(text: bytes | str) -> Chains:
    """The lenient reading. Cached: an isolate reads its tenants' documents again every minute, and few have changed."""
    try:
        envelope = _envelope(text, _Envelope)
        limits = _limits(envelope)
    except InvalidDocument as error:
        return Chains(broken=(Broken("failover", str(error), is_whole=True),))
    chains: dict[str, CompiledChain] = {}
    broken = []
    for number, raw in enumerate(envelope.chains):
        try:
            _, compiled = _chain(number, raw, limits, chains)
            chains[compiled.chain.id] = compiled
        except InvalidDocument as error:
            broken.append(Broken(_id_of(number, raw), str(error)))
    return Chains(tuple(chains.values()), tuple(broken))


def judge_failover(text: bytes | str, at_ms: int, prices: PriceList) -> tuple[DocumentWarning, ...]:
    """The strict reading: what is odd about chains that can be used, by the tenant's prices of this moment. Raises
    `InvalidDocument`."""
    written = characters_of(text, "failover", most=FAILOVER_CHARACTERS_MAX)
    envelope = _envelope(written, _StrictEnvelope)
    limits = _limits(envelope)
    if len(envelope.chains) > CHAINS_MAX:
        raise InvalidDocument(f"chains: more than {CHAINS_MAX} of them", "chains")
    judged = _judged(envelope.chains, limits, at_ms, prices)
    _refuse_repeated_members(written)
    return warnings_of(envelope, judged)


def _judged(raws: Sequence[msgspec.Raw], limits: Limits, at_ms: int, prices: PriceList) -> Sequence[JudgedChain]:
    models = listed_models(at_ms, prices) if raws else ()
    chains: dict[str, CompiledChain] = {}
    judged, faults = [], []
    wild = 0
    for number, raw in enumerate(raws):
        try:
            document, compiled = _chain(number, raw, limits, chains)
            chains[compiled.chain.id] = compiled
            wild += sum(pattern.count("?") for pattern in listed(document.match.model))
            judged.append(_judged_chain(number, document, compiled, models, prices, at_ms=at_ms, wild=wild))
        except InvalidDocument as error:
            faults.append(error)
    raise_all(faults)
    return judged


def _judged_chain(
    number: int,
    document: ChainDocument,
    compiled: CompiledChain,
    models: Sequence[ListedModel],
    prices: PriceList,
    *,
    at_ms: int,
    wild: int,
) -> JudgedChain:
    try:
        if wild > WILD_CHARACTERS_MAX:
            words = f"more than {WILD_CHARACTERS_MAX} question marks in all patterns together"
            raise InvalidChain("match.model", words)
        met = met_by(compiled.matcher, models)
        refuse_embeddings(document.match, met)
        return JudgedChain(document, compiled, hop_prices(compiled.chain, at_ms, prices), met)
    except InvalidChain as error:
        raise _invalid(number, compiled.chain.id, error.field, str(error)) from None


def _envelope(text: bytes | str, kind: type[E]) -> E:
    try:
        return read_json(text, kind)
    except InvalidJSON as error:
        member, words = fault_in(str(error), _TOP)
        raise InvalidDocument(f"{member or 'failover'}: {words}", member or "failover") from None


def _limits(bounds: Bounds) -> Limits:
    try:
        dollars_max = None if bounds.dollars_max is UNSET else parse_usd(bounds.dollars_max)
    except InvalidAmount as error:
        raise InvalidDocument(f"dollars_max: {error}", "dollars_max") from None
    return Limits(bounds.attempts_max, bounds.deadline_ms, dollars_max)


def _chain(
    number: int, raw: msgspec.Raw, limits: Limits, before: Mapping[str, CompiledChain]
) -> tuple[ChainDocument, CompiledChain]:
    chain_id = _id_of(number, raw)
    try:
        document = read_json(raw, ChainDocument)
        if chain_id in before:
            raise InvalidChain("id", "a chain before it has this id")
        return document, compile_chain(document, chain_id=chain_id, limits=limits)
    except InvalidJSON as error:
        member, words = _fault(str(error))
    except InvalidChain as error:
        member, words = error.field, str(error)
    raise _invalid(number, chain_id, member, words)


def _invalid(number: int, chain_id: str, member: str, words: str) -> InvalidDocument:
    """The chain's place and id, and its member."""
    param = f"chains[{number}]{member and '.'}{member}"
    return InvalidDocument(f"{param} (chain {json.dumps(chain_id)}): {words}", param)


def _id_of(number: int, raw: msgspec.Raw) -> str:
    """What it is called, even where it cannot be read."""
    try:
        return read_json(raw, _Named).id[:_ID_CHARACTERS_MAX]
    except InvalidJSON:
        return f"chain-{number + 1}"


def _fault(words: str) -> tuple[str, str]:
    place, fault = fault_in(words, _MEMBERS)
    if place.startswith("on["):
        fault = f"must be one of {', '.join(TRIGGERS)}"
    return place, fault


def _refuse_repeated_members(text: str) -> None:
    document = objects_in(text)
    if document.repeated:
        raise InvalidDocument(f"{document.repeated}: given twice", document.repeated)
    for number, chain in enumerate(document.listed("chains")):
        place = repeated_member(chain)
        if place is not None:
            raise _invalid(number, str(chain.get("id") or f"chain-{number + 1}"), place, "given twice")


FAILOVER: DocumentKind[Chains] = DocumentKind(
    name="failover",
    summary="Where the tenant's calls go that fail",
    schema=FailoverDocument,
    parse=parse_failover,
    default=Chains(),
    judge=lambda text, writing: judge_failover(text, writing.at_ms, writing.prices),
)
