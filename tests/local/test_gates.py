"""The gate before the Ledger stands in front of all of it."""

import re

from local.paths import ROOT
from ports import Ledger


def test_every_question_to_the_ledger_passes_the_gate() -> None:
    (listed,) = re.findall(r"for \(const method of \[(.*?)\]\)", (ROOT / "local" / "gates.mjs").read_text())

    questions = {name for name in vars(Ledger) if not name.startswith("_")}
    assert set(re.findall(r'"(\w+)"', listed)) == questions
