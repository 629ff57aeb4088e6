"""Turns two source extracts and a list of reviewed disagreements into the price table.

Theory of operation. (1) *Merge*: what either source states, the reviewed side where they differ.
(2) *Date*: prices announced for later days become periods of their own. (3) *Fill*: every rate that
nobody states gets one by a named fallback, so that the table is total and the program that reads it
never guesses. A fallback never undercuts: it takes the dearer reading. Nothing in here knows where
the sources come from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tools.price_review import (
    Limit,
    Reviews,
    UnreviewedPrices,
    band_sizes,
    differs,
    disagreements,
    is_excluded,
    limit_of,
    problems,
    rate_at,
    review_of,
)
from tools.price_sources import Bands, Period, SourceExtract, SourceModel, Tiers

RATES = (
    "input",
    "cached_input",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "image_input",
    "output",
    "reasoning",
    "audio_output",
    "image_output",
    "web_search",
)
"""The columns of a row of rates; the reader's `Rates` has the same order."""

FALLBACKS = {
    "cached_input": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "cache_write_5m",
    "audio_input": "input",
    "image_input": "input",
    "output": "input",
    "reasoning": "output",
    "audio_output": "output",
    "image_output": "output",
}
"""What an unstated rate is read as. `output` is unstated for embeddings alone, which generate
nothing."""

_GENERATED = frozenset({"output", "reasoning", "audio_output", "image_output"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One model's part of the table: total rates by day, tier and band."""

    input_tokens_max: int | None
    output_tokens_max: int | None
    periods: tuple[tuple[str, dict[str, dict[int, tuple[int, ...]]]], ...]


def build(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> dict[str, dict[str, Listing]]:
    """The whole table. Raises `UnreviewedPrices` when anything in it needs a person first."""
    blocking = problems(genai, litellm, reviews)
    if blocking:
        raise UnreviewedPrices(blocking)
    believed = {
        (one.provider, one.model, one.rate): review_of(one, reviews)
        for one in disagreements(genai, litellm, reviews)
    }
    searches = _search_rates(genai, litellm)
    table: dict[str, dict[str, Listing]] = {}
    for provider in litellm.models:
        names = genai.models[provider].keys() | litellm.models[provider].keys()
        table[provider] = {}
        for name in sorted(names):
            if is_excluded(provider, name, reviews):
                continue
            ours, theirs = genai.models[provider].get(name), litellm.models[provider].get(name)
            sides = {
                rate: review.believe
                for (of, model, rate), review in believed.items()
                if review is not None and (of, model) == (provider, name)
            }
            stated = _dated(ours, _merged(ours, theirs, sides), litellm.as_of)
            limit = limit_of(provider, name, reviews)
            table[provider][name] = _listing(ours, theirs, limit, stated, searches[provider])
    absurd = [line for provider in table for line in _absurdities(provider, table[provider])]
    if absurd:
        raise UnreviewedPrices(absurd)
    return table


def _search_rates(genai: SourceExtract, litellm: SourceExtract) -> dict[str, int]:
    """Per provider the dearest search fee it lists, else the dearest of anyone: a search is
    never free."""
    listed: dict[str, int] = {}
    for extract in (genai, litellm):
        for provider, models in extract.models.items():
            for model in models.values():
                rate = model.periods[0].tiers["standard"].get("web_search", {0: 0})[0]
                listed[provider] = max(rate, listed.get(provider, 0))
    return {provider: rate or max(listed.values()) for provider, rate in listed.items()}


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
            if kind == "web_search":
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
    ours: SourceModel | None,
    theirs: SourceModel | None,
    limit: Limit | None,
    stated: list[Period],
    search: int,
) -> Listing:
    known = [model for model in (ours, theirs, limit) if model is not None]
    window = max((model.input_tokens_max or 0 for model in known), default=0) or None
    answer = max((model.output_tokens_max or 0 for model in known), default=0) or window
    periods = tuple((period.starts_on, _total(period.tiers, search)) for period in stated)
    return Listing(window, answer, periods)


def _total(stated: Tiers, search: int) -> dict[str, dict[int, tuple[int, ...]]]:
    standard = _pruned({"web_search": {0: search}} | stated["standard"])
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
        if kind not in FALLBACKS or bands != stated.get(FALLBACKS[kind])
    }


def _bounds(*groups: dict[str, Bands]) -> list[int]:
    return sorted({above for group in groups for bands in group.values() for above in bands})


def _row(stated: dict[str, Bands], above: int) -> tuple[int, ...]:
    row: dict[str, int] = {}
    for kind in RATES:
        row[kind] = rate_at(stated[kind], above + 1) if kind in stated else row[FALLBACKS[kind]]
    return tuple(row[kind] for kind in RATES)


def _tier_row(tier: dict[str, Bands], standard: dict[str, Bands], above: int) -> tuple[int, ...]:
    """A tier's rates: what is stated for it; else its own fallback; else standard's, moved as
    the tier's main rate is, and never below standard's."""
    row: dict[str, int] = {}
    for kind in RATES:
        if kind in tier:
            row[kind] = _tier_rate(tier[kind], standard.get(kind), above)
        elif kind not in standard:
            row[kind] = row[FALLBACKS[kind]]
        else:
            usual = rate_at(standard[kind], above + 1)
            main = "output" if kind in _GENERATED else "input"
            dearer = usual
            if kind != "web_search" and main in row:
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
                ordered = [rows[above] for above in sorted(rows)]
                if any(min(row) <= 0 for row in ordered):
                    yield f"{place}: a rate is not positive"
                if any(row[1] > row[0] for row in ordered):
                    yield f"{place}: cached input is dearer than input"
                if any(max(_falls(low, high)) for low, high in pairwise(ordered)):
                    yield f"{place}: a rate falls as the prompt grows"


def _falls(low: Iterable[int], high: Iterable[int]) -> list[bool]:
    return [before > after for before, after in zip(low, high, strict=True)]


# Text ------------------------------------------------------------


def render(
    table: dict[str, dict[str, Listing]], genai: SourceExtract, litellm: SourceExtract
) -> str:
    """The table as JSON, one tier to a line, names that cost the same together; its version
    names its contents."""
    models = {provider: _grouped(listings) for provider, listings in table.items()}
    digest = hashlib.sha256(json.dumps(models, sort_keys=True).encode()).hexdigest()
    head = {
        "version": f"{litellm.as_of}-{digest[:8]}",
        "sources": [
            {"name": one.source, "version": one.version, "sha256": one.sha256}
            for one in (genai, litellm)
        ],
        "rates": RATES,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    blocks = [
        f'  "{provider}": [\n' + ",\n".join(_block(entry) for entry in entries) + "\n  ]"
        for provider, entries in models.items()
    ]
    lines.append(' "models": {\n' + ",\n".join(blocks) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _grouped(listings: dict[str, Listing]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for name, listing in listings.items():
        entry = {
            "input_tokens_max": listing.input_tokens_max,
            "output_tokens_max": listing.output_tokens_max,
            "periods": [
                {"starts_at_ms": _start_ms(index, day), "tiers": _rows(tiers)}
                for index, (day, tiers) in enumerate(listing.periods)
            ],
        }
        group = groups.setdefault(json.dumps(entry), {"names": [], **entry})
        group["names"].append(name)
    return list(groups.values())


def _start_ms(index: int, day: str) -> int:
    """The first period also prices what came before it: the past is not kept."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000 if index else 0


def _rows(tiers: dict[str, dict[int, tuple[int, ...]]]) -> dict[str, list[list[Any]]]:
    return {
        tier: [[above, list(row)] for above, row in rows.items()] for tier, rows in tiers.items()
    }


def _block(entry: dict[str, Any]) -> str:
    limits = {key: entry[key] for key in ("names", "input_tokens_max", "output_tokens_max")}
    periods = [
        f'    {{"starts_at_ms": {period["starts_at_ms"]}, "tiers": {{\n'
        + ",\n".join(f'     "{tier}": {json.dumps(rows)}' for tier, rows in period["tiers"].items())
        + "}}"
        for period in entry["periods"]
    ]
    return f'   {json.dumps(limits)[:-1]}, "periods": [\n' + ",\n".join(periods) + "]}"
