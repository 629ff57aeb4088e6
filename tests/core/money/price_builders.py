"""Small price sources for tests: a model `m` that both list, and what may be wrong with it."""

import msgspec

from tools import price_table
from tools.price_review import Reviews
from tools.price_sources import RATES, Period, SourceExtract, SourceModel, Tiers

TODAY = "2026-11-24"
NO_REVIEWS = Reviews([], [])


def a_model(tiers: Tiers, *later: Period) -> SourceModel:
    return SourceModel(128_000, 16_000, [Period(TODAY, tiers), *later])


def a_source(name: str, **models: SourceModel) -> SourceExtract:
    return SourceExtract(name, "1.0", "0" * 64, TODAY, {"openai": models})


def flat(**rates: int) -> dict[str, dict[int, int]]:
    return {kind: {0: rate} for kind, rate in rates.items()}


def rows_of(
    genai: SourceExtract, litellm: SourceExtract, reviews: Reviews = NO_REVIEWS
) -> dict[str, dict[int, dict[str, int]]]:
    """Of the model `m` today: named rates by band, by tier."""
    tiers = price_table.build(genai, litellm, reviews)["openai"]["m"].periods[0][1]
    return {
        tier: {above: dict(zip(RATES, row, strict=True)) for above, row in rows.items()} for tier, rows in tiers.items()
    }


def both(tiers: Tiers) -> tuple[SourceExtract, SourceExtract]:
    return a_source("genai-prices", m=a_model(tiers)), a_source("litellm", m=a_model(tiers))


PLAIN: Tiers = {"standard": flat(input=100, output=400, web_search=7, document_search=3)}
BANDED: Tiers = {"standard": PLAIN["standard"] | {"output": {0: 400, 9_000: 500}}}


def disagreeing() -> tuple[SourceExtract, SourceExtract]:
    genai, litellm = both(PLAIN)
    dearer = a_model({"standard": flat(input=100, output=450, web_search=7)})
    return genai, msgspec.structs.replace(litellm, models={"openai": {"m": dearer}})


DEARER: Tiers = {"standard": flat(input=900, output=4_000, web_search=7, document_search=3)}


def two_models() -> tuple[SourceExtract, SourceExtract]:
    """`m`, and `n`, which costs nine times as much."""
    genai, litellm = both(PLAIN)
    for source in (genai, litellm):
        source.models["openai"]["n"] = msgspec.structs.replace(a_model(DEARER), input_tokens_max=64_000)
    return genai, litellm
