"""Compares two source extracts rate by rate, against the list of differences a person has looked
at.

A rate counts as stated differently when the sources disagree at any prompt size inside a context
band of either. The list says whom to believe and why, and must hold neither less than the
differences nor more: an entry that no longer differs is a problem too, or the list would come to
excuse prices nobody has looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from tools.price_sources import Bands, SourceExtract, SourceModel


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A disagreement that a person looked at. `rates` are patterns of `tier.rate`."""

    provider: str
    models: list[str]
    rates: list[str]
    believe: Literal["genai-prices", "litellm", "dearer"]
    why: str


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that a source lists and the provider's own API does not serve under that name or at
    that price."""

    provider: str
    pattern: str
    why: str


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits, in tokens, that neither source states and the provider's own pages do. Without one
    the longest answer is read as the whole context window."""

    provider: str
    models: list[str]
    why: str
    input_tokens_max: int | None = None
    output_tokens_max: int | None = None


class Reviews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    review: list[Review]
    exclude: list[Exclusion]
    limit: list[Limit] = []


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
    """The sources cannot be merged as they stand. Each problem is one line for a person to act
    on."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def problems(genai: SourceExtract, litellm: SourceExtract, reviews: Reviews) -> list[str]:
    """Everything that needs a person: unreviewed disagreements, stale reviews, rates that make
    no sense."""
    found = list(disagreements(genai, litellm, reviews))
    unreviewed = [str(one) for one in found if review_of(one, reviews) is None]
    stale = [
        f"stale review: {review.provider} {model} {pattern} no longer differs"
        for review in reviews.review
        for model in review.models
        for pattern in review.rates
        if not any(_covers(review, model, pattern, one) for one in found)
    ]
    return [f"unreviewed: {one}" for one in unreviewed] + stale + list(_stale_limits(genai, litellm, reviews))


def _stale_limits(genai: SourceExtract, litellm: SourceExtract, reviews: Reviews) -> Iterator[str]:
    for limit in reviews.limit:
        for name in limit.models:
            known = [extract.models.get(limit.provider, {}).get(name) for extract in (genai, litellm)]
            if known == [None, None]:
                yield f"stale limit: no source lists {limit.provider} {name}"
            for field in ("input_tokens_max", "output_tokens_max"):
                if getattr(limit, field) is not None and any(model and getattr(model, field) for model in known):
                    yield f"stale limit: a source states {field} of {limit.provider} {name}"


def disagreements(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> Iterator[Disagreement]:
    """Each rate that both sources state today and state differently, once, at the first size
    where it differs."""
    for provider, models in litellm.models.items():
        for name, theirs in models.items():
            ours = genai.models.get(provider, {}).get(name)
            if ours is None or is_excluded(provider, name, reviews):
                continue
            for rate, first, second in _common_rates(ours, theirs):
                differing = [
                    size for size in band_sizes(first, second) if differs(first, second, size)
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


def band_sizes(first: Bands, second: Bands) -> list[int]:
    """A prompt size inside each band of either. One token past each bound is skipped: "from
    200,000" and "above 200,000" are the same price list read by two people."""
    return sorted({above + 2 for above in (*first, *second)})


def differs(first: Bands, second: Bands, prompt_tokens: int) -> bool:
    return rate_at(first, prompt_tokens) != rate_at(second, prompt_tokens)


def review_of(one: Disagreement, reviews: Reviews) -> Review | None:
    for review in reviews.review:
        for pattern in review.rates:
            if _covers(review, one.model, pattern, one) and one.model in review.models:
                return review
    return None


def _covers(review: Review, model: str, pattern: str, one: Disagreement) -> bool:
    is_same_model = (review.provider, model) == (one.provider, one.model)
    return is_same_model and fnmatchcase(one.rate, pattern)


def limit_of(provider: str, name: str, reviews: Reviews) -> Limit | None:
    for limit in reviews.limit:
        if limit.provider == provider and name in limit.models:
            return limit
    return None


def is_excluded(provider: str, name: str, reviews: Reviews) -> bool:
    return any(
        rule.provider == provider and re.fullmatch(rule.pattern, name) for rule in reviews.exclude
    )
