"""Compares two source extracts rate by rate, against what a person has looked at and written down.

A rate counts as stated differently when the sources disagree at any prompt size inside a context
band of either. The list (`review.toml`) says whom to believe and why, which rates a person states
and which name is billed as which other. It must hold neither less than is needed nor more: an entry
that no longer changes anything is a problem too, or the list would come to excuse prices nobody has
looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import filter as fnmatch_filter
from fnmatch import fnmatchcase
from typing import Literal, TypeVar

import msgspec

from tools.price_sources import RATES, Bands, SourceExtract, SourceModel, nanousd

R = TypeVar("R")


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


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names that the provider serves and bills as another of its models."""

    provider: str
    models: list[str]
    billed_as: str
    why: str


class StatedRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates that a person states because neither source has them or both are wrong, in dollars per
    million tokens or per call, by `tier.rate`. `models` are patterns over what is listed; a plain
    name that nobody lists is listed by this."""

    provider: str
    models: list[str]
    rates: dict[str, str]
    source: str
    why: str

    def __post_init__(self) -> None:
        for rate, usd in self.rates.items():
            if rate.partition(".")[2] not in RATES:
                raise ValueError(f"{rate} is not tier.rate with a rate of {', '.join(RATES)}")
            if not re.fullmatch(r"\d+(\.\d+)?", usd) or not Decimal(usd):
                raise ValueError(f"{rate} must be a decimal number of dollars above zero, not {usd}")


class Free(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models that cost nothing. A source's zero alone is not believed."""

    provider: str
    models: list[str]
    why: str


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns of models that their provider serves no more or calls legacy, though no source says
    so. They keep their price, and stand in for no unlisted model."""

    provider: str
    models: list[str]
    why: str


class Cheaper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An undated name that is rightly cheaper than one of its versions, which it does not lead to."""

    provider: str
    model: str
    than: list[str]
    why: str


class Reviews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    review: list[Review] = []
    exclude: list[Exclusion] = []
    limit: list[Limit] = []
    alias: list[Alias] = []
    state: list[StatedRates] = []
    free: list[Free] = []
    retired: list[Retired] = []
    cheaper: list[Cheaper] = []


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
    """Everything in the sources that needs a person, and every entry of the list that is not needed."""
    found = list(disagreements(genai, litellm, reviews))
    unreviewed = [f"unreviewed: {one}" for one in found if review_of(one, reviews) is None]
    stale = [
        f"stale review: {review.provider} {model} {pattern} no longer differs"
        for review in reviews.review
        for model in review.models
        for pattern in review.rates
        if not any(_covers(review, model, pattern, one) for one in found)
    ]
    extracts = (genai, litellm)
    return [
        *unreviewed,
        *stale,
        *_stale_limits(extracts, reviews),
        *_bad_aliases(extracts, reviews),
        *_bad_statements(extracts, reviews),
        *_bad_zeros(extracts, reviews),
        *_stale_exclusions(extracts, reviews),
        *_stale_retirements(extracts, reviews),
    ]


def listed_names(extracts: tuple[SourceExtract, ...], provider: str, reviews: Reviews) -> list[str]:
    """What the table lists of a provider before aliases: what a source lists, and what a person states
    at least the input rate of."""
    named = {name for extract in extracts for name in extract.models.get(provider, {})}
    stated = {name for one in reviews.state if one.provider == provider for name in one.models}
    named |= {name for name in stated if "standard.input" in stated_rates(provider, name, reviews)}
    named -= {name for name in named if set(name) & set("*?[")}
    return sorted(name for name in named if not is_excluded(provider, name, reviews))


def models_named(extracts: tuple[SourceExtract, ...], provider: str, name: str) -> list[SourceModel]:
    models = [extract.models.get(provider, {}).get(name) for extract in extracts]
    return [model for model in models if model is not None]


def _stale_limits(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    for limit in reviews.limit:
        for name in limit.models:
            known = models_named(extracts, limit.provider, name)
            if alias_of(limit.provider, name, reviews):
                yield f"stale limit: {limit.provider} {name} has those of what it is billed as"
            elif name not in listed_names(extracts, limit.provider, reviews):
                yield f"stale limit: no source lists {limit.provider} {name}"
            for field in ("input_tokens_max", "output_tokens_max"):
                if getattr(limit, field) is not None and any(getattr(model, field) for model in known):
                    yield f"stale limit: a source states {field} of {limit.provider} {name}"


def _bad_aliases(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    for alias in reviews.alias:
        if alias_of(alias.provider, alias.billed_as, reviews):
            yield f"bad alias: {alias.provider} {alias.billed_as} is an alias itself"
        elif alias.billed_as not in listed_names(extracts, alias.provider, reviews):
            yield f"bad alias: {alias.provider} {alias.billed_as} is not listed"
        for name in alias.models:
            if sum(name in other.models for other in reviews.alias if other.provider == alias.provider) > 1:
                yield f"bad alias: {alias.provider} {name} has two"


def _bad_statements(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    for stated in reviews.state:
        names = listed_names(extracts, stated.provider, reviews)
        for pattern in stated.models:
            matched = [name for name in names if fnmatchcase(name, pattern)]
            if not matched:
                place = f"{stated.provider} {pattern}"
                yield f"stale statement: nothing listed is {place}, and a new model needs standard.input"
            for name in matched:
                known = models_named(extracts, stated.provider, name)
                for rate, usd in stated.rates.items():
                    if any(_states(model, rate, nanousd(Decimal(usd))) for model in known):
                        yield f"stale statement: a source states {rate} of {stated.provider} {name} by now"


def _states(model: SourceModel, rate: str, nanousd_per_unit: int) -> bool:
    tier, _, kind = rate.partition(".")
    return model.periods[0].tiers.get(tier, {}).get(kind) == {0: nanousd_per_unit}


def _bad_zeros(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    zeros = {
        (provider, name)
        for extract in extracts
        for provider, models in extract.models.items()
        for name, model in models.items()
        if model.periods[0].tiers["standard"]["input"] == {0: 0} and not is_excluded(provider, name, reviews)
    }
    reviewed = {(free.provider, name) for free in reviews.free for name in free.models}
    yield from (f"unreviewed: {provider} {name} has a price of zero" for provider, name in sorted(zeros - reviewed))
    yield from (f"stale free: {provider} {name} is listed at no zero" for provider, name in sorted(reviewed - zeros))


def _stale_exclusions(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    for rule in reviews.exclude:
        names = {name for extract in extracts for name in extract.models.get(rule.provider, {})}
        if not any(re.fullmatch(rule.pattern, name) for name in names):
            yield f"stale exclusion: no source lists {rule.provider} {rule.pattern}"


def _stale_retirements(extracts: tuple[SourceExtract, ...], reviews: Reviews) -> Iterator[str]:
    for retired in reviews.retired:
        for pattern in retired.models:
            matched = fnmatch_filter(listed_names(extracts, retired.provider, reviews), pattern)
            known = [models_named(extracts, retired.provider, name) for name in matched]
            if all(any(model.is_retired for model in models) for models in known):
                yield f"stale retirement: nothing that {retired.provider} {pattern} names is current to the sources"


def disagreements(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews
) -> Iterator[Disagreement]:
    """Each rate that both sources state today and state differently, once, at the first size
    where it differs."""
    for provider, models in litellm.models.items():
        for name, theirs in models.items():
            ours = genai.models.get(provider, {}).get(name)
            if ours is None or is_excluded(provider, name, reviews) or alias_of(provider, name, reviews):
                continue
            settled = stated_rates(provider, name, reviews)
            for rate, first, second in _common_rates(ours, theirs):
                differing = [
                    size for size in band_sizes(first, second) if differs(first, second, size)
                ]
                if differing and rate not in settled:
                    size = differing[0]
                    rates = (rate_at(first, size), rate_at(second, size))
                    yield Disagreement(provider, name, rate, size, *rates)


def _common_rates(ours: SourceModel, theirs: SourceModel) -> Iterator[tuple[str, Bands, Bands]]:
    first, second = ours.periods[0].tiers, theirs.periods[0].tiers
    for tier in sorted(first.keys() & second.keys()):
        for kind in sorted(first[tier].keys() & second[tier].keys()):
            yield f"{tier}.{kind}", first[tier][kind], second[tier][kind]


def rate_at(bands: dict[int, R], prompt_tokens: int) -> R:
    """The rate, or row of rates, for a prompt of this size."""
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


def alias_of(provider: str, name: str, reviews: Reviews) -> Alias | None:
    for alias in reviews.alias:
        if alias.provider == provider and name in alias.models:
            return alias
    return None


def stated_rates(provider: str, name: str, reviews: Reviews) -> dict[str, int]:
    """What a person states of a model, by `tier.rate`, a later entry before an earlier one."""
    return {
        rate: nanousd(Decimal(usd))
        for stated in reviews.state
        if stated.provider == provider and any(fnmatchcase(name, pattern) for pattern in stated.models)
        for rate, usd in stated.rates.items()
    }


def is_retired(provider: str, name: str, reviews: Reviews) -> bool:
    return any(
        retired.provider == provider and any(fnmatchcase(name, pattern) for pattern in retired.models)
        for retired in reviews.retired
    )


def is_excluded(provider: str, name: str, reviews: Reviews) -> bool:
    return any(
        rule.provider == provider and re.fullmatch(rule.pattern, name) for rule in reviews.exclude
    )
