"""Whole answers of every dialect, as providers send them, and what is read of each.

A folder holds `answer.json`; beside it stands `usage.json`: the disjoint counts that are not zero (null when the answer
counts nothing), the model, the tier it was served in and why it ended.
"""

from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from core.wire.dialects import DIALECTS

GOLDEN = Path(__file__).parent
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/answer.json"))
CASE_IDS = [f"{case.parent.name}-{case.name}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_an_answer_is_read_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    facts = DIALECTS[case.parent.name].read_answer((case / "answer.json").read_bytes())

    read = asdict(facts)
    if facts.usage is not None:
        read["usage"] = {name: count for name, count in asdict(facts.usage).items() if count}
    actual = msgspec.json.format(msgspec.json.encode(read)) + b"\n"
    if request.config.getoption("--rewrite-golden", default=False):
        (case / "usage.json").write_bytes(actual)
    assert actual == (case / "usage.json").read_bytes()


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_no_token_of_an_answer_is_counted_twice(case: Path) -> None:
    """The parts add up to what the provider itself calls the whole, where it says one."""
    body = (case / "answer.json").read_bytes()
    usage = DIALECTS[case.parent.name].read_answer(body).usage

    stated = _stated_total(msgspec.json.decode(body))

    assert usage is None or stated is None or usage.total_tokens == stated


def _stated_total(answer: dict) -> int | None:
    for name in ("usage", "usageMetadata"):
        reported = answer.get(name)
        if isinstance(reported, dict):
            return reported.get("total_tokens", reported.get("totalTokenCount"))
    return None
