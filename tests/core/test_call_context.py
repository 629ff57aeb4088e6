"""What a caller says of its call is taken as it is or refused by name, never trimmed to fit."""

import pytest

from core.call_context import read_call_context
from core.refusals import InvalidRequest


def test_no_headers_is_a_call_without_labels() -> None:
    context = read_call_context({})

    assert (context.session_id, context.session_limit_nanousd, context.iteration) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize("name", ["x-agentwatch-session-id", "helicone-session-id", "x-litellm-trace-id"])
def test_a_session_is_known_by_the_headers_of_its_field(name: str) -> None:
    assert read_call_context({name: "run:7.a_b-c"}).session_id == "run:7.a_b-c"


REFUSED = [
    ("x-agentwatch-session-id", "a/b"),
    ("x-agentwatch-session-id", ""),
    ("x-agentwatch-session-id", "a" * 129),
    ("x-agentwatch-session-id", "sesión"),
    ("helicone-session-id", "a b"),
    ("x-agentwatch-budget-usd", "-5"),
    ("x-agentwatch-budget-usd", "nan"),
    ("x-agentwatch-budget-usd", "five"),
    ("x-agentwatch-iteration", "-1"),
    ("x-agentwatch-iteration", "1.5"),
    ("x-agentwatch-iteration", "99999999"),
    ("x-agentwatch-project", "p" * 129),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_header_that_does_not_fit_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_call_context({name: value})

    assert refused.value.param == name


def test_labels_and_budget_are_read() -> None:
    context = read_call_context(
        {
            "x-agentwatch-budget-usd": "0.25",
            "x-agentwatch-project": "demo",
            "x-agentwatch-agent": "writer",
            "x-agentwatch-iteration": "3",
        }
    )

    assert context.session_limit_nanousd == 250_000_000
    assert (context.project, context.agent, context.iteration) == ("demo", "writer", 3)
