"""The journal on the genuine runtime: what happens behind the Ledger changes no call's row and no nano-dollar."""

from pathlib import Path

import pytest

from local.stack import Stack
from tests.runtime.journal_under_faults import CONFIG, POISON_EVERY, Run

pytestmark = pytest.mark.stack

CALLS = 400


def test_whatever_comes_and_goes_behind_the_ledger_each_call_is_one_row(tmp_path: Path) -> None:
    with Stack(tmp_path / "state", kv=CONFIG, has_gates=True) as stack:
        books = Run(stack, lambda message: None).play(CALLS, calls_per_round=CALLS // 4)

    assert books.are_right, str(books)
    assert (books.calls, books.letters, books.kills) == (CALLS, CALLS // POISON_EVERY, 1)
