"""A hold: the question that asks for a call's money before it is sent, and what was granted.

The hold's id is the `event_id` of the report that settles it, so a question whose answer was lost may be asked again,
and a call that is never made releases the hold by a report of nothing. The rule easy to break: what the server would
not take is brought within its bounds, since a question that is refused for its form is a call that nothing holds for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..calls import CallFacts
from .numbers import mapping_of
from .question import Question, encoded
from .reports import name_of

BYTES_MAX = TOKENS_MAX = 2**31
IMAGES_MAX = 4_000
CHOICES_MAX = 1_000
SEARCHES_MAX = 10_000
TOOLS_MAX = 64


@dataclass(frozen=True, kw_only=True)
class HoldAsked:
    """Whose money, beside what the call is."""

    hold_id: str
    session_id: str
    session_budget_usd: str | None
    project: str | None
    agent: str | None
    iteration: int


@dataclass(frozen=True, kw_only=True)
class HoldGranted:
    output_tokens_max: int | None
    """Only so much output is paid for. None: all that the request may make."""


def hold_question(facts: CallFacts, asked: HoldAsked) -> Question:
    ceiling, searches = facts.output_tokens_max, facts.web_search_calls_max
    document = {
        "hold_id": asked.hold_id,
        "provider": name_of(facts.provider),
        "model": name_of(facts.model) or "unknown",
        "dialect": facts.dialect,
        "is_streaming": facts.is_streaming,
        "input_bytes": min(BYTES_MAX, facts.input_bytes),
        "images": min(IMAGES_MAX, facts.images),
        "has_unsized_input": facts.has_unsized_input,
        "output_tokens_max": None if ceiling is None else max(1, min(TOKENS_MAX, ceiling)),
        "choices": max(1, min(CHOICES_MAX, facts.choices)),
        "provider_tools": [tool for each in facts.provider_tools[:TOOLS_MAX] if (tool := name_of(each))] or None,
        "web_search_calls_max": None if searches is None else max(1, min(SEARCHES_MAX, searches)),
        "session_id": asked.session_id,
        "session_budget_usd": asked.session_budget_usd,
        "project": asked.project,
        "agent": asked.agent,
        "iteration_index": asked.iteration,
    }
    said = {name: value for name, value in document.items() if value is not None}
    return Question(method="POST", path="/v1/holds", body=encoded(said), headers={"content-type": "application/json"})


def hold_granted_of(document: object, hold_id: str) -> HoldGranted | None:
    """What was granted; None where that is no answer to this hold."""
    answer = mapping_of(document)
    if answer is None or answer.get("hold_id") != hold_id:
        return None
    most = answer.get("output_tokens_max")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        return None
    return HoldGranted(output_tokens_max=most)
