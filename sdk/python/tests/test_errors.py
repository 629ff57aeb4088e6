"""What is raised says its numbers, and travels between processes."""

import pickle

import pytest

from agentwatch import AgentBudgetCheckUnavailable, AgentBudgetExceeded

WORDS = [
    (5, 5, "$5.00 of its $5.00"),
    (1.5, 2, "$1.50 of its $2.00"),
    (0.000135, 0.0002, "$0.000135 of its $0.0002"),
    (0, 1000, "$0.00 of its $1000.00"),
]


@pytest.mark.parametrize(("spent", "limit", "words"), WORDS)
def test_small_budgets_are_told_as_well(spent: float, limit: float, words: str) -> None:
    assert words in str(AgentBudgetExceeded("run-1", spent, limit))


@pytest.mark.parametrize("error", [AgentBudgetExceeded("s", 1.0, 2.0), AgentBudgetCheckUnavailable("s", "away")])
def test_an_exception_travels(error: Exception) -> None:
    same = pickle.loads(pickle.dumps(error))

    assert (type(same), str(same), vars(same)) == (type(error), str(error), vars(error))
    assert not same.retryable
