"""A budget check: how a session's is asked for, and whether the answer stops it.

`exceeded` decides where it is said; an older or a newer server that leaves it out is read by its numbers. An answer
that tells neither is no answer: it must not pass for "go on" where nothing may go on unasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from .numbers import mapping_of, number_of
from .question import Question


@dataclass(frozen=True, kw_only=True)
class BudgetState:
    exceeded: bool
    spent_usd: float
    limit_usd: float
    """0 where a session is stopped that has no limit: it is paused."""


def check_question(session_id: str, limit_usd: str | None) -> Question:
    query = {"session_id": session_id} | ({} if limit_usd is None else {"limit_usd": limit_usd})
    return Question(method="GET", path=f"/v1/budget-check?{urlencode(query)}")


def budget_state_of(document: object) -> BudgetState | None:
    """What a budget check was answered; None where that is no answer of one."""
    answer = mapping_of(document)
    if answer is None:
        return None
    exceeded, spent, limit = (
        answer.get("exceeded"),
        number_of(answer.get("spent_usd")),
        number_of(answer.get("limit_usd")),
    )
    if not isinstance(exceeded, bool):
        if answer.get("paused") is True:
            exceeded = True
        elif spent is None or "limit_usd" not in answer:
            return None
        else:
            exceeded = limit is not None and spent >= limit
    return BudgetState(exceeded=exceeded, spent_usd=spent or 0.0, limit_usd=limit or 0.0)
