"""What a caller says of its call is taken as it is or refused by name, never trimmed to fit."""

import pytest

from core.call.context import read_call_context, read_whole
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
    ("x-agentwatch-budget-usd", "1_0"),
    ("x-agentwatch-budget-usd", "１２"),
    ("x-agentwatch-budget-usd", "5, 6"),
    ("x-agentwatch-iteration", "-1"),
    ("x-agentwatch-iteration", "1.5"),
    ("x-agentwatch-iteration", "99999999"),
    ("x-agentwatch-iteration", "1_0"),
    ("x-agentwatch-iteration", "٣"),
    ("x-agentwatch-iteration", "+1"),
    ("x-agentwatch-iteration", " 1"),
    ("x-agentwatch-project", "p" * 129),
    ("x-agentwatch-failover", ""),
    ("x-agentwatch-failover", "Off"),
    ("x-agentwatch-failover", "false"),
    ("x-agentwatch-failover", "off, on"),
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

    assert context.call_limit_nanousd == 250_000_000
    assert (context.project, context.agent, context.iteration) == ("demo", "writer", 3)


def test_a_budget_without_a_session_limits_the_call() -> None:
    context = read_call_context({"x-agentwatch-budget-usd": "0.25"})

    assert (context.call_limit_nanousd, context.session_limit_nanousd) == (250_000_000, None)


def test_a_budget_with_a_session_limits_the_session() -> None:
    context = read_call_context({"x-agentwatch-budget-usd": "0.25", "x-litellm-trace-id": "run-7"})

    assert (context.call_limit_nanousd, context.session_limit_nanousd) == (None, 250_000_000)


@pytest.mark.parametrize("text", ["0", "201", "1_0", "１２", "+5", "5 ", "-1", "1e2", "1" * 5_000])
def test_a_number_is_plain_digits_within_bounds(text: str) -> None:
    with pytest.raises(InvalidRequest, match="whole number from 1 to 200"):
        read_whole(text, "limit", least=1, most=200)


SAID = [({}, True), ({"x-agentwatch-failover": "on"}, True), ({"x-agentwatch-failover": "off"}, False)]


@pytest.mark.parametrize(("headers", "expected"), SAID)
def test_a_call_may_fail_over_unless_its_caller_says_otherwise(headers: dict[str, str], expected: bool) -> None:
    assert read_call_context(headers).may_fail_over is expected
