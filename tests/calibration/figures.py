"""How high the estimates are, as tables: `PYTHONPATH=src python -m tests.calibration.figures`. `docs/prices.md` shows them."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

from core.text_size import text_tokens
from tests.calibration import call_mix, real_counts, texts

KINDS = (
    ("OpenAI from gpt-4o on, gpt-oss", "gpt-4o", "o200k_base"),
    ("Gemini, Grok (vocabularies unpublished: every digit counted as a token)", "gemini-2.5-pro", "o200k_base"),
    ("gpt-4, gpt-3.5, embeddings, other Groq models, unknown names", "gpt-4", "cl100k_base"),
    ("Claude to 4.6: the small vocabulary plus 25 %", "claude-sonnet-4-5", "claude_2"),
    ("Claude from 4.7 on: plus 65 %", "claude-opus-5", "claude_2"),
)
"""A kind of vocabulary, a model of it, and the real vocabulary it is held against."""


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
    whole = Figures()
    for name, one in by_class.items():
        if name.startswith(prefix) and name not in texts.NOT_LANGUAGE:
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


def main() -> None:
    for kind, model, vocabulary in KINDS:
        print(kind_row(kind, model, vocabulary))
    print("\nholds: calls, median and worst of least hold to true cost, input held low, refused falsely of $0.10, of $1")
    for name, kind_holds in call_mix.holds(real_counts.kept("calls")).items():
        print(call_mix.holds_row(name, kind_holds))
    for _, model, vocabulary in KINDS:
        print(f"\n{model} against {vocabulary}: total, lowest, highest")
        for name, one in sorted(figures(model, vocabulary).items()):
            print(f"  {name:24} {one.ratio:5.2f} {min(one.ratios):5.2f} {max(one.ratios):6.2f}")


if __name__ == "__main__":
    main()
