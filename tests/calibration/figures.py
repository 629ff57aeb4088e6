"""How high the estimates are, as tables: `PYTHONPATH=src python -m tests.calibration.figures`. `docs/prices.md` shows them."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from core.call.told import tokens_of_bytes
from core.money.text_size import text_tokens
from tests.calibration import call_mix, media, real_counts, texts

KINDS = (
    ("OpenAI from gpt-4o on, gpt-oss", "gpt-4o", "o200k_base"),
    ("Gemini, Grok (vocabularies unpublished: every digit counted as a token)", "gemini-2.5-pro", "o200k_base"),
    ("gpt-4, gpt-3.5, embeddings, other Groq models, unknown names", "gpt-4", "cl100k_base"),
    ("Claude to 4.6: the small vocabulary plus 25 %", "claude-sonnet-4-5", "claude_2"),
    ("Claude from 4.7 on: plus 65 %", "claude-opus-5", "claude_2"),
)
"""A kind of vocabulary, a model of it, and the real vocabulary it is held against."""

_LANGUAGES = (
    "german", "french", "spanish", "polish", "turkish", "finnish", "vietnamese", "russian", "greek", "arabic", "persian",
    "hebrew", "hindi", "bengali", "tamil", "thai", "georgian", "chinese", "traditional_chinese", "japanese", "korean",
)  # fmt: skip
TEXT_KINDS: dict[str, tuple[str, ...]] = {
    "English": ("english", "unseen_english"),
    "chat bodies": ("chat_body",),
    "agents' histories": ("history",),
    "tool schemas": ("tool_schemas",),
    "tool calls": ("tool_calls",),
    "code": ("python", "typescript", "go", "rust", "java", "c", "sql", "shell", "unseen_python", "unseen_kotlin"),
    "JSON": ("json_compact", "json_pretty"),
    "YAML, CSS, HTML, Markdown": ("yaml", "css", "html", "markdown"),
    **{name.replace("_", " ").title(): (name,) for name in _LANGUAGES},
    "digits": ("digits", "numbers", "vectors", "sought_digits"),
    "whitespace": ("whitespace", "indented", "sought_blanks", "sought_double_blanks", "sought_lines"),
    "letters in no order": ("lower_random", "letters_random", "words_random", "sought_consonants", "sought_vowels"),
    "base64, hexadecimal, UUIDs": ("base64", "base64url", "hex", "hex_upper", "uuids"),
    "emoji": ("emoji", "emoji_chat"),
    "a script's characters in no order": tuple(sorted(texts.DRAWN_EVENLY)),
    "sought to be low": tuple(sorted(texts.SOUGHT)),
}
"""What callers send, and the classes of text that stand for it."""


@dataclass
class Figures:
    """One class of text: how often the estimate was low, and the ratios of estimate to truth."""

    low: int = 0
    estimated: int = 0
    real: int = 0
    ratios: list[float] = field(default_factory=list)

    def add(self, estimate: int, real: int) -> None:
        self.low += estimate < real
        self.estimated += estimate
        self.real += real
        self.ratios.append(estimate / real)

    @property
    def cell(self) -> str:
        """How many were estimated low, and the median of estimate to truth."""
        return f"{self.low / len(self.ratios):.0%} {statistics.median(self.ratios):.2f}"

    @property
    def ratio(self) -> float:
        return self.estimated / self.real


@cache
def figures(model: str, vocabulary: str) -> dict[str, Figures]:
    """By class of text."""
    by_class: dict[str, Figures] = defaultdict(Figures)
    for (name, text), real in zip(texts.samples(), real_counts.kept()[vocabulary], strict=True):
        by_class[name].add(text_tokens(text.encode(), model), real)
    return by_class


def of_languages(by_class: dict[str, Figures], prefix: str = "") -> Figures:
    """Everything that is a language, or code or data, in one."""
    return together(one for name, one in by_class.items() if name.startswith(prefix) and name not in texts.NOT_LANGUAGE)


def together(several: Iterable[Figures]) -> Figures:
    whole = Figures()
    for one in several:
        whole.low += one.low
        whole.estimated += one.estimated
        whole.real += one.real
        whole.ratios += one.ratios
    return whole


def part_high(whole: Figures) -> float:
    return 1 - whole.low / len(whole.ratios)


def kind_row(kind: str, model: str, vocabulary: str) -> str:
    """The row of one kind of vocabulary, as Markdown."""
    whole = of_languages(figures(model, vocabulary))
    high = f"{100 * part_high(whole):.2f} %"
    return f"| {kind} | {vocabulary} | {high} | {whole.ratio:.2f} | {min(whole.ratios):.2f} |"


def text_kind_rows() -> Iterator[str]:
    """Each kind of text against each kind of vocabulary, as Markdown."""
    for kind, names in TEXT_KINDS.items():
        cells = [together(figures(model, vocabulary)[name] for name in names).cell for _, model, vocabulary in KINDS]
        yield f"| {kind} | {' | '.join(cells)} |"


def told_figures(kind: str, model: str, vocabulary: str) -> Figures:
    """A kind of text as JSON, sized by its number of bytes alone."""
    figures = Figures()
    for (name, text), real in zip(texts.samples(), real_counts.kept()[vocabulary], strict=True):
        if name in TEXT_KINDS[kind]:
            figures.add(tokens_of_bytes(len(json.dumps(text, ensure_ascii=False).encode()), model), real)
    return figures


def told_row(kind: str) -> str:
    """A kind of text against each kind of vocabulary, as Markdown."""
    return f"| {kind} | {' | '.join(told_figures(kind, model, vocabulary).cell for _, model, vocabulary in KINDS)} |"


def media_rows() -> Iterator[str]:
    """Each kind of what is no text against what its provider publishes, as Markdown."""
    for kind, pairs in media.kinds().items():
        one = Figures()
        for estimate, real in pairs:
            one.add(estimate, real)
        yield f"| {kind} | {one.cell} |"


def main() -> None:
    for kind, model, vocabulary in KINDS:
        print(kind_row(kind, model, vocabulary))
    print()
    for row in (*text_kind_rows(), *media_rows()):
        print(row)
    print(
        "\nholds: calls, median and worst of least hold to true cost, input held low, refused falsely of $0.10, of $1"
    )
    for name, kind_holds in call_mix.holds(real_counts.kept("calls")).items():
        print(call_mix.holds_row(name, kind_holds))
    for _, model, vocabulary in KINDS:
        print(f"\n{model} against {vocabulary}: total, lowest, highest")
        for name, one in sorted(figures(model, vocabulary).items()):
            print(f"  {name:24} {one.ratio:5.2f} {min(one.ratios):5.2f} {max(one.ratios):6.2f}")


if __name__ == "__main__":
    main()
