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


OF_AGENTS = ["x-claude-code-session-id", "session-id", "session_id", "x-session-affinity"]
RUN = "0199d6f4-5f2b-7c31-b6a4-3f9f0f7c2d11"


@pytest.mark.parametrize("name", OF_AGENTS)
def test_a_coding_agents_own_run_is_its_session(name: str) -> None:
    assert read_call_context({name: RUN}).session_id == RUN


@pytest.mark.parametrize("text", ["", "a b", "a/b", "x" * 129])
@pytest.mark.parametrize("name", OF_AGENTS)
def test_a_run_that_is_no_session_s_id_does_not_fail_its_call(name: str, text: str) -> None:
    """Its client sends it to every provider: nobody has told AgentWatch anything."""
    assert read_call_context({name: text}).session_id is None


def test_a_run_is_known_by_the_first_name_that_can_be_one() -> None:
    assert read_call_context({"session-id": "a b", "session_id": RUN}).session_id == RUN


def test_of_several_names_ours_is_the_session_and_then_a_gateway_s() -> None:
    headers = {"session-id": "codex", "x-claude-code-session-id": "claude", "x-litellm-trace-id": "litellm"}

    found = [read_call_context(headers).session_id]
    found += [read_call_context(headers | {"helicone-session-id": "helicone"}).session_id]
    found += [read_call_context(headers | {"x-agentwatch-session-id": "ours"}).session_id]
    found += [read_call_context(headers, "x-agentwatch-session-id=query").session_id]
    found += [read_call_context(headers, "", ["token"]).session_id]

    assert found == ["litellm", "helicone", "ours", "query", "token"]


QUERIES = [
    ("x-agentwatch-session-id=run-42", "run-42"),
    ("beta=true&x-agentwatch-session-id=run%3A42", "run:42"),
    ("%78-agentwatch-session-id=run-42&x-agentwatch-session-id=run-42", "run-42"),
    ("X-AgentWatch-Session-Id=run-42", "run-42"),
    ("session_id=run-42", None),
    ("beta=true", None),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_client_that_sets_no_header_names_its_session_in_the_query(query: str, expected: str | None) -> None:
    assert read_call_context({}, query).session_id == expected


NAMED_BADLY = [
    ("", ["a b"], "token~session"),
    ("", [""], "token~session"),
    ("", ["agent:run-42"], "token~session"),
    ("", ["a", "b"], "token~session"),
    ("x-agentwatch-session-id=", [], "?x-agentwatch-session-id"),
    ("x-agentwatch-session-id=%C3%A9", [], "?x-agentwatch-session-id"),
    ("x-agentwatch-session-id=a&X-agentwatch-session-id=b", [], "?x-agentwatch-session-id"),
]


@pytest.mark.parametrize(("query", "behind_token", "place"), NAMED_BADLY)
def test_a_session_that_does_not_fit_is_refused_by_its_place(query: str, behind_token: list[str], place: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_call_context({}, query, behind_token)

    assert refused.value.param == place


HEADER, QUERY = {"x-agentwatch-session-id": "a"}, "x-agentwatch-session-id="
TWO_SESSIONS = [
    (HEADER, f"{QUERY}b", [], r"session-id and \?x-agentwatch-session-id name two sessions, a and b"),
    (HEADER, "", ["b"], "x-agentwatch-session-id and token~session name two sessions, a and b"),
    ({}, f"{QUERY}a", ["b"], r"\?x-agentwatch-session-id and token~session name two sessions, a and b"),
    (HEADER, f"{QUERY}a", ["a", "b"], "two tokens name two sessions"),
]


@pytest.mark.parametrize(("headers", "query", "behind_token", "words"), TWO_SESSIONS)
def test_a_request_that_names_two_sessions_is_refused(
    headers: dict[str, str], query: str, behind_token: list[str], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        read_call_context(headers, query, behind_token)


def test_the_same_session_named_everywhere_is_one() -> None:
    assert read_call_context(HEADER, f"{QUERY}a", ["a", "a"]).session_id == "a"


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
