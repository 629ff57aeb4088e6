"""Turns two source extracts and a list of reviewed disagreements into the price table.

Theory of operation. (1) *Merge*: what either source states, the reviewed side where they differ.
(2) *Date*: prices announced for later days become periods of their own. (3) *Fill*: every rate that
nobody states gets one by a named fallback, so that the table is total and the program that reads it
never guesses. A fallback never undercuts: it takes the dearer reading. Nothing in here knows where
the sources come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from tools.price_review import (
    Disagreement,
    Limit,
    Reviews,
    UnreviewedPrices,
    band_sizes,
    differs,
    disagreements,
    is_retired,
    limit_of,
    listed_names,
    models_named,
    problems,
    rate_at,
    review_of,
    stated_rates,
)
from tools.price_siblings import Listing, cheaper_names
from tools.price_sources import PER_CALL, RATES, Bands, Period, SourceExtract, SourceModel, Tiers

FALLBACKS = {
    "cached_input": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "cache_write_5m",
    "audio_input": "input",
    "cached_audio_input": "audio_input",
    "image_input": "input",
    "video_input": "input",
    "output": "input",
    "reasoning": "output",
    "audio_output": "output",
    "image_output": "output",
}
"""What an unstated rate is read as. `output` is unstated for embeddings alone, which generate
nothing."""

_GENERATED = frozenset({"output", "reasoning", "audio_output", "image_output"})


def build(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> dict[str, dict[str, Listing]]:
    """The whole table. Raises `UnreviewedPrices` when anything in it needs a person first."""
    table, wrong = draft(genai, litellm, reviews)
    if wrong:
        raise UnreviewedPrices(wrong)
    return table


def draft(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> tuple[dict[str, dict[str, Listing]], list[str]]:
    """The table as it would be, and all in it that needs a person: what nobody has reviewed is read
    as the dearer."""
    found = list(disagreements(genai, litellm, reviews))
    stated = {
        provider: {
            name: _periods(provider, name, (genai, litellm), found, reviews)
            for name in listed_names((genai, litellm), provider, reviews)
        }
        for provider in sorted(litellm.models)
    }
    fees = _fees(stated)
    table = {
        provider: {
            name: _listing(provider, name, (genai, litellm), periods, fees[provider], reviews)
            for name, periods in models.items()
        }
        for provider, models in stated.items()
    }
    stale = _alias(table, reviews)
    absurd = [line for provider in table for line in _absurdities(provider, table[provider])]
    return table, [*problems(genai, litellm, reviews), *stale, *absurd, *cheaper_names(table, reviews)]


def _periods(
    provider: str,
    name: str,
    extracts: tuple[SourceExtract, SourceExtract],
    found: Iterable[Disagreement],
    reviews: Reviews,
) -> list[Period]:
    ours, theirs = (extract.models.get(provider, {}).get(name) for extract in extracts)
    sides = {
        one.rate: review.believe
        for one in found
        if (one.provider, one.model) == (provider, name) and (review := review_of(one, reviews)) is not None
    }
    tiers = _merged(ours, theirs, sides)
    for place, rate in stated_rates(provider, name, reviews).items():
        tier, _, kind = place.partition(".")
        tiers.setdefault(tier, {})[kind] = {0: rate}
    return _dated(ours, tiers, extracts[1].as_of)


def _fees(stated: Mapping[str, Mapping[str, list[Period]]]) -> dict[str, dict[str, int]]:
    """What a call of each kind costs where nobody says: the dearest fee its provider lists, else
    anyone does. A search is never free."""
    listed = {
        provider: {
            kind: max((periods[0].tiers["standard"].get(kind, {0: 0})[0] for periods in models.values()), default=0)
            for kind in PER_CALL
        }
        for provider, models in stated.items()
    }
    dearest = {kind: max(fees[kind] for fees in listed.values()) for kind in PER_CALL}
    return {
        provider: {kind: fee or dearest[kind] for kind, fee in fees.items()} for provider, fees in listed.items()
    }


def _alias(table: dict[str, dict[str, Listing]], reviews: Reviews) -> list[str]:
    """Put what each name is billed as in its place. Returns the aliases that change nothing."""
    stale = []
    for alias in reviews.alias:
        models = table.get(alias.provider, {})
        if alias.billed_as not in models:
            continue
        billed = replace(models[alias.billed_as], is_current=False)
        for name in alias.models:
            if name in models and replace(models[name], is_current=False) == billed:
                stale.append(f"stale alias: {alias.provider} {name} is priced as {alias.billed_as} without it")
            models[name] = billed
        table[alias.provider] = dict(sorted(models.items()))
    return stale


def _merged(
    ours: SourceModel | None, theirs: SourceModel | None, sides: Mapping[str, str]
) -> Tiers:
    first = ours.periods[0].tiers if ours else {}
    second = theirs.periods[0].tiers if theirs else {}
    merged: Tiers = {}
    for tier in first.keys() | second.keys():
        kinds = first.get(tier, {}).keys() | second.get(tier, {}).keys()
        if kinds:
            merged[tier] = {
                kind: _believed(
                    first.get(tier, {}).get(kind),
                    second.get(tier, {}).get(kind),
                    sides.get(f"{tier}.{kind}", "dearer"),
                )
                for kind in kinds
            }
    return merged


def _believed(ours: Bands | None, theirs: Bands | None, side: str) -> Bands:
    if ours is None or (side == "litellm" and theirs is not None):
        assert theirs is not None, "a rate is merged only where someone states it"
        return theirs
    if theirs is None or side == "genai-prices":
        return ours
    if not any(differs(ours, theirs, size) for size in band_sizes(ours, theirs)):
        return min(ours, theirs, key=sorted)
    bounds = ours.keys() | theirs.keys()
    return {above: max(rate_at(ours, above + 1), rate_at(theirs, above + 1)) for above in bounds}


def _dated(ours: SourceModel | None, now: Tiers, as_of: str) -> list[Period]:
    """The merged prices, and for each later day the same in the proportion in which the dated
    source moves."""
    periods = [Period(as_of, now)]
    for later in ours.periods[1:] if ours else ():
        assert ours is not None
        periods.append(Period(later.starts_on, _moved(now, ours.periods[0].tiers, later.tiers)))
    return periods


def _moved(now: Tiers, before: Tiers, after: Tiers) -> Tiers:
    moved: Tiers = {}
    for tier, kinds in now.items():
        for kind, bands in kinds.items():
            old, new = before.get(tier, {}).get(kind), after.get(tier, {}).get(kind)
            if old is None or new is None:
                main = "output" if kind in _GENERATED else "input"
                old, new = before["standard"][main], after["standard"][main]
            if kind in PER_CALL:
                old, new = {0: 1}, {0: 1}
            moved.setdefault(tier, {})[kind] = {
                above: _scaled(rate, rate_at(new, above + 1), rate_at(old, above + 1))
                for above, rate in bands.items()
            }
    return moved


def _scaled(rate: int, numerator: int, denominator: int) -> int:
    """The rate in proportion, rounded up."""
    return -(-rate * numerator // denominator)


def _listing(
    provider: str,
    name: str,
    extracts: tuple[SourceExtract, SourceExtract],
    stated: list[Period],
    fees: Mapping[str, int],
    reviews: Reviews,
) -> Listing:
    models = models_named(extracts, provider, name)
    limit = limit_of(provider, name, reviews)
    known: list[SourceModel | Limit] = [*models, *([limit] if limit else [])]
    window = max((model.input_tokens_max or 0 for model in known), default=0) or None
    answer = max((model.output_tokens_max or 0 for model in known), default=0) or window
    is_current = not (any(model.is_retired for model in models) or is_retired(provider, name, reviews))
    periods = tuple((period.starts_on, _total(period.tiers, fees)) for period in stated)
    return Listing(is_current, window, answer, periods)


def _total(stated: Tiers, fees: Mapping[str, int]) -> dict[str, dict[int, tuple[int, ...]]]:
    standard = _pruned({kind: {0: fee} for kind, fee in fees.items()} | stated["standard"])
    tiers = {"standard": {above: _row(standard, above) for above in _bounds(standard)}}
    for tier in sorted(stated.keys() - {"standard"}):
        tiers[tier] = {
            above: _tier_row(stated[tier], standard, above)
            for above in _bounds(standard | stated[tier], standard)
        }
    return tiers


def _pruned(stated: dict[str, Bands]) -> dict[str, Bands]:
    """Without what merely repeats its own fallback, so that it follows that fallback in other
    tiers too."""
    return {
        kind: bands
        for kind, bands in stated.items()
        if kind not in FALLBACKS or not _repeats(bands, stated.get(FALLBACKS[kind], {}))
    }


def _repeats(bands: Bands, fallback: Bands) -> bool:
    """A rate without bands that begins where its fallback does is the same one, and rises with it."""
    return bands in (fallback, {0: fallback.get(0)})


def _bounds(*groups: dict[str, Bands]) -> list[int]:
    return sorted({above for group in groups for bands in group.values() for above in bands})


def _row(stated: dict[str, Bands], above: int) -> tuple[int, ...]:
    row: dict[str, int] = {}
    for kind in RATES:
        row[kind] = rate_at(stated[kind], above + 1) if kind in stated else row[_fallback(kind, stated)]
    return tuple(row[kind] for kind in RATES)


def _fallback(kind: str, standard: dict[str, Bands]) -> str:
    """A model with one price for all it reads has one for all that it reads again."""
    if kind == "cached_audio_input" and "audio_input" not in standard:
        return "cached_input"
    return FALLBACKS[kind]


def _tier_row(tier: dict[str, Bands], standard: dict[str, Bands], above: int) -> tuple[int, ...]:
    """A tier's rates: what is stated for it; else its own fallback; else standard's, moved as
    the tier's main rate is, and never below standard's."""
    row: dict[str, int] = {}
    for kind in RATES:
        if kind in tier:
            row[kind] = _tier_rate(tier[kind], standard.get(kind), above)
        elif kind not in standard:
            row[kind] = row[_fallback(kind, standard)]
        else:
            usual = rate_at(standard[kind], above + 1)
            main = "output" if kind in _GENERATED else "input"
            dearer = usual
            if kind not in PER_CALL and main in row:
                dearer = _scaled(usual, row[main], rate_at(standard[main], above + 1))
            row[kind] = max(usual, dearer)
    return tuple(row[kind] for kind in RATES)


def _tier_rate(bands: Bands, standard: Bands | None, above: int) -> int:
    """A tier that states no bands of its own rises where standard rises, in the same proportion."""
    if len(bands) == 1 and standard is not None:
        return _scaled(bands[0], rate_at(standard, above + 1), standard[0])
    return rate_at(bands, above + 1)


def _absurdities(provider: str, models: dict[str, Listing]) -> Iterator[str]:
    """Rates that would break what the program assumes of every price."""
    for name, listing in models.items():
        for starts_on, tiers in listing.periods:
            for tier, rows in tiers.items():
                place = f"absurd: {provider} {name} {tier} from {starts_on}"
                ordered = [dict(zip(RATES, rows[above], strict=True)) for above in sorted(rows)]
                by_token = [{rate for kind, rate in row.items() if kind not in PER_CALL} for row in ordered]
                if any(min(rates) <= 0 for rates in by_token if rates != {0}):
                    yield f"{place}: a rate is not positive"
                for plain in ("input", "audio_input"):
                    if any(row[f"cached_{plain}"] > row[plain] for row in ordered):
                        yield f"{place}: cached {plain} is dearer than {plain}"
                if any(max(_falls(low.values(), high.values())) for low, high in pairwise(ordered)):
                    yield f"{place}: a rate falls as the prompt grows"


def _falls(low: Iterable[int], high: Iterable[int]) -> list[bool]:
    return [before > after for before, after in zip(low, high, strict=True)]
