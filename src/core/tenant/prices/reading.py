"""The text of prices as terms, in two readings of the same strictness about what is written.

A call reads what stands in the document alone. A write is judged besides by the prices below it: what an alias leads
to, whether a model that nobody lists is stated in full. That is no reason to refuse calls later, when the table has
lost a model: an alias that leads nowhere is a model without a price, and the tenant's policy says what becomes of it.

The rule easy to break: one model is stated once, whatever the spelling, and in one way: with rates, as another one, or
as free.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import msgspec
from msgspec import UNSET

from core.bounds import DOCUMENT_CHARACTERS_MAX
from core.money.amount import NANOUSD_MAX, NANOUSD_PER_USD
from core.money.model_names import undecorated
from core.money.price_book import Price, Rates
from core.money.price_list import PriceList
from core.money.price_terms import FREE, INPUT, NO_TERMS, OUTPUT, PriceTerms, StatedModel
from core.providers import PROVIDERS, canonical_provider
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument
from core.tenant.document_text import NotedObject, characters_of, fault_in, objects_in
from core.tenant.prices.document import (
    ALIASES_MAX,
    FREE_MODELS_MAX,
    MODEL_CHARACTERS_MAX,
    MODELS_MAX,
    ModelPrices,
    PricesDocument,
)
from core.tenant.prices.warnings import warnings_of
from core.wire.json_text import InvalidJSON, read_json

Name = tuple[str, str]
"""A provider and one of its models, as they are compared."""

_RATES: Mapping[str, str] = {name.replace("_nanousd_", "_usd_"): name for name in Rates.__struct_fields__}
"""The fields of `Rates` by the members in which they are written."""

_TOP = {"": PricesDocument.__struct_fields__}
_MEMBERS = {"": ModelPrices.__struct_fields__}

_MODEL_ID = re.compile(rf"({'|'.join(PROVIDERS)})/([!-~]{{1,{MODEL_CHARACTERS_MAX}}})")
_RATE = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,9}))?")
_PERCENT = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,4}))?")


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The document with its entries unread, so that a fault in one can name it."""

    models: dict[str, msgspec.Raw] = {}
    aliases: dict[str, object] = {}
    discount_percent: dict[str, object] = {}
    free_models: list[str] = []


@lru_cache(maxsize=32)
def parse_prices(text: bytes | str) -> PriceTerms:
    """The terms as they are written. Cached: an isolate reads its tenants' documents again and again, and price lists
    are made of these very values. Raises `InvalidDocument` naming the member."""
    envelope = _envelope(characters_of(text, "prices", most=DOCUMENT_CHARACTERS_MAX))
    written: dict[Name, str] = {}
    models = _models(envelope, written)
    aliases = _aliases(envelope, written)
    discounts = {provider: _discount(provider, percent) for provider, percent in envelope.discount_percent.items()}
    return PriceTerms(models, aliases, discounts)


def judge_prices(text: str, below: PriceList, at_ms: int) -> tuple[DocumentWarning, ...]:
    """What is odd about prices that can be used, over those below them. Raises `InvalidDocument`."""
    terms = parse_prices(text)
    _refuse_repeated_members(text)
    for provider, stated in terms.models.items():
        for name, model in stated.items():
            _refuse_unfit(provider, name, model, below.find(provider, name, at_ms=at_ms))
    for provider, aliases in terms.aliases.items():
        for name, target in aliases.items():
            is_known = isinstance(below.find(provider, target, at_ms=at_ms), Price)
            if not is_known and terms.stated_name(provider, target) is None:
                words = f"{provider}/{target} is neither listed nor stated: an alias leads to a model that has a price"
                raise _invalid(_entry("aliases", provider, name), words)
    return warnings_of(terms, below, at_ms)


def _envelope(text: str) -> _Envelope:
    try:
        envelope = read_json(text, _Envelope)
    except InvalidJSON as error:
        member, words = fault_in(str(error), _TOP)
        raise _invalid(member or "prices", words) from None
    for member, most in (("models", MODELS_MAX), ("aliases", ALIASES_MAX), ("free_models", FREE_MODELS_MAX)):
        if len(getattr(envelope, member)) > most:
            raise _invalid(member, f"more than {most} of them")
    return envelope


def _models(envelope: _Envelope, written: dict[Name, str]) -> dict[str, dict[str, StatedModel]]:
    models: dict[str, dict[str, StatedModel]] = {}
    for model_id, raw in envelope.models.items():
        place = f"models[{json.dumps(model_id[:MODEL_CHARACTERS_MAX])}]"
        provider, name = _new_name(model_id, place, written)
        models.setdefault(provider, {})[name] = _stated(raw, place)
    for number, model_id in enumerate(envelope.free_models):
        provider, name = _new_name(model_id, f"free_models[{number}]", written)
        models.setdefault(provider, {})[name] = FREE
    return models


def _aliases(envelope: _Envelope, written: dict[Name, str]) -> dict[str, dict[str, str]]:
    aliases: dict[str, dict[str, str]] = {}
    for model_id, target_id in envelope.aliases.items():
        place = f"aliases[{json.dumps(model_id[:MODEL_CHARACTERS_MAX])}]"
        provider, name = _new_name(model_id, place, written)
        owner, target = _name(target_id, place)
        if owner != provider:
            raise _invalid(place, f"leads to {owner}: a name is billed as a model of its own provider")
        aliases.setdefault(provider, {})[name] = target
    for provider, names in aliases.items():
        chained = PriceTerms(aliases={provider: names})
        for name, target in names.items():
            if chained.billed_as(provider, target) != target or target in names:
                words = f"leads to {provider}/{target}, which is an alias itself: name the model that it is billed as"
                raise _invalid(_entry("aliases", provider, name), words)
    return aliases


def _stated(raw: msgspec.Raw, place: str) -> StatedModel:
    try:
        prices = read_json(raw, ModelPrices)
    except InvalidJSON as error:
        member, words = fault_in(str(error), _MEMBERS)
        if "matching regex" in words:
            words = "must be dollars as a decimal, such as 1.25, with at most nine digits behind the point"
        raise _invalid(f"{place}.{member}" if member else place, words) from None
    rates = {}
    for member, name in _RATES.items():
        text = getattr(prices, member)
        if text is not UNSET:
            rates[name] = _rate(text, f"{place}.{member}")
    return StatedModel(
        rates,
        None if prices.input_tokens_max is UNSET else prices.input_tokens_max,
        None if prices.output_tokens_max is UNSET else prices.output_tokens_max,
    )


def _rate(text: str, place: str) -> int:
    digits = _RATE.fullmatch(text)
    assert digits is not None, "its type has read it"
    nanousd = int(digits[1]) * NANOUSD_PER_USD + int((digits[2] or "").ljust(9, "0"))
    if nanousd > NANOUSD_MAX:
        raise _invalid(place, f"must be at most {NANOUSD_MAX // NANOUSD_PER_USD} dollars")
    return nanousd


def _discount(provider: str, percent: object) -> int:
    place = f"discount_percent.{provider[:MODEL_CHARACTERS_MAX]}"
    if provider not in PROVIDERS:
        raise _invalid(place, f"there is no such provider{_hint(provider)}: they are {', '.join(PROVIDERS)}")
    digits = _PERCENT.fullmatch(percent) if isinstance(percent, str) else None
    if digits is None:
        words = "must be a decimal from 0 to less than 100, such as 12.5, with at most four digits behind the point"
        raise _invalid(place, words)
    return int(digits[1] + (digits[2] or "").ljust(4, "0"))  # percent have four digits, so these are `PARTS`


def _new_name(model_id: str, place: str, written: dict[Name, str]) -> Name:
    """A name about which nothing was said before in this document."""
    name = _name(model_id, place)
    if name in written:
        raise _invalid(place, f"is the same model as {written[name]}: say one thing of it")
    written[name] = place
    return name


def _name(model_id: object, place: str) -> Name:
    found = _MODEL_ID.fullmatch(model_id) if isinstance(model_id, str) else None
    if found is None:
        provider = str(model_id).partition("/")[0]
        words = f"a model is named as provider/model, with a provider of {', '.join(PROVIDERS)}{_hint(provider)}"
        raise _invalid(place, words)
    name = undecorated(found[2])
    if name.startswith("ft:") and name != found[2].lower():
        raise _invalid(place, f"a fine-tune is priced by its base: {found[1]}/{name}")
    if not name:
        raise _invalid(place, "names no model")
    return found[1], name


def _hint(provider: str) -> str:
    meant = canonical_provider(provider)
    return f"; did you mean {meant}?" if meant and meant != provider else ""


def _refuse_unfit(provider: str, name: str, model: StatedModel, below: object) -> None:
    """Raises `InvalidDocument` for what does not make a price."""
    place = _entry("models", provider, name)
    if not isinstance(below, Price) and not model.is_whole:
        missing = OUTPUT if INPUT in model.rates else INPUT
        raise _invalid(f"{place}.{missing.replace('_nanousd_', '_usd_')}", "is missing: nobody lists this model")
    for cached, uncached in (("cached_input", "input"), ("cached_audio_input", "audio_input")):
        rate = model.rates.get(f"{cached}_nanousd_per_mtok")
        other = model.rates.get(f"{uncached}_nanousd_per_mtok")
        if rate is not None and other is not None and rate > other:
            raise _invalid(f"{place}.{cached}_usd_per_mtok", f"is more than {uncached}_usd_per_mtok")


def _entry(member: str, provider: str, name: str) -> str:
    return f"{member}[{json.dumps(f'{provider}/{name}')}]"


def _refuse_repeated_members(text: str) -> None:
    document = objects_in(text)
    if document.repeated:
        raise _invalid(document.repeated, "given twice")
    for member in ("models", "aliases", "discount_percent"):
        part = document.get(member)
        if not isinstance(part, NotedObject):
            continue
        if part.repeated is not None:
            raise _invalid(f"{member}[{json.dumps(part.repeated)}]", "given twice")
        for name, each in part.items():
            if isinstance(each, NotedObject) and each.repeated is not None:
                raise _invalid(f"{member}[{json.dumps(name)}].{each.repeated}", "given twice")


def _invalid(place: str, words: str) -> InvalidDocument:
    return InvalidDocument(f"{place}: {words}", place)


PRICES: DocumentKind[PriceTerms] = DocumentKind(
    name="prices",
    summary="The tenant's own prices",
    schema=PricesDocument,
    parse=parse_prices,
    default=NO_TERMS,
    judge=lambda text, writing: judge_prices(text, PriceList(platform=writing.prices.platform), writing.at_ms),
)

PLATFORM_PRICES = replace(PRICES, summary="The platform's prices, which hold for every tenant")
