"""Counts tokens with real vocabularies (npm `gpt-tokenizer` and `@anthropic-ai/tokenizer`) and keeps the counts.

The counts are committed beside a digest of the texts, so that the estimate can be tested wherever Python runs; a test
with Node counts again. Rewrite them with `python -m tests.calibration.real_counts` after changing the texts.
"""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path

from tests.calibration import texts

_HERE = Path(__file__).parent
_KEPT = _HERE / "real_counts.json"


@cache
def digest() -> str:
    """Names the texts."""
    return hashlib.sha256(json.dumps(texts.samples()).encode()).hexdigest()


@cache
def kept() -> dict[str, list[int]]:
    """The committed counts by vocabulary, in the order of the samples."""
    document = json.loads(_KEPT.read_text())
    assert document["digest"] == digest(), "the texts have changed: count them again"
    counts: dict[str, list[int]] = document["counts"]
    return counts


def count(these: list[str]) -> dict[str, list[int]]:
    """Count each text with every vocabulary, in one run of Node."""
    command = ["node", str(_HERE / "count_tokens.mjs")]
    document = json.dumps(these)
    done = subprocess.run(command, input=document.encode(), stdout=subprocess.PIPE, check=True)
    counts: dict[str, list[int]] = json.loads(done.stdout)
    return counts


def count_samples() -> dict[str, list[int]]:
    return count([text for _, text in texts.samples()])


def main() -> None:
    lines = [f' "{name}": {json.dumps(counts)}' for name, counts in count_samples().items()]
    body = ",\n".join(lines)
    _KEPT.write_text(f'{{"digest": "{digest()}", "counts": {{\n{body}\n}}}}\n')


if __name__ == "__main__":
    main()
