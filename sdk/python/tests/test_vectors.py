"""What AgentWatch says, and what usage comes to, as the shared vectors have it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agentwatch.calls import Usage
from agentwatch.clients.reading.usage import usage_of
from agentwatch.protocol.checks import budget_state_of
from agentwatch.protocol.refusals import budget_error_of

NOTHING = asdict(Usage(prompt_tokens=0, completion_tokens=0))
VECTORS = Path(__file__).resolve().parents[3] / "vectors"


def cases(name: str) -> Any:
    return [pytest.param(case, id=case["id"]) for case in json.loads((VECTORS / f"{name}.json").read_text())["cases"]]


@pytest.mark.parametrize("case", cases("refusals"))
def test_a_refusal_stops_a_session_where_its_budget_does(case: Any) -> None:
    error = budget_error_of(case["document"], "run-1")

    assert (error is not None) == case["is_budget_stop"]
    if error is not None:
        assert (error.spent, error.limit) == (case["spent_usd"], case["limit_usd"])


@pytest.mark.parametrize("case", cases("budget_checks"))
def test_a_budget_check_is_read(case: Any) -> None:
    state = budget_state_of(case["document"]) if case["status"] == 200 else None

    assert (None if state is None else state.exceeded) == case["exceeded"]
    if state is not None:
        assert (state.spent_usd, state.limit_usd) == (case["spent_usd"], case["limit_usd"])


@pytest.mark.parametrize("case", cases("prices"))
def test_usage_is_read_as_the_edge_reads_it(case: Any) -> None:
    usage = usage_of(case["usage"], case["dialect"])

    assert (None if usage is None else asdict(usage)) == (case["report"] and {**NOTHING, **case["report"]})
