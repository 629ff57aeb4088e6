"""Prices as they are written: every member, its type and its bounds, which is what the API's own document shows.

A rate is dollars as a decimal, at most nine digits behind the point: nobody's rate is rounded unasked. None may be
null: what is left out is not stated. What types cannot say (that an alias leads somewhere) is judged where it is read.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from core.providers import PROVIDERS

MODELS_MAX = 500
ALIASES_MAX = 500
FREE_MODELS_MAX = 500
MODEL_CHARACTERS_MAX = 128

_END = r"$(?!\n)"
"""In Python's dialect `$` alone would let a final line break through."""

_PROVIDERS = "|".join(PROVIDERS)

ModelId = Annotated[
    str,
    Meta(
        pattern=f"^({_PROVIDERS})/[!-~]{{1,{MODEL_CHARACTERS_MAX}}}{_END}",
        description="`provider/model`, the model as its provider calls it",
        examples=["openai/gpt-4o-mini"],
    ),
]
ProviderName = Annotated[str, Meta(pattern=f"^({_PROVIDERS}){_END}", examples=["openai"])]
Rate = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9]{{1,7}}(\.[0-9]{{1,9}})?{_END}",
        description="Dollars, as a decimal of at most nine digits behind the point; at most 9000000",
        examples=["1.25"],
    ),
]
Percent = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9]{{1,2}}(\.[0-9]{{1,4}})?{_END}",
        description="Percent, from 0 to less than 100, as a decimal of at most four digits behind the point",
        examples=["12.5"],
    ),
]
Tokens = Annotated[int, Meta(ge=1, le=100_000_000)]


class ModelPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one model costs, per million tokens or per call. Where the model is listed, what is left out is as listed;
    else input and output have to be stated, and the others are derived of them."""

    input_usd_per_mtok: Rate | UnsetType = UNSET
    cached_input_usd_per_mtok: Rate | UnsetType = UNSET
    cache_write_5m_usd_per_mtok: Rate | UnsetType = UNSET
    cache_write_1h_usd_per_mtok: Rate | UnsetType = UNSET
    audio_input_usd_per_mtok: Rate | UnsetType = UNSET
    cached_audio_input_usd_per_mtok: Rate | UnsetType = UNSET
    image_input_usd_per_mtok: Rate | UnsetType = UNSET
    video_input_usd_per_mtok: Rate | UnsetType = UNSET
    output_usd_per_mtok: Rate | UnsetType = UNSET
    reasoning_usd_per_mtok: Rate | UnsetType = UNSET
    audio_output_usd_per_mtok: Rate | UnsetType = UNSET
    image_output_usd_per_mtok: Rate | UnsetType = UNSET
    web_search_usd_per_call: Rate | UnsetType = UNSET
    document_search_usd_per_call: Rate | UnsetType = UNSET
    input_tokens_max: Tokens | UnsetType = UNSET
    """The context window."""
    output_tokens_max: Tokens | UnsetType = UNSET
    """The longest answer."""


class PricesDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of one's own, over those of the platform and of the table. Without members nothing is stated."""

    models: Annotated[dict[ModelId, ModelPrices], Meta(max_length=MODELS_MAX)] = {}
    """What a model costs. A discount of the same document is not taken off."""
    aliases: Annotated[dict[ModelId, ModelId], Meta(max_length=ALIASES_MAX)] = {}
    """Names that are billed as another model of the same provider, which is a listed or a stated one."""
    discount_percent: dict[ProviderName, Percent] = {}
    """By provider, off everything that is not stated here."""
    free_models: Annotated[list[ModelId], Meta(max_length=FREE_MODELS_MAX)] = []
    """What costs nothing."""
