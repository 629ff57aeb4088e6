"""Reads the two price sources into one shape: PyPI's `genai-prices` data and the price JSON inside
the `litellm` wheel.

Each source becomes a `SourceExtract`: our five providers, the models reachable by the routes that
are metered, and every rate the source states for them, in nano-dollars per million units, with
nothing filled in. Batch rates are left out: no metered route bills them. The extracts are
committed, so that the comparison and the table can be rebuilt and reviewed without the wheels.
Neither wheel is installed: both are downloaded against their hashes and read where they lie. A rate
of zero is taken for a rate not stated, because a price of nothing is how both sources write that
they do not know the unit; only a model that costs nothing in any unit is stated as free.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import msgspec

Bands = dict[int, int]
"""Rate by the prompt size above which it applies."""
Tiers = dict[str, dict[str, Bands]]
"""Bands by rate class, by service tier."""

NANOUSD_PER_USD = 10**9
UNITS = 10**6

_GENAI_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "groq": "groq",
    "x-ai": "xai",
}
_LITELLM_PROVIDERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "groq": "groq",
    "xai": "xai",
}

_UNMETERED_NAMES = re.compile(
    r"realtime|transcribe|whisper|moderation|orpheus|native-audio|grok-voice|imagine|(?:^|-)live(?:-|$)"
    r"|^gpt-(?:[\d.]+-)?image|^chatgpt-image|^gpt-4o-mini-tts|^tts-"
)
"""Models of endpoints that are not metered: they are refused by path, so a token price for them
would mislead."""

_UNMETERED_MODES = frozenset({"realtime", "audio_transcription", "video_generation", "moderation"})
_GENERATE_CONTENT_MODES = frozenset({"image_generation", "audio_speech"})
"""Modes that Gemini serves by generateContent, and the others by endpoints of their own."""

_GENAI_CLASSES = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "cached_audio_input",
    "input_image_mtok": "image_input",
    "input_video_mtok": "video_input",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "audio_output",
    "output_image_mtok": "image_output",
    "output_video_mtok": "image_output",
    "web_searches_kcount": "web_search",
    "storage_searches_kcount": "document_search",
}
RATES = (
    "input",
    "cached_input",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "cached_audio_input",
    "image_input",
    "video_input",
    "output",
    "reasoning",
    "audio_output",
    "image_output",
    "web_search",
    "document_search",
)
"""The columns of a row of rates; the reader's `Rates` has the same order."""

PER_CALL = frozenset({"web_search", "document_search"})
"""Rates by the call; all others are by the million tokens."""

_FREE: Tiers = {"standard": {"input": {0: 0}, "output": {0: 0}}}

_GENAI_TIERS = {
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}

_UNBILLED = ("default", "batch")
"""Variants that repeat the standard price, or that no metered route bills."""

_LITELLM_CLASSES = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write_5m",
    "input_cost_per_audio_token": "audio_input",
    "input_cost_per_image_token": "image_input",
    "cache_read_input_audio_token_cost": "cached_audio_input",
    "input_cost_per_video_token": "video_input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_image_token": "image_output",
    "output_cost_per_video_token": "image_output",
}
_LITELLM_FIELD = re.compile(
    rf"(?P<name>{'|'.join(_LITELLM_CLASSES)})(?P<long>_above_1hr|_above_12hr)?"
    r"(?:_above_(?P<above>\d+)k_tokens)?(?:_(?P<tier>flex|priority|ultrafast))?"
)


class Period(msgspec.Struct, frozen=True):
    """What holds from a day (ISO, UTC) on, until the next period begins."""

    starts_on: str
    tiers: Tiers


class SourceModel(msgspec.Struct, frozen=True):
    """What one source states of one model, nothing added."""

    input_tokens_max: int | None
    output_tokens_max: int | None
    periods: list[Period]
    is_retired: bool = False
    """The source calls it deprecated, or its announced day has come."""


class SourceExtract(msgspec.Struct, frozen=True):
    """One source, reduced to our providers."""

    source: str
    version: str
    sha256: str
    as_of: str
    models: dict[str, dict[str, SourceModel]]


@dataclass(frozen=True, slots=True)
class Pin:
    """A wheel by name, version and hash."""

    name: str
    version: str
    sha256: str


def download(pin: Pin, folder: Path) -> Path:
    """Fetch the pinned wheel, its hash checked by pip. One platform for all hosts, so that one
    hash holds."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n")
        requirements.flush()
        arguments = ["--require-hashes", "--requirement", requirements.name]
        return _pip_download(arguments, pin.name, folder)


def download_latest(name: str, version: str | None, folder: Path) -> Path:
    """Fetch a wheel that is not pinned yet."""
    return _pip_download([name if version is None else f"{name}=={version}"], name, folder)


def _pip_download(arguments: list[str], name: str, folder: Path) -> Path:
    platform = ["--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", *platform, "--dest", str(folder), *arguments]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


# litellm ------------------------------------------------------------


def read_litellm(wheel: Path, pin: Pin, as_of: date) -> SourceExtract:
    """The extract of the price JSON inside a `litellm` wheel."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("litellm/model_prices_and_context_window_backup.json")
    models = litellm_models(json.loads(text, parse_float=Decimal), as_of)
    return SourceExtract("litellm", pin.version, pin.sha256, as_of.isoformat(), models)


def litellm_models(
    entries: dict[str, dict[str, Any]], as_of: date
) -> dict[str, dict[str, SourceModel]]:
    """Our providers' models out of the JSON, names as the provider knows them."""
    models: dict[str, dict[str, SourceModel]] = {name: {} for name in _GENAI_PROVIDERS.values()}
    for key, entry in entries.items():
        provider = _LITELLM_PROVIDERS.get(entry.get("litellm_provider", ""))
        if provider is None or not _is_metered(provider, entry.get("mode", "")):
            continue
        name = key.removeprefix(f"{provider}/")
        tiers = _litellm_tiers(entry)
        if _UNMETERED_NAMES.search(name) or "input" not in tiers.get("standard", {}):
            continue
        model = SourceModel(
            _tokens(entry.get("max_input_tokens")),
            _tokens(entry.get("max_output_tokens")),
            [Period(as_of.isoformat(), tiers)],
            is_retired=date.fromisoformat(entry.get("deprecation_date", date.max.isoformat())) <= as_of,
        )
        known = models[provider].get(name)
        if known is None or _input_rate(known) < _input_rate(model):
            models[provider][name] = model
    return models


def _is_metered(provider: str, mode: str) -> bool:
    if mode in _GENERATE_CONTENT_MODES:
        return provider == "gemini"
    return mode not in _UNMETERED_MODES


def _tokens(value: object) -> int | None:
    return int(value) if isinstance(value, int | Decimal) and value > 0 else None


def _input_rate(model: SourceModel) -> int:
    return model.periods[0].tiers["standard"]["input"][0]


def _litellm_tiers(entry: dict[str, Any]) -> Tiers:
    tiers: Tiers = {}
    for field, value in entry.items():
        match = _LITELLM_FIELD.fullmatch(field)
        if match is None or not value:
            continue
        kind = "cache_write_1h" if match["long"] else _LITELLM_CLASSES[match["name"]]
        above = int(match["above"] or 0) * 1000
        _state(tiers, match["tier"] or "standard", kind, above, nanousd(Decimal(value) * UNITS))
    searches = entry.get("search_context_cost_per_query", {})
    if not tiers and _costs_nothing(entry):
        return _FREE
    if searches and tiers:
        _state(tiers, "standard", "web_search", 0, nanousd(Decimal(max(searches.values()))))
    for tier, factor in entry.get("provider_specific_entry", {}).items():
        tiers[tier] = _multiplied(tiers["standard"], Decimal(factor))
    if "fast" in tiers and "us" in tiers:
        factor = Decimal(entry["provider_specific_entry"]["us"])
        tiers["fast_us"] = _multiplied(tiers["fast"], factor)
    return tiers


def _costs_nothing(entry: dict[str, Any]) -> bool:
    """Zero in every unit it is priced in: songs have a price of zero by the token and another by the piece."""
    return "input_cost_per_token" in entry and not any(value for field, value in entry.items() if "_cost" in field)


def _multiplied(classes: dict[str, Bands], factor: Decimal) -> dict[str, Bands]:
    return {
        kind: {above: _ceiling(rate * factor) for above, rate in bands.items()}
        for kind, bands in classes.items()
        if kind not in PER_CALL
    }


# genai-prices ------------------------------------------------------------


def read_genai(
    wheel: Path, pin: Pin, as_of: date, names: Mapping[str, Iterable[str]]
) -> SourceExtract:
    """The extract of `genai-prices`' data: its own model names, and its answers to the names
    given besides."""
    sys.path.insert(0, str(wheel))
    try:
        from genai_prices.data import providers
    finally:
        sys.path.remove(str(wheel))
    models = genai_models(providers, as_of, names)
    return SourceExtract("genai-prices", pin.version, pin.sha256, as_of.isoformat(), models)


def genai_models(
    providers: Iterable[Any], as_of: date, names: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, SourceModel]]:
    """Resolve every name by the source's own matching, first match first."""
    models: dict[str, dict[str, SourceModel]] = {name: {} for name in _GENAI_PROVIDERS.values()}
    for source in providers:
        provider = _GENAI_PROVIDERS.get(source.id)
        if provider is None:
            continue
        wanted = {name for model in source.models for name in _literal_names(model)}
        wanted |= {name.removesuffix("-latest") for name in wanted}
        for name in sorted(wanted.union(names.get(provider, ()))):
            model = next((model for model in source.models if model.is_match(name)), None)
            if model is None or _is_foreign(provider, name):
                continue
            read = _genai_model(model, as_of)
            if "input" in read.periods[0].tiers["standard"]:
                models[provider][name] = read
    return models


def _is_foreign(provider: str, name: str) -> bool:
    """Not a name of this provider's own API: other clouds' spellings, and other makers' models
    resold."""
    is_resold = provider != "anthropic" and "claude" in name
    is_prefixed = provider != "groq" and "/" in name
    is_elsewhere = name.endswith(("-", "-maas"))
    return is_resold or is_prefixed or is_elsewhere or _UNMETERED_NAMES.search(name) is not None


def _literal_names(model: Any) -> Iterator[str]:
    yield model.id
    yield from _equals_of(model.match)


def _equals_of(clause: Any) -> Iterator[str]:
    if hasattr(clause, "equals"):
        yield clause.equals
    for part in getattr(clause, "or_", ()):
        yield from _equals_of(part)


def _genai_model(model: Any, as_of: date) -> SourceModel:
    days = {as_of} | {day for day in _start_days(model) if day > as_of}
    periods = [Period(day.isoformat(), _genai_tiers(model, day)) for day in sorted(days)]
    return SourceModel(model.context_window, None, periods, is_retired=bool(model.deprecated))


def _start_days(model: Any) -> Iterator[date]:
    dated = [*(model.price_variants or ())]
    if isinstance(model.prices, list):
        dated += model.prices
    for part in dated:
        if part.constraint is not None:
            yield part.constraint.start_date


def _genai_tiers(model: Any, day: date) -> Tiers:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    prices = model.get_prices(moment)
    if not any(vars(prices).values()):
        return _FREE
    tiers: Tiers = {"standard": _genai_classes(prices)}
    for variant in model.price_variants or ():
        ((key, value),) = variant.when.items()
        if value in _UNBILLED or (variant.constraint and not variant.constraint.active(moment)):
            continue
        classes = tiers.setdefault(_GENAI_TIERS[key, value], {})
        for kind, bands in _genai_classes(variant.prices).items():
            classes.setdefault(kind, bands)
    return tiers


def _genai_classes(prices: Any) -> dict[str, Bands]:
    tiers: Tiers = {"": {}}
    for key, kind in _GENAI_CLASSES.items():
        for above, price in _genai_bands(getattr(prices, key, None)):
            per_unit = price / 1000 if key.endswith("_kcount") else price
            _state(tiers, "", kind, above, nanousd(per_unit))
    return tiers[""]


def _genai_bands(value: Any) -> Iterator[tuple[int, Decimal]]:
    if value is None:
        return
    yield 0, getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):
        yield tier.start, tier.price


# shared ------------------------------------------------------------


def _state(tiers: Tiers, tier: str, kind: str, above: int, rate: int) -> None:
    """Note a rate; where two units share a class (drawn images and video), the dearer one."""
    if rate > 0:
        bands = tiers.setdefault(tier, {}).setdefault(kind, {})
        bands[above] = max(rate, bands.get(above, 0))


def nanousd(usd: Decimal) -> int:
    """Dollars per million tokens or per call, as nano-dollars for the same."""
    return _ceiling(usd * NANOUSD_PER_USD)


def _ceiling(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_CEILING))
