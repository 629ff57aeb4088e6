"""The gate before the Ledger stands in front of all of it."""

import re

from local.paths import ROOT
from ports import Ledger


def test_every_question_to_the_ledger_passes_the_gate() -> None:
    (gate,) = re.findall(r"class LedgerGate .*?\n}", (ROOT / "local" / "gates.mjs").read_text(), re.DOTALL)

    questions = {name for name in vars(Ledger) if not name.startswith("_")}
    assert set(re.findall(r"  async (\w+)\(", gate)) == questions
