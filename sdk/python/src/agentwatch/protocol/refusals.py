"""Which refusal says that a budget does not cover a call, in any dialect's shape: as a 402's body, or as an event in a
stream that was cut.

AgentWatch's `code` decides, never a status or a type alone: providers have a 402 of their own, and their quota is not
the session's budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import AgentBudgetExceeded
from .numbers import mapping_of, number_of

BUDGET_CODES = frozenset({"budget_exhausted", "scope_paused"})
CUT_CODE = "answer_cut"
"""Its `cause` is one of these codes where a budget has ended the answer, and another's where the budgets were out of
reach."""
DECIDED_CODES = frozenset({"rule_blocked", "rule_throttled", "unmetered_path", "unpriced_model"})
"""What a tenant has decided of such a call. Nobody was away, so failing open is no answer to it."""


def budget_error_of(document: object, session_id: str) -> AgentBudgetExceeded | None:
    """What AgentWatch refused, as its user meets it; None where the document says anything else."""
    for error in _errors_in(document):
        code = error.get("code")
        details = error
        if not isinstance(code, str):
            code, details = _google_reason(error)
        why = details.get("cause") if code == CUT_CODE else code
        if isinstance(why, str) and why in BUDGET_CODES:
            spent, limit = number_of(details.get("spent_usd")), number_of(details.get("limit_usd"))
            return AgentBudgetExceeded(session_id, spent or 0.0, limit or 0.0)
    return None


def decision_of(document: object) -> str | None:
    """Why the tenant's own rules or policy stop a call, in AgentWatch's words; None where they do not."""
    for error in _errors_in(document):
        code = error.get("code")
        if isinstance(code, str) and code in DECIDED_CODES:
            return f"{code}: {error.get('message')}"[:500]
    return None


def _errors_in(document: object) -> Iterator[Mapping[str, object]]:
    """Where the dialects have their errors: `error`, `response.error` (Responses), or the event itself."""
    outer = mapping_of(document)
    if outer is None:
        return
    response = mapping_of(outer.get("response"))
    for holder in (outer, response):
        error = None if holder is None else mapping_of(holder.get("error"))
        if error is not None:
            # Of Responses' failed answers and of chat's errors alike, the details may stand beside the error.
            yield {**_details(outer), **error}
    yield outer


def _details(holder: Mapping[str, object]) -> dict[str, object]:
    return {name: holder[name] for name in ("spent_usd", "limit_usd", "cause") if name in holder}


def _google_reason(error: Mapping[str, object]) -> tuple[str | None, Mapping[str, object]]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        info = mapping_of(detail) or {}
        reason = info.get("reason")
        if isinstance(reason, str):
            return reason, mapping_of(info.get("metadata")) or {}
    return None, {}
