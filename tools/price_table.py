"""Turns two source extracts and a list of reviewed disagreements into the price table.

Theory of operation. (1) *Compare*: rate by rate, where both sources state one, at every prompt size where either
changes. A difference must be on the reviewed list, which says whom to believe and why; an entry that no longer
applies is an error too. (2) *Merge*: what either states, the reviewed side where they differ. (3) *Fill*: every rate
that nobody states gets one by a named fallback, so that the table is total and the program that reads it never
guesses. A fallback never undercuts: it takes the dearer reading. (4) *Date*: prices announced for later days become
periods of their own. Nothing in here knows where the sources come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Literal

import msgspec

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
"""What an unstated rate is read as. `output` is unstated for embeddings alone, which generate nothing."""

_GENERATED = frozenset({"output", "reasoning", "audio_output", "image_output"})


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A disagreement that a person looked at. `rates` are patterns of `tier.rate`."""

    provider: str
    models: list[str]
    rates: list[str]
    believe: Literal["genai-prices", "litellm", "dearer"]
    why: str


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that a source lists and the provider's own API does not serve under that name or at that price."""

    provider: str
    pattern: str
    why: str


class Reviews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    review: list[Review]
    exclude: list[Exclusion]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Both sources state this rate, and they differ for prompts of this size."""

    provider: str
    model: str
    rate: str
    prompt_tokens: int
    genai_nanousd: int
    litellm_nanousd: int

    def __str__(self) -> str:
        return (
            f"{self.provider} {self.model} {self.rate} from {self.prompt_tokens} prompt tokens on: "
            f"genai-prices {self.genai_nanousd}, litellm {self.litellm_nanousd}"
        )


class UnreviewedPrices(Exception):
    """The sources cannot be merged as they stand. Each problem is one line for a person to act on."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# Comparison ---------------------------------------------------------------------------------------------------


def problems(genai: SourceExtract, litellm: SourceExtract, reviews: Reviews) -> list[str]:
    """Everything that needs a person: unreviewed disagreements, stale reviews, rates that make no sense."""
    found = list(disagreements(genai, litellm, reviews))
    unreviewed = [str(one) for one in found if _review_of(one, reviews) is None]
    stale = [
        f"stale review: {review.provider} {model} {pattern} no longer differs"
        for review in reviews.review
        for model in review.models
        for pattern in review.rates
        if not any(_covers(review, model, pattern, one) for one in found)
    ]
    return [f"unreviewed: {one}" for one in unreviewed] + stale


def disagreements(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> Iterator[Disagreement]:
    """Each rate that both sources state today and state differently, once, at the first size where it differs."""
    for provider, models in litellm.models.items():
        for name, theirs in models.items():
            ours = genai.models.get(provider, {}).get(name)
            if ours is None or _is_excluded(provider, name, reviews):
                continue
            for rate, first, second in _common_rates(ours, theirs):
                differing = [
                    size for size in _sizes(first, second) if _differs(first, second, size)
                ]
                if differing:
                    size = differing[0]
                    rates = (rate_at(first, size), rate_at(second, size))
                    yield Disagreement(provider, name, rate, size, *rates)


def _common_rates(ours: SourceModel, theirs: SourceModel) -> Iterator[tuple[str, Bands, Bands]]:
    first, second = ours.periods[0].tiers, theirs.periods[0].tiers
    for tier in sorted(first.keys() & second.keys()):
        for kind in sorted(first[tier].keys() & second[tier].keys()):
            yield f"{tier}.{kind}", first[tier][kind], second[tier][kind]


def rate_at(bands: Bands, prompt_tokens: int) -> int:
    """The rate for a prompt of this size."""
    return bands[max(above for above in bands if above == 0 or prompt_tokens > above)]


def _sizes(first: Bands, second: Bands) -> list[int]:
    """A prompt size inside each band of either. One token past each bound is skipped: "from 200,000" and "above
    200,000" are the same price list read by two people."""
    return sorted({above + 2 for above in (*first, *second)})


def _differs(first: Bands, second: Bands, prompt_tokens: int) -> bool:
    return rate_at(first, prompt_tokens) != rate_at(second, prompt_tokens)


def _review_of(one: Disagreement, reviews: Reviews) -> Review | None:
    for review in reviews.review:
        for pattern in review.rates:
            if _covers(review, one.model, pattern, one) and one.model in review.models:
                return review
    return None


def _covers(review: Review, model: str, pattern: str, one: Disagreement) -> bool:
    is_same_model = (review.provider, model) == (one.provider, one.model)
    return is_same_model and fnmatchcase(one.rate, pattern)


def _is_excluded(provider: str, name: str, reviews: Reviews) -> bool:
    return any(
        rule.provider == provider and re.fullmatch(rule.pattern, name) for rule in reviews.exclude
    )


# Table --------------------------------------------------------------------------------------------------------


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
        (one.provider, one.model, one.rate): _review_of(one, reviews)
        for one in disagreements(genai, litellm, reviews)
    }
    searches = _search_rates(genai, litellm)
    table: dict[str, dict[str, Listing]] = {}
    for provider in litellm.models:
        names = genai.models[provider].keys() | litellm.models[provider].keys()
        table[provider] = {}
        for name in sorted(names):
            if _is_excluded(provider, name, reviews):
                continue
            ours, theirs = genai.models[provider].get(name), litellm.models[provider].get(name)
            sides = {
                rate: review.believe
                for (of, model, rate), review in believed.items()
                if review is not None and (of, model) == (provider, name)
            }
            stated = _dated(ours, _merged(ours, theirs, sides), litellm.as_of)
            table[provider][name] = _listing(ours, theirs, stated, searches[provider])
    absurd = [line for provider in table for line in _absurdities(provider, table[provider])]
    if absurd:
        raise UnreviewedPrices(absurd)
    return table


def _search_rates(genai: SourceExtract, litellm: SourceExtract) -> dict[str, int]:
    """Per provider the dearest search fee it lists, else the dearest of anyone: a search is never free."""
    listed: dict[str, int] = {}
    for extract in (genai, litellm):
        for provider, models in extract.models.items():
            for model in models.values():
                rate = model.periods[0].tiers["standard"].get("web_search", {0: 0})[0]
                listed[provider] = max(rate, listed.get(provider, 0))
    return {provider: rate or max(listed.values()) for provider, rate in listed.items()}


def _merged(ours: SourceModel | None, theirs: SourceModel | None, sides: dict[str, str]) -> Tiers:
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
    if ours is None or side == "litellm" and theirs is not None:
        assert theirs is not None, "a rate is merged only where someone states it"
        return theirs
    if theirs is None or side == "genai-prices":
        return ours
    if not any(_differs(ours, theirs, size) for size in _sizes(ours, theirs)):
        return min(ours, theirs, key=sorted)
    bounds = ours.keys() | theirs.keys()
    return {above: max(rate_at(ours, above + 1), rate_at(theirs, above + 1)) for above in bounds}


def _dated(ours: SourceModel | None, now: Tiers, as_of: str) -> list[Period]:
    """The merged prices, and for each later day the same in the proportion in which the dated source moves."""
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
    ours: SourceModel | None, theirs: SourceModel | None, stated: list[Period], search: int
) -> Listing:
    known = [model for model in (ours, theirs) if model is not None]
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
    """Without what merely repeats its own fallback, so that it follows that fallback in other tiers too."""
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
    """A tier's rates: what is stated for it; else its own fallback; else standard's, moved as the tier's main rate
    is, and never below standard's."""
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


# Text ---------------------------------------------------------------------------------------------------------


def render(
    table: dict[str, dict[str, Listing]], genai: SourceExtract, litellm: SourceExtract
) -> str:
    """The table as JSON, one tier to a line, names that cost the same together; its version names its contents."""
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
