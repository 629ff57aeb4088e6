"""Counts tokens with real vocabularies (npm `gpt-tokenizer` and `@anthropic-ai/tokenizer`) and keeps the counts.

The counts are committed beside a digest of the texts, so that the estimate can be tested wherever Python runs; a test
with Node counts again. Rewrite them with `PYTHONPATH=src python -m tests.calibration.real_counts` after changing them.
"""

import hashlib
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.calibration import call_mix, texts

_HERE = Path(__file__).parent
_KEPT = _HERE / "real_counts.json"

SETS: dict[str, Callable[[], list[str]]] = {
    "samples": lambda: [text for _, text in texts.samples()],
    "calls": lambda: [call.read for call in call_mix.calls()],
}
"""What is counted: lists of texts."""


@cache
def digest(name: str) -> str:
    """Names the texts of a set."""
    return hashlib.sha256(json.dumps(SETS[name]()).encode()).hexdigest()


@cache
def kept(name: str = "samples") -> dict[str, list[int]]:
    """The committed counts by vocabulary, in the order of the texts."""
    document = json.loads(_KEPT.read_text())[name]
    assert document["digest"] == digest(name), "the texts have changed: count them again"
    counts: dict[str, list[int]] = document["counts"]
    return counts


def count(these: list[str]) -> dict[str, list[int]]:
    """Count each text with every vocabulary, in one run of Node."""
    command = ["node", str(_HERE / "count_tokens.mjs")]
    done = subprocess.run(command, input=json.dumps(these).encode(), stdout=subprocess.PIPE, check=True)
    counts: dict[str, list[int]] = json.loads(done.stdout)
    return counts


def main() -> None:
    sets = []
    for name, listed in SETS.items():
        lines = [f'  "{vocabulary}": {json.dumps(counts)}' for vocabulary, counts in count(listed()).items()]
        sets.append(f' "{name}": {{"digest": "{digest(name)}", "counts": {{\n' + ",\n".join(lines) + "\n }}")
    _KEPT.write_text("{\n" + ",\n".join(sets) + "\n}\n")


if __name__ == "__main__":
    main()
