"""Answers that a later call may continue: how much each came to, by the id its provider gave it.

A call that names an earlier answer sends little and is billed for all of it; and under an account that tenants share
an id is a key to what somebody else was told. Both are settled here: an id that this ledger has seen is this tenant's,
and as long as was counted.

Theory of operation. An answer is remembered when its call ends, in the row that ends the hold: no further row. What
came since the last checkpoint is written with it, all on one page; pages are read when somebody first asks. The oldest
pages go when there are more than is worth keeping: an id forgotten is an id never seen.
"""

from collections.abc import Iterable, Sequence

from core.bounds import ANSWERS_REMEMBERED_MAX
from core.ledger.messages import AnswerNote
from durable_objects.storage.rows import LedgerStore


class Answers:
    """One tenant's answers, the latest of them."""

    def __init__(self, store: LedgerStore, *, answers_max: int = ANSWERS_REMEMBERED_MAX) -> None:
        self._store = store
        self._answers_max = answers_max
        self._stored: dict[str, int] | None = None
        """Tokens by id, of all pages; None until somebody asks."""
        self._fresh: dict[str, int] = {}
        """Those of no page yet, the oldest first."""

    def note(self, answer: AnswerNote | None) -> None:
        """Remember an answer that has come to its end."""
        if answer is None:
            return
        for answer_id in answer.ids:
            self._fresh.pop(answer_id, None)
            self._fresh[answer_id] = answer.tokens
        for answer_id in list(self._fresh)[: max(0, len(self._fresh) - self._answers_max)]:
            del self._fresh[answer_id]

    def tokens_of(self, ids: Iterable[str]) -> int | None:
        """What these answers came to together; None where one of them is not known."""
        found = [self._find(answer_id) for answer_id in ids]
        known = [tokens for tokens in found if tokens is not None]
        return sum(known) if len(known) == len(found) else None

    def write(self) -> None:
        """Put what is new on a page of its own."""
        if not self._fresh:
            return
        page = [AnswerNote((answer_id,), tokens) for answer_id, tokens in self._fresh.items()]
        self._store.put_answers(page, self._answers_max)
        if self._stored is not None:
            self._stored |= self._fresh
            self._stored = dict(list(self._stored.items())[-self._answers_max :])
        self._fresh = {}

    def _find(self, answer_id: str) -> int | None:
        if answer_id in self._fresh:
            return self._fresh[answer_id]
        if self._stored is None:
            self._stored = _tokens_by_id(self._store.answers())
        return self._stored.get(answer_id)


def _tokens_by_id(notes: Sequence[AnswerNote]) -> dict[str, int]:
    return {answer_id: note.tokens for note in notes for answer_id in note.ids}
