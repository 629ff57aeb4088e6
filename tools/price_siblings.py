"""One model's part of the table, and the check that no name is cheaper than what it leads to.

An undated name (`gpt-4o-audio-preview`, `…-latest`) is served as one of its dated versions, and a version that is not
listed is priced as the undated name. So an undated name that states any rate lower than a version of it, in any tier
and band, or leaves out a dearer tier of it, is too cheap, unless a person says which version it leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from core.money.model_names import without_version
from tools.price_review import Reviews, rate_at
from tools.price_sources import RATES

DISCOUNTS = frozenset({"flex"})
"""Tiers below the standard price: a name without one is read at the dearer standard."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One model's part of the table: total rates by day, tier and band."""

    is_current: bool
    """Whether it may stand in for a model that is not listed."""
    input_tokens_max: int | None
    output_tokens_max: int | None
    periods: tuple[tuple[str, dict[str, dict[int, tuple[int, ...]]]], ...]


def cheaper_names(table: Mapping[str, Mapping[str, Listing]], reviews: Reviews) -> list[str]:
    """Every undated name that is cheaper than a sibling, and every excuse that is not needed."""
    excused = {(one.provider, one.model, pattern) for one in reviews.cheaper for pattern in one.than}
    needed, found = set(), []
    for provider, models in table.items():
        for name, sibling in _siblings(models):
            shortfall = _shortfall(models[name], models[sibling])
            excuses = {each for each in excused if each[:2] == (provider, name) and fnmatchcase(sibling, each[2])}
            if shortfall is not None:
                needed |= excuses
                if not excuses:
                    found.append(f"too cheap: {provider} {name} {shortfall} of {sibling}")
    return found + [
        f"stale excuse: {provider} {name} is not cheaper than {pattern}"
        for provider, name, pattern in sorted(excused - needed)
    ]


def _siblings(models: Mapping[str, Listing]) -> Iterator[tuple[str, str]]:
    """Each undated name with each other name that is the same model or a version of it."""
    for name in models:
        base = _base(name)
        if name in (base, f"{base}-latest"):
            yield from ((name, other) for other in models if other != name and _base(other) == base)


def _base(name: str) -> str:
    return without_version(name) or name


def _shortfall(name: Listing, sibling: Listing) -> str | None:
    """The first rate in which the name undercuts the sibling, in words."""
    days = sorted({day for listing in (name, sibling) for day, _ in listing.periods})
    for day in days:
        ours, theirs = _tiers_on(name, day), _tiers_on(sibling, day)
        for tier, rows in theirs.items():
            if tier not in ours:
                if tier not in DISCOUNTS:
                    return f"leaves out {tier}"
                continue
            for above in sorted({*ours[tier], *rows}):
                mine_at, its_at = rate_at(ours[tier], above + 1), rate_at(rows, above + 1)
                for kind, mine, its in zip(RATES, mine_at, its_at, strict=True):
                    if mine < its:
                        return f"{tier}.{kind} is {mine} above {above} tokens, not the {its}"
    return None


def _tiers_on(listing: Listing, day: str) -> dict[str, dict[int, tuple[int, ...]]]:
    return next((tiers for starts_on, tiers in reversed(listing.periods) if starts_on <= day), listing.periods[0][1])
