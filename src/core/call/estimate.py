"""Upper bounds, before a call is sent, of what it can cost; and the answer length that given money
pays for.

Text is sized by `core.money.text_size` for the model's kind of vocabulary, when the request is parsed.
Media is counted there in pictures, seconds and pages, and has a high number of tokens for each,
per provider. What a request only refers to (a stored conversation, a remote file), or what does not
tell its size, can be anything that fits the model: its whole context window is held, at the dearest
rate that input may have. Every figure errs high: an estimate that is low is recorded as an overrun
after the call, one that is high only holds money for a moment.
"""

import re
from dataclasses import dataclass, replace

from core.money.amount import UNITS_PER_RATE
from core.money.price_book import STANDARD, Price, Rates
from core.money.pricing import cost_nanousd, rated_units, rates_of
from core.money.usage import Usage
from core.wire.facts import ParsedCall, PromptSize

USEFUL_OUTPUT_TOKENS = 64
"""The shortest answer worth holding money for."""

OUTPUT_TOKENS_MAX_UNKNOWN = 128_000
"""Assumed ceiling of a model for which no source states one: the longest answer of any large
model but Gemini 4."""

INPUT_TOKENS_MAX_UNKNOWN = 1_048_576
"""Assumed context window of a model for which no source states one: the largest there is among
those listed."""

WEB_SEARCH_INPUT_TOKENS = {"anthropic": 10_000, "xai": 10_000, "gemini": 500}
WEB_SEARCH_INPUT_TOKENS_OTHERS = 8_000
"""What one search that the provider runs puts into the prompt: OpenAI bills a fixed 8,000 for its small models, nothing
for others; calls to Claude with one search are billed about so much more than without; Google bills no results, only
what it makes of the question."""

_READS_ONCE = frozenset({"gemini"})
"""Providers that search within one turn of the model. At the others the model reads the whole prompt again behind each
search, from the cache it has just written."""

_DOCUMENT_SEARCHERS = frozenset({"xai"})
"""Providers that do not read an attached document but search it, by the call (xAI's guide to files)."""

FIRST_TOKEN_MS_MIN = 100
"""No provider answers sooner: a connection, a queue and the reading of the shortest prompt lie before the first token.
An assumption, as the rates below are."""

GENERATED_TOKENS_PER_SECOND_MAX = {"groq": 2_000, "anthropic": 500, "xai": 500}
GENERATED_TOKENS_PER_SECOND_MAX_OTHERS = 1_000
"""Of one answer: above what the providers' fastest models are advertised with (Groq: about 1,000)."""

READ_TOKENS_PER_SECOND_MAX = 100_000
"""Of a prompt: some million tokens take the quickest models more than ten seconds to the first token."""

_AUDIO_TOKENS_PER_SECOND = {"gemini": 32}
_AUDIO_TOKENS_PER_SECOND_OTHERS = 10
"""OpenAI bills one token per 100 ms of audio input."""

_FRAME_TOKENS = 290
"""Of a second of film beside its sound. Gemini: 258, or 280 at a high resolution in its third generation."""

_PDF_TEXT_BYTES_PER_TOKEN = 2
"""A font of many characters takes two bytes for each, and none of those is more than a token in most vocabularies; in
a Latin one four bytes are a token."""

_READS_PDF_PICTURES_ALONE = frozenset({"gemini"})
"""Others bill the text of a page beside its picture (Anthropic's and OpenAI's guides to PDF)."""

_GEMINI_FIXED_PAGE_STARTS = ("gemini-1", "gemini-2")
_GEMINI_FIXED_PAGE_TOKENS = 258
_GEMINI_PAGE_TOKENS = 1_200
"""Google's guide to documents: 258 for a page before the third generation, 560 or 1,120 by resolution since. Elsewhere
a page is what a picture costs."""

_IMAGE_TOKENS = {"anthropic": 4_800, "gemini": 4_200, "groq": 6_200, "xai": 1_800}
_IMAGE_TOKENS_OTHERS = 12_000
"""Per image at its provider's highest detail: Claude's 2,576 px edge; sixteen Gemini tiles of
258; OpenAI's 10,000 patches at 1.2 tokens each."""

_CLAUDE_OF_SMALL_IMAGES = re.compile(r"claude-(?:[23]|instant|\w+-4(?:-[0-6])?(?:[@-]\d{8})?$)")
_CLAUDE_SMALL_IMAGE_TOKENS = 1_650
"""Up to 4.6 Claude reads no edge beyond 1,568 px, and bills some 1,600 tokens at most (its guide to vision)."""

_CLAUDE_EDGE_PIXELS_MIN = 200
"""The same guide warns of shorter edges and does not say what they cost."""
_CLAUDE_PIXELS_PER_TOKEN = 750
_CLAUDE_PATCH_PIXELS = 28
"""It has stated both formulas: a token for so many pixels, and one for each patch of so many squared or less."""

_OPENAI_IMAGE_TOKENS = (
    ("gpt-4o-mini", 48_200, 48_200),
    ("gpt-4.1-", 1_500, 4_000),
    ("gpt-4", 1_500, 1_500),
    ("gpt-5.", 1_500, 12_000),
    ("gpt-5", 1_500, 4_000),
    ("o", 1_500, 4_000),
    ("", 1_500, 12_000),
)
"""By start of the model name, for the smallest image and for the largest. Eight tiles are all that an image is cut
into: of 170 tokens and 85 more at most, of 5,667 and 2,833 more for gpt-4o-mini. Or it is cut into patches: 1,536 at up
to 2.46 tokens each, 10,000 at 1.2 (OpenAI's guide to images)."""

_OPENAI_PATCH_PIXELS = 32
_OPENAI_PATCH_CENTITOKENS = 246
"""Of the model whose patches are dearest."""

_OPENAI_PDF_PAGE_TOKENS_MAX = 4_000
"""A file can be asked for in no detail beyond `high`: 2,500 patches at 1.2 tokens, or 1,536 at up to 2.46."""

_AUTOMATIC_CACHE_WRITERS = frozenset({"openai"})
"""Providers that cache prompts unasked and, on newer models, charge for the write."""


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What a call may cost. `prompt` is its input alone, `least` with the shortest useful
    answer, `want` in full."""

    prompt_nanousd: int
    least_nanousd: int
    want_nanousd: int


def prompt_usage(prompt: PromptSize, price: Price) -> Usage:
    """The dearest usage the input can turn out to be, before any answer."""
    return _prompt_usage(prompt, price, web_search_calls=0, document_search_calls=0)


def search_tokens(prompt_tokens: int, price: Price, calls: int) -> tuple[int, int]:
    """What so many searches add to the input of a call with this prompt: tokens of what they found, and tokens that the
    model read again from the cache. No turn of the model reads more than its window."""
    window = price.input_tokens_max or INPUT_TOKENS_MAX_UNKNOWN
    each = WEB_SEARCH_INPUT_TOKENS.get(price.provider, WEB_SEARCH_INPUT_TOKENS_OTHERS)
    found = min(calls * each, window)
    if price.provider in _READS_ONCE:
        return found, 0
    first = min(prompt_tokens, window)
    growing = min(calls, (window - first) // each + 1)
    again = growing * first + each * growing * (growing - 1) // 2 + (calls - growing) * window
    return found, again


def worst_case(call: ParsedCall, price: Price) -> WorstCase:
    """What the call may cost at most, at least usefully, and for its input alone."""
    ceiling = _output_ceiling(call, price)
    useful = min(ceiling, call.thinking_tokens + USEFUL_OUTPUT_TOKENS)
    return WorstCase(
        prompt_nanousd=_dearest_nanousd(prompt_usage(call.prompt, price), call, price),
        least_nanousd=_dearest_nanousd(_usage(call, price, useful), call, price),
        want_nanousd=_dearest_nanousd(_usage(call, price, ceiling), call, price),
    )


def unheard(call: ParsedCall, price: Price, waited_ms: int) -> tuple[Usage, int]:
    """What an attempt may have used, and what that may cost, whose answer nobody read.

    A time-out, a connection that was lost, an answer that broke off or makes no sense, a client that left, a fault of
    ours: each leaves a provider that was perhaps at work for this long, and that may bill the input it can have read
    and the output it can have written by then. In less time than a first token takes nobody has done either, which
    makes a refused connection free without being told from a lost one (the platform says the same of both).
    """
    working_ms = max(0, waited_ms - FIRST_TOKEN_MS_MIN)
    if working_ms == 0:
        return Usage(), 0
    rate = GENERATED_TOKENS_PER_SECOND_MAX.get(price.provider, GENERATED_TOKENS_PER_SECOND_MAX_OTHERS)
    generated = min(_output_ceiling(call, price), -(-working_ms * rate // 1_000))
    usage = _read_within(_usage(call, price, generated), waited_ms * READ_TOKENS_PER_SECOND_MAX // 1_000)
    return usage, _dearest_nanousd(usage, call, price)


def output_ceiling_within(call: ParsedCall, price: Price, granted_nanousd: int) -> int:
    """The longest answer, in tokens per answer, that the granted money pays for in the worst case.

    Never above the call's own ceiling; zero when not even the input fits.
    """
    ceiling = _output_ceiling(call, price)
    if ceiling == 0:
        return 0
    granted_units = granted_nanousd * UNITS_PER_RATE
    for tier in _tiers(call):
        input_units = rated_units(_usage(call, price, 0), price, service_tier=tier)
        units_per_token = rated_units(_usage(call, price, 1), price, service_tier=tier) - input_units
        if units_per_token > 0:
            ceiling = min(ceiling, (granted_units - input_units) // units_per_token)
        elif input_units > granted_units:
            ceiling = 0
    return max(0, ceiling)


def _read_within(usage: Usage, tokens: int) -> Usage:
    """The usage with its input, and the searches for it, as far as that can have been read."""
    total = usage.prompt_tokens
    if total <= tokens:
        return usage
    kinds = ("input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
             "audio_input_tokens", "cached_audio_input_tokens", "image_input_tokens", "web_search_calls",
             "document_search_calls")  # fmt: skip
    return replace(usage, **{kind: -(-getattr(usage, kind) * tokens // total) for kind in kinds})


def _output_ceiling(call: ParsedCall, price: Price) -> int:
    if not call.has_output:
        return 0
    if call.output_tokens_max is not None:
        return call.output_tokens_max
    return price.output_tokens_max or OUTPUT_TOKENS_MAX_UNKNOWN


def _tiers(call: ParsedCall) -> tuple[str | None, ...]:
    """The tiers a call may be billed in: a provider may serve a special request as an ordinary
    one."""
    return (STANDARD,) if call.service_tier is None else (STANDARD, call.service_tier)


def _dearest_nanousd(usage: Usage, call: ParsedCall, price: Price) -> int:
    return max(cost_nanousd(usage, price, service_tier=tier) for tier in _tiers(call))


def _usage(call: ParsedCall, price: Price, output_tokens: int) -> Usage:
    """The dearest usage of the whole call with answers of this length."""
    usage = _prompt_usage(
        call.prompt,
        price,
        web_search_calls=call.web_search_calls_max,
        document_search_calls=call.document_search_calls_max if price.provider in _DOCUMENT_SEARCHERS else 0,
    )
    rates = rates_of(usage, price, service_tier=None)
    generated = (output_tokens + call.unshown_output_tokens) * call.answers
    dearest = max(
        ("output_tokens", rates.output_nanousd_per_mtok),
        ("reasoning_tokens", rates.reasoning_nanousd_per_mtok),
        ("audio_output_tokens", rates.audio_output_nanousd_per_mtok),
        ("image_output_tokens", rates.image_output_nanousd_per_mtok),
        key=lambda kind: kind[1],
    )
    return replace(usage, **{dearest[0]: generated})


def _prompt_usage(prompt: PromptSize, price: Price, *, web_search_calls: int, document_search_calls: int) -> Usage:
    window = price.input_tokens_max or INPUT_TOKENS_MAX_UNKNOWN
    counts = {
        "image_input_tokens": _image_tokens(prompt, price),
        "video_input_tokens": min(_seconds(prompt.video_ms) * _FRAME_TOKENS, window),
        "audio_input_tokens": min(_audio_tokens(prompt, price.provider), window),
    }
    hidden = window if prompt.is_of_unknown_size else min(_pdf_tokens(prompt, price), window)
    given = prompt.text_tokens + sum(counts.values()) + hidden
    found, again = search_tokens(given, price, web_search_calls + document_search_calls)
    text = prompt.text_tokens + found
    rates = price.rates(prompt_tokens=min(given + found, window), service_tier=None)
    kind, rate = _dearest_text_class(prompt, price.provider, rates)
    for seen in ("image_input", "video_input"):
        if rate >= getattr(rates, f"{seen}_nanousd_per_mtok"):
            text += counts[f"{seen}_tokens"]
            counts[f"{seen}_tokens"] = 0
    counts[kind] = text
    counts["cached_input_tokens"] = again
    counts[_dearest_hidden_class(kind, rate, rates)] += hidden
    return Usage(
        web_search_calls=web_search_calls,
        document_search_calls=document_search_calls,
        longest_prompt_tokens=given + found,
        **counts,
    )


def _dearest_hidden_class(text_kind: str, text_rate: int, rates: Rates) -> str:
    """What is not in the request may be text, pictures, film or sound."""
    classes = (
        (text_kind, text_rate),
        ("image_input_tokens", rates.image_input_nanousd_per_mtok),
        ("video_input_tokens", rates.video_input_nanousd_per_mtok),
        ("audio_input_tokens", rates.audio_input_nanousd_per_mtok),
    )
    return max(classes, key=lambda kind: kind[1])[0]


def _dearest_text_class(prompt: PromptSize, provider: str, rates: Rates) -> tuple[str, int]:
    """Which count of a `Usage` the prompt's text may at worst be billed as, and at what rate."""
    classes = [("input_tokens", rates.input_nanousd_per_mtok)]
    if prompt.has_cache_marks or provider in _AUTOMATIC_CACHE_WRITERS:
        classes.append(("cache_write_5m_tokens", rates.cache_write_5m_nanousd_per_mtok))
    if prompt.has_long_cache_marks:
        classes.append(("cache_write_1h_tokens", rates.cache_write_1h_nanousd_per_mtok))
    return max(classes, key=lambda kind: kind[1])


def _image_tokens(prompt: PromptSize, price: Price) -> int:
    _, largest = _image_tokens_between(price)
    unsized = prompt.images - len(prompt.image_sizes)
    return unsized * largest + sum(_sized_image_tokens(*size, price) for size in prompt.image_sizes)


def _image_tokens_between(price: Price) -> tuple[int, int]:
    """What the smallest and the largest image cost."""
    if price.provider == "openai":
        name = price.model.removeprefix("ft:")
        return next((least, most) for start, least, most in _OPENAI_IMAGE_TOKENS if name.startswith(start))
    if price.provider == "anthropic" and _CLAUDE_OF_SMALL_IMAGES.match(price.model):
        return 0, _CLAUDE_SMALL_IMAGE_TOKENS
    return 0, _IMAGE_TOKENS.get(price.provider, _IMAGE_TOKENS_OTHERS)


def _sized_image_tokens(width: int, height: int, price: Price) -> int:
    least, most = _image_tokens_between(price)
    if price.provider == "openai":
        patches = _patches(width, height, _OPENAI_PATCH_PIXELS)
        return min(most, max(least, -(-patches * _OPENAI_PATCH_CENTITOKENS // 100)))
    if price.provider == "anthropic":
        width, height = max(width, _CLAUDE_EDGE_PIXELS_MIN), max(height, _CLAUDE_EDGE_PIXELS_MIN)
        by_pixels = -(-width * height // _CLAUDE_PIXELS_PER_TOKEN)
        return min(most, max(by_pixels, _patches(width, height, _CLAUDE_PATCH_PIXELS)))
    return most


def _patches(width: int, height: int, edge: int) -> int:
    return -(-width // edge) * -(-height // edge)


def _audio_tokens(prompt: PromptSize, provider: str) -> int:
    """Of sound, and of that in films."""
    per_second = _AUDIO_TOKENS_PER_SECOND.get(provider, _AUDIO_TOKENS_PER_SECOND_OTHERS)
    return _seconds(prompt.audio_ms + prompt.video_ms) * per_second


def _pdf_tokens(prompt: PromptSize, price: Price) -> int:
    pictures = prompt.pdf_pages * _pdf_page_image_tokens(price)
    if price.provider in _READS_PDF_PICTURES_ALONE:
        return pictures
    return pictures - (-prompt.pdf_text_bytes // _PDF_TEXT_BYTES_PER_TOKEN)


def _pdf_page_image_tokens(price: Price) -> int:
    least, most = _image_tokens_between(price)
    if price.provider == "openai":
        return max(least, min(most, _OPENAI_PDF_PAGE_TOKENS_MAX))
    if price.provider == "gemini":
        return _GEMINI_FIXED_PAGE_TOKENS if price.model.startswith(_GEMINI_FIXED_PAGE_STARTS) else _GEMINI_PAGE_TOKENS
    return most


def _seconds(ms: int) -> int:
    return -(-ms // 1_000)
