"""`python -m tests.core.risk.figures`: precision and recall of each tag on the shared vectors, what is found in texts of
other tests that were written without a thought of them, and milliseconds for 100 KB of each kind of text on this
machine."""

import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "src")]

from core.risk.finding.tags import TAGS, find, tags_of  # noqa: E402
from tests.calibration import texts  # noqa: E402
from tests.core.risk.vectors import CASES  # noqa: E402

CHARACTERS = 100_000
RUNS = 5
KINDS = (
    "english", "german", "chinese", "japanese", "python", "typescript", "json_compact", "chat_body", "history", "csv",
    "urls", "uuids", "hex", "base64", "minified_js", "stack_trace", "numbers", "stamps",
)  # fmt: skip
NUMBERED_BY_DESIGN = ("stamps",)
"""Its lines end in +49 and nine digits, which are telephones."""


def tag_rows() -> list[str]:
    rows = []
    found = [(set(case.tags), set(tags_of(case.text))) for case in CASES]
    for tag in TAGS:
        right = sum(tag in said and tag in got for said, got in found)
        wrong = sum(tag not in said and tag in got for said, got in found)
        missed = sum(tag in said and tag not in got for said, got in found)
        near = sum(case.about == tag and tag not in case.tags for case in CASES)
        precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
        rows.append(f"| {tag} | {right + missed} | {near} | {precision:.3f} | {recall:.3f} |")
    return rows


def false_alarms() -> str:
    ordinary = [(name, text) for name, text in texts.samples() if name not in NUMBERED_BY_DESIGN]
    counts = Counter(finding.tag for _, text in ordinary for finding in find(text))
    megabytes = sum(len(text.encode()) for _, text in ordinary) / 1e6
    return f"{sum(counts.values())} in {megabytes:.1f} MB of texts of {len({name for name, _ in ordinary})} kinds: {dict(counts)}"


def of_kind(kind: str) -> str:
    text = "\n".join(text for name, text in texts.samples() if name == kind)
    return (text * (CHARACTERS // len(text) + 1))[:CHARACTERS]


def milliseconds(text: str) -> float:
    """For 100 KB as UTF-8."""
    least = float("inf")
    for _ in range(RUNS):
        begun = time.perf_counter()
        find(text)
        least = min(least, time.perf_counter() - begun)
    return least * 1e3 * 1e5 / len(text.encode())


def main() -> None:
    print("| tag | hits | near misses | precision | recall |\n| --- | --- | --- | --- | --- |")
    print("\n".join(tag_rows()))
    print(f"\nfalse alarms: {false_alarms()}\n\n| text | ms per 100 KB |\n| --- | --- |")
    for kind in KINDS:
        print(f"| {kind} | {milliseconds(of_kind(kind)):.2f} |")


if __name__ == "__main__":
    main()
