"""Answers that are written after the call that ordered them has returned, until somebody asks for them.

The rules easy to break: absent usage is not zero. A call whose answer is still being written has not ended, so what is
held for it stays, and it is settled by the answer of a later request. And a finaliser may come by here between any two
steps of this very file, so there is no lock: each step is one of the dictionary's own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .watch import Watch

ANSWERS_MAX = 1_000


class BackgroundAnswers:
    """Watches of answers that are not written yet, by the answers' ids. The oldest is settled where there are too
    many."""

    def __init__(self, answers_max: int = ANSWERS_MAX) -> None:
        self._watches: OrderedDict[str, Watch] = OrderedDict()
        self._answers_max = answers_max

    def keep(self, answer_id: str, watch: Watch) -> None:
        self._watches.pop(answer_id, None)
        self._watches[answer_id] = watch
        if len(self._watches) > self._answers_max:
            _, oldest = self._watches.popitem(last=False)
            oldest.is_background = False
            oldest.collected()

    def take(self, answer_id: str) -> Watch | None:
        return self._watches.pop(answer_id, None)
