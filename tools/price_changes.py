"""What differs between two price lists, in lines for a person: models that came and went, and every rate old → new in
dollars per million tokens or per call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from tools.price_siblings import Listing
from tools.price_sources import PER_CALL, RATES, Bands, SourceExtract, SourceModel

Facts = dict[str, str]
"""What is stated of a model, in words, by what it is stated of."""


def source_changes(before: SourceExtract, after: SourceExtract) -> list[str]:
    return list(_changes(_facts_of_source(before), _facts_of_source(after)))


def table_changes(before: Mapping[str, Mapping[str, Listing]], after: Mapping[str, Mapping[str, Listing]]) -> list[str]:
    return list(_changes(_facts_of_table(before), _facts_of_table(after)))


def _changes(before: dict[str, Facts], after: dict[str, Facts]) -> Iterator[str]:
    yield from (f"new    {model}: {_summary(after[model])}" for model in sorted(after.keys() - before.keys()))
    yield from (f"gone   {model}" for model in sorted(before.keys() - after.keys()))
    alike: dict[tuple[str, ...], list[str]] = {}
    for model in sorted(before.keys() & after.keys()):
        lines = tuple(_differences(before[model], after[model]))
        if lines:
            alike.setdefault(lines, []).append(model)
    for lines, models in alike.items():
        yield f"change {', '.join(models)}"
        yield from (f"         {line}" for line in lines)


def _differences(old: Facts, new: Facts) -> Iterator[str]:
    """What is stated otherwise, facts that change alike on one line."""
    alike: dict[tuple[str, str], list[str]] = {}
    for what in dict.fromkeys((*old, *new)):
        was, becomes = old.get(what, "not stated"), new.get(what, "not stated")
        if was != becomes:
            alike.setdefault((was, becomes), []).append(what)
    yield from (f"{', '.join(whats)}: {was} → {becomes}" for (was, becomes), whats in alike.items())


def _summary(facts: Facts) -> str:
    main = [f"{what.removeprefix('standard.')} {facts[what]}" for what in _MAIN if what in facts]
    return ", ".join(main) or "no price"


_MAIN = ("standard.input", "standard.output")


def _facts_of_source(extract: SourceExtract) -> dict[str, Facts]:
    return {
        f"{provider} {name}": dict(_facts_of_model(model))
        for provider, models in extract.models.items()
        for name, model in models.items()
    }


def _facts_of_model(model: SourceModel) -> Iterator[tuple[str, str]]:
    for index, period in enumerate(model.periods):
        for tier, kinds in sorted(period.tiers.items()):
            for kind in sorted(kinds, key=RATES.index):
                yield _place(tier, kind, period.starts_on if index else ""), _usd(kinds[kind], kind)
    yield from _limits(model)
    yield "retired", "yes" if model.is_retired else "no"


def _facts_of_table(table: Mapping[str, Mapping[str, Listing]]) -> dict[str, Facts]:
    return {
        f"{provider} {name}": dict(_facts_of_listing(listing))
        for provider, models in table.items()
        for name, listing in models.items()
    }


def _facts_of_listing(listing: Listing) -> Iterator[tuple[str, str]]:
    for index, (day, tiers) in enumerate(listing.periods):
        for tier, rows in sorted(tiers.items()):
            for kind, rates in zip(RATES, zip(*rows.values(), strict=True), strict=True):
                yield _place(tier, kind, day if index else ""), _usd(dict(zip(rows, rates, strict=True)), kind)
    yield from _limits(listing)
    yield "stands in for unlisted models", "yes" if listing.is_current else "no"


def _limits(model: SourceModel | Listing) -> Iterator[tuple[str, str]]:
    for field in ("input_tokens_max", "output_tokens_max"):
        tokens = getattr(model, field)
        if tokens is not None:
            yield field, f"{tokens:,}"


def _place(tier: str, kind: str, day: str) -> str:
    return f"{tier}.{kind}{f' from {day}' if day else ''}"


def _usd(bands: Bands, kind: str) -> str:
    """`$2, above 200,000 tokens $4`: a band that changes nothing is left out."""
    words: list[str] = []
    for above in sorted(bands):
        dollars = f"${(Decimal(bands[above]) / 10**9).normalize():f}{' a call' if kind in PER_CALL else ''}"
        if not words or words[-1].rpartition("tokens ")[2] != dollars:
            words.append(f"above {above:,} tokens {dollars}" if above else dollars)
    return ", ".join(words)
