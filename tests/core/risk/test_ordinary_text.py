"""Nothing is found in what engineers and their tools send to models all day."""

import json

import pytest

from core.risk.finding.tags import find
from tests.core.risk.ordinary_text import LINES
from tests.core.risk.vectors import FOLDER

CASES = json.loads((FOLDER / "ordinary_text.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_ordinary_text_has_no_tags(case: dict[str, str]) -> None:
    assert find(case["text"]) == []


def test_every_kind_that_is_made_is_in_the_document_once() -> None:
    kinds = [case["id"] for case in CASES]

    assert set(LINES) <= set(kinds)
    assert len(kinds) == len(set(kinds))
