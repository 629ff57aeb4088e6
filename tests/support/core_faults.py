"""A fault of ours, at a chosen place: the nth call of a function of the core raises, once.

    faults = CoreFaults()
    with faults.raising(at=7):
        ...  # the seventh call of any function in src/core raises Surprise
    assert faults.where == "cost_nanousd"

Counting begins when `begins()` says so (once money is held, say) and leaves out what `spares()` says (the Ledger, which
lives elsewhere and whose faults arrive as silence).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

CORE = str(Path(__file__).resolve().parents[2] / "src" / "core")


class Surprise(BaseException):
    """Not even an `Exception`, as a cancelled task's is not."""


class CoreFaults:
    """Counts calls of the core and fails one of them."""

    def __init__(
        self, *, begins: Callable[[], bool] = lambda: True, spares: Callable[[], bool] = lambda: False
    ) -> None:
        self.called: list[str] = []
        """Names of functions, in the order of their calls."""
        self.where: str | None = None
        """Where it was raised; None where there were not so many calls."""
        self._begins = begins
        self._spares = spares

    @property
    def places(self) -> list[int]:
        """The first and the last call of each function."""
        numbers = range(1, len(self.called) + 1)
        first = dict(zip(reversed(self.called), reversed(numbers), strict=True))
        last = dict(zip(self.called, numbers, strict=True))
        return sorted({*first.values(), *last.values()})

    @contextmanager
    def raising(self, at: int) -> Iterator[None]:
        """Zero only counts."""

        def trace(frame: FrameType, event: str, _argument: Any) -> None:
            if event != "call" or not frame.f_code.co_filename.startswith(CORE):
                return
            if not self._begins() or self._spares():
                return
            self.called.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}")
            if len(self.called) == at:
                sys.settrace(None)
                self.where = self.called[-1]
                raise Surprise(self.where)

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)
