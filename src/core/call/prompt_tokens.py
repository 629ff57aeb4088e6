"""What the input of a call may come to in tokens, before it is sent: its media, and what searching adds.

Text is sized by `core.money.text_size` for the model's kind of vocabulary, when the request is parsed.
Media is counted there in pictures, seconds and pages, and has a high number of tokens for each,
per provider. What does not tell its size, or is not in the request (a stored conversation, a remote
file), can be anything that fits the model: its whole context window. Every figure errs high. Nothing
here knows a rate.
"""

import re
from dataclasses import dataclass

from core.money.price_book import Price
from core.wire.facts import PromptSize

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


@dataclass(frozen=True, slots=True)
class MediaTokens:
    """What the media of a prompt may come to, in the tokens of one model."""

    image: int = 0
    video: int = 0
    """Of the pictures of films."""
    audio: int = 0
    """Of sound, and of that in films."""
    document: int = 0


NO_MEDIA = MediaTokens()


def media_tokens(prompt: PromptSize, price: Price) -> MediaTokens:
    """The most that the media in the request can be, read once: of a kind that has no size of its own, never more than
    the model reads."""
    if not (prompt.images or prompt.audio_ms or prompt.video_ms or prompt.pdf_pages or prompt.pdf_text_bytes):
        return NO_MEDIA
    window = window_of(price)
    return MediaTokens(
        image=_image_tokens(prompt, price),
        video=min(_seconds(prompt.video_ms) * _FRAME_TOKENS, window),
        audio=min(_audio_tokens(prompt, price.provider), window),
        document=min(_pdf_tokens(prompt, price), window),
    )


def hidden_tokens(prompt: PromptSize, media: MediaTokens, price: Price) -> int:
    """The most that is read, however often, of what may be billed as any kind of input: the prompt's documents, or all
    that the model reads, where something of the prompt tells no size or is not in the request; and what code printed
    between one reading and the next."""
    window = window_of(price)
    printed = window if prompt.reads > 1 else 0
    return (window if prompt.is_of_unknown_size else media.document) * prompt.reads + printed


def window_of(price: Price) -> int:
    """The most that one turn of the model reads."""
    return price.input_tokens_max or INPUT_TOKENS_MAX_UNKNOWN


def search_tokens(prompt_tokens: int, price: Price, calls: int) -> tuple[int, int]:
    """What so many searches add to the input of a call with this prompt: tokens of what they found, and tokens that the
    model read again from the cache. No turn of the model reads more than its window."""
    window = window_of(price)
    each = WEB_SEARCH_INPUT_TOKENS.get(price.provider, WEB_SEARCH_INPUT_TOKENS_OTHERS)
    found = min(calls * each, window)
    if price.provider in _READS_ONCE:
        return found, 0
    first = min(prompt_tokens, window)
    growing = min(calls, (window - first) // each + 1)
    again = growing * first + each * growing * (growing - 1) // 2 + (calls - growing) * window
    return found, again


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
