"""The models the mock sells: who sells them, at what price, and how much they may write.

A small table reviewed by hand against the providers' public price pages as collected in genai-
prices 0.2.3 and in LiteLLM 1.110.2 (November 2026). It is deliberately not the product's table: the
two are compared by a test, and a mistake in one of them shows. A class of tokens a model does not
sell is None, never zero.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

NANOUSD_PER_USD = 10**9
UNPRICED_PREFIX = "unpriced-"


class Kind(StrEnum):
    """What a model can be asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"


class Rates(msgspec.Struct, frozen=True):
    """Nano-dollars per million tokens of each class; None where the model lacks the class."""

    input: int
    output: int
    cached_input: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None


class Model(msgspec.Struct, frozen=True):
    """One model as its provider sells it; `served_name` is what answers call it."""

    provider: str
    name: str
    rates: Rates
    output_tokens_max: int
    kind: Kind = Kind.CHAT
    served_name: str = ""
    aliases: tuple[str, ...] = ()
    long_context_above_tokens: int | None = None
    long_context_rates: Rates | None = None
    flex_rates: Rates | None = None
    priority_rates: Rates | None = None
    web_search_nanousd: int | None = None
    is_search_billed_once: bool = False
    """Gemini 2.x bills a grounded prompt once, however many searches it made."""
    rejects_max_tokens: bool = False
    """OpenAI's reasoning models take `max_completion_tokens` only."""
    dimensions: int = 0

    @property
    def answers_as(self) -> str:
        return self.served_name or self.name


def _nanousd(usd: str) -> int:
    nanousd = Decimal(usd) * NANOUSD_PER_USD
    assert nanousd == int(nanousd), usd
    return int(nanousd)


def _rates(
    input: str,
    output: str,
    *,
    cached: str | None = None,
    write_5m: str | None = None,
    write_1h: str | None = None,
    audio_in: str | None = None,
    audio_out: str | None = None,
) -> Rates:
    """Rates from dollars per million tokens, written as on the price pages."""
    optional = (cached, write_5m, write_1h, audio_in, audio_out)
    return Rates(
        _nanousd(input),
        _nanousd(output),
        *(None if usd is None else _nanousd(usd) for usd in optional),
    )


_FIVE_USD_PER_THOUSAND = _nanousd("0.005")
_TEN_USD_PER_THOUSAND = _nanousd("0.010")
_GROUNDED_PROMPT = _nanousd("0.035")

_OPENAI = (
    Model(
        "openai",
        "gpt-4o-mini",
        _rates("0.15", "0.60", cached="0.075"),
        16_384,
        served_name="gpt-4o-mini-2024-07-18",
        priority_rates=_rates("0.25", "1.00", cached="0.125"),
    ),
    Model(
        "openai",
        "gpt-4o",
        _rates("2.50", "10.00", cached="1.25"),
        16_384,
        served_name="gpt-4o-2024-08-06",
        priority_rates=_rates("4.25", "17.00", cached="2.125"),
    ),
    Model(
        "openai",
        "gpt-4.1-nano",
        _rates("0.10", "0.40", cached="0.025"),
        32_768,
        served_name="gpt-4.1-nano-2025-04-14",
        priority_rates=_rates("0.20", "0.80", cached="0.05"),
    ),
    Model(
        "openai",
        "o4-mini",
        _rates("1.10", "4.40", cached="0.275"),
        100_000,
        served_name="o4-mini-2025-04-16",
        flex_rates=_rates("0.55", "2.20", cached="0.138"),
        priority_rates=_rates("2.00", "8.00", cached="0.50"),
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
        rejects_max_tokens=True,
    ),
    Model(
        "openai",
        "gpt-5-mini",
        _rates("0.25", "2.00", cached="0.025"),
        128_000,
        served_name="gpt-5-mini-2025-08-07",
        flex_rates=_rates("0.125", "1.00", cached="0.0125"),
        priority_rates=_rates("0.45", "3.60", cached="0.045"),
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
        rejects_max_tokens=True,
    ),
    Model(
        "openai",
        "gpt-6-luna",
        _rates("0.10", "0.50", cached="0.01", write_5m="0.125"),
        128_000,
        long_context_above_tokens=272_000,
        long_context_rates=_rates("0.20", "0.75", cached="0.02", write_5m="0.25"),
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
        rejects_max_tokens=True,
    ),
    Model(
        "openai",
        "gpt-audio",
        _rates("2.50", "10.00", audio_in="32.00", audio_out="64.00"),
        16_384,
        served_name="gpt-audio-2025-08-28",
    ),
    Model(
        "openai",
        "gpt-3.5-turbo-instruct",
        _rates("1.50", "2.00"),
        4_096,
        kind=Kind.COMPLETION,
        served_name="gpt-3.5-turbo-instruct:20230824-v2",
    ),
    Model(
        "openai",
        "text-embedding-3-small",
        _rates("0.02", "0"),
        0,
        kind=Kind.EMBEDDING,
        dimensions=1_536,
    ),
    Model(
        "openai",
        "text-embedding-3-large",
        _rates("0.13", "0"),
        0,
        kind=Kind.EMBEDDING,
        dimensions=3_072,
    ),
)

_ANTHROPIC = (
    # Of the family that Claude Code 2.1.332 asks for by itself.
    Model(
        "anthropic",
        "claude-opus-5-5",
        _rates("4", "20", cached="0.20", write_5m="5", write_1h="8"),
        128_000,
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-sonnet-5-5",
        _rates("2", "10", cached="0.10", write_5m="2.50", write_1h="4"),
        128_000,
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-haiku-5-5",
        _rates("0.10", "0.50", cached="0.01", write_5m="0.125", write_1h="0.20"),
        128_000,
        long_context_above_tokens=100_000,
        long_context_rates=_rates("0.50", "2.50", cached="0.05", write_5m="0.625", write_1h="1"),
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-sonnet-4-5",
        _rates("3", "15", cached="0.30", write_5m="3.75", write_1h="6"),
        64_000,
        served_name="claude-sonnet-4-5-20250929",
        long_context_above_tokens=200_000,
        long_context_rates=_rates("6", "22.50", cached="0.60", write_5m="7.50", write_1h="12"),
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-haiku-4-5",
        _rates("1", "5", cached="0.10", write_5m="1.25", write_1h="2"),
        64_000,
        served_name="claude-haiku-4-5-20251001",
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-opus-4-5",
        _rates("5", "25", cached="0.50", write_5m="6.25", write_1h="10"),
        64_000,
        served_name="claude-opus-4-5-20251101",
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-opus-4-1",
        _rates("15", "75", cached="1.50", write_5m="18.75", write_1h="30"),
        32_000,
        served_name="claude-opus-4-1-20250805",
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
    Model(
        "anthropic",
        "claude-3-5-haiku-latest",
        _rates("0.80", "4", cached="0.08", write_5m="1", write_1h="1.60"),
        8_192,
        served_name="claude-3-5-haiku-20241022",
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
    ),
)

_GEMINI = (
    Model(
        "gemini",
        "gemini-2.5-flash",
        _rates("0.30", "2.50", cached="0.03", audio_in="1.00"),
        65_536,
        web_search_nanousd=_GROUNDED_PROMPT,
        is_search_billed_once=True,
    ),
    Model(
        "gemini",
        "gemini-2.5-pro",
        _rates("1.25", "10", cached="0.125"),
        65_536,
        long_context_above_tokens=200_000,
        long_context_rates=_rates("2.50", "15", cached="0.25"),
        web_search_nanousd=_GROUNDED_PROMPT,
        is_search_billed_once=True,
    ),
    Model(
        "gemini",
        "gemini-2.5-flash-lite",
        _rates("0.10", "0.40", cached="0.01", audio_in="0.30"),
        65_536,
        web_search_nanousd=_GROUNDED_PROMPT,
        is_search_billed_once=True,
    ),
    Model(
        "gemini",
        "gemini-2.0-flash",
        _rates("0.10", "0.40", cached="0.025", audio_in="0.70"),
        8_192,
        aliases=("gemini-2.0-flash-001",),
        web_search_nanousd=_GROUNDED_PROMPT,
        is_search_billed_once=True,
    ),
    Model(
        "gemini",
        "gemini-embedding-001",
        _rates("0.15", "0"),
        0,
        kind=Kind.EMBEDDING,
        dimensions=3_072,
    ),
)

_GROQ = (
    Model("groq", "llama-3.3-70b-versatile", _rates("0.59", "0.79"), 32_768),
    Model("groq", "llama-3.1-8b-instant", _rates("0.05", "0.08"), 131_072),
    Model("groq", "openai/gpt-oss-120b", _rates("0.15", "0.60", cached="0.075"), 65_536),
    Model("groq", "openai/gpt-oss-20b", _rates("0.075", "0.30", cached="0.0375"), 65_536),
)

_GROK_4_3 = Model(
    "xai",
    "grok-4.3",
    _rates("1.25", "2.50", cached="0.20"),
    1_000_000,
    # Retired names are served and billed as the model that took their place.
    aliases=("grok-4.3-latest", "grok-4-fast-reasoning"),
    long_context_above_tokens=200_000,
    long_context_rates=_rates("2.50", "5.00", cached="0.40"),
    web_search_nanousd=_FIVE_USD_PER_THOUSAND,
)

_XAI = (
    _GROK_4_3,
    msgspec.structs.replace(_GROK_4_3, name="grok-3-mini", aliases=()),
    msgspec.structs.replace(_GROK_4_3, name="grok-4", served_name="grok-4-0709", aliases=("grok-4-latest",)),
)

MODELS: tuple[Model, ...] = _OPENAI + _ANTHROPIC + _GEMINI + _GROQ + _XAI

_BY_NAME: dict[tuple[str, str], Model] = {
    (model.provider, name): model for model in MODELS for name in {model.name, model.answers_as, *model.aliases}
}


def find_model(provider: str, name: str, kind: Kind) -> Model | None:
    """The model of that exact name; `unpriced-…` names are sold by everybody, as any kind."""
    if name.startswith(UNPRICED_PREFIX):
        return _unpriced(provider, name, kind)
    return _BY_NAME.get((provider, name))


def models_of(provider: str) -> tuple[Model, ...]:
    return tuple(model for model in MODELS if model.provider == provider)


def _unpriced(provider: str, name: str, kind: Kind) -> Model:
    """A model no price table knows, for tests of what is done with one: $5 in, $15 out."""
    every_class = _rates("5", "15", cached="5", write_5m="5", write_1h="5", audio_in="5", audio_out="15")
    return Model(
        provider,
        name,
        every_class,
        16_384,
        kind=kind,
        web_search_nanousd=_TEN_USD_PER_THOUSAND,
        dimensions=1_536,
    )
