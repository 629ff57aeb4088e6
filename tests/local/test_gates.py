"""The gates stand in front of everything that a Worker may ask."""

import ast
import re

from local.paths import ROOT


def test_every_question_to_the_ledger_passes_the_gate() -> None:
    (gate,) = re.findall(r"class LedgerGate .*?\n}", (ROOT / "local" / "gates.mjs").read_text(), re.DOTALL)
    module = ast.parse((ROOT / "durable_objects" / "object.py").read_text())
    (ledger,) = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Ledger")

    methods = {node.name for node in ledger.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    questions = {name for name in methods if not name.startswith("_")} - {"alarm"}
    assert set(re.findall(r"  async (\w+)\(", gate)) == questions
