"""What counts as a step, as the same step again, and as a person who speaks: in every dialect."""

import json
from collections.abc import Callable, Sequence

import pytest

from core.wire.steps.asides import is_aside
from core.wire.steps.steps import MESSAGES_MAX, StepFacts, read_steps
from tests.core.wire.steps.transcripts import DIALECTS, KEY, Call, Turn, ran

Read = Callable[[Sequence[Turn]], StepFacts]


@pytest.fixture(params=DIALECTS)
def read(request: pytest.FixtureRequest) -> Read:
    dialect, write = DIALECTS[request.param]
    return lambda turns: facts(write(turns), dialect)


def facts(request: dict, dialect: str, *, key: bytes = KEY) -> StepFacts:
    return read_steps(json.dumps(request).encode(), dialect, key=key)


def counts(told: StepFacts) -> tuple[int, int]:
    return told.repeated_steps, told.failed_steps


A, B, C, D, E = (ran(f"run {name}", f"made {name}") for name in "ABCDE")
TASK = "Please do it."

REPEATS = [
    ([], 0),
    ([A], 1),
    ([A, B, C], 1),
    ([A, A], 2),
    ([A] * 5, 5),
    ([B, A, A, A], 3),
    ([A, A, A, B], 1),
    ([A, B] * 4, 4),
    ([C, A, B, A, B], 2),
    ([A, B, A, B, A], 2),
    ([A, B, C] * 3, 3),
    ([A, B, C, D] * 3, 3),
    ([A, A, B] * 3, 3),
    ([A, B, C, D, E] * 3, 1),
    ([A] * 24, 24),
    ([A] * 60, 24),
    ([A, B, C, D] * 20, 6),
]


@pytest.mark.parametrize(("steps", "times"), REPEATS)
def test_a_block_of_one_to_four_steps_is_told_as_often_as_it_stands_at_the_end(
    read: Read, steps: list[Turn], times: int
) -> None:
    assert read([TASK, *steps]).repeated_steps == times


def test_ids_signatures_and_thoughts_make_no_other_step(read: Read) -> None:
    assert read([TASK, A]).step == read([TASK, A]).step


def test_the_step_is_the_last_one(read: Read) -> None:
    assert read([TASK, A, B]).step == read([TASK, B]).step != read([TASK, A]).step


@pytest.mark.parametrize(
    "other",
    [
        ran("run A", "made A, and more"),
        ran("run B", "made A"),
        [Call("made A", {"command": "run A", "cwd": "/"})],
        [Call("made A", {"command": "run A"}, name="shell")],
        ran("run A", ""),
    ],
    ids=["result", "argument", "one more argument", "name", "no result"],
)
def test_another_call_or_another_result_is_another_step(read: Read, other: Turn) -> None:
    assert read([TASK, A, A, other]).repeated_steps == 1


def test_the_order_of_members_makes_no_other_step(read: Read) -> None:
    there = [Call("x", {"a": 1, "b": {"c": 2, "d": 3}})]
    back = [Call("x", {"b": {"d": 3, "c": 2}, "a": 1})]

    assert read([TASK, there, back]).repeated_steps == 2


def test_what_a_model_says_to_a_person_of_a_command_makes_no_other_step(read: Read) -> None:
    steps = [[Call("x", {"command": "make", "description": words})] for words in ("Build", "Build it", "Try again")]

    assert read([TASK, *steps]).repeated_steps == 3


def test_a_description_that_is_all_there_is_makes_another_step(read: Read) -> None:
    steps = [[Call("x", {"title": "Bug", "description": words})] for words in ("one", "two")]

    assert read([TASK, *steps]).repeated_steps == 1


@pytest.mark.parametrize("name", [name for name in DIALECTS if "legacy" not in name])
def test_calls_at_once_are_one_step(name: str) -> None:
    dialect, write = DIALECTS[name]
    bad = Call("no rule", {"command": "make"}, is_error=True)

    assert facts(write([TASK, [*A, *B], [*A, *B]]), dialect).repeated_steps == 2
    assert facts(write([TASK, [*A, *A], A]), dialect).repeated_steps == 1
    assert counts(facts(write([TASK, [bad, *A], [bad, *A]]), dialect)) == (2, 0)
    assert counts(facts(write([TASK, [bad, bad], [bad, bad]]), dialect)) == (2, 2)


def test_a_person_who_speaks_ends_what_was_repeated(read: Read) -> None:
    assert read([TASK, A, A, A, "Stop that."]) == StepFacts(has_tools=False)
    assert read([TASK, A, A, A, "Stop that.", A]).repeated_steps == 1


def test_what_a_coding_agent_says_in_the_user_s_place_is_no_person(read: Read) -> None:
    aside = "<system-reminder>\nYour to-do list is empty.\n</system-reminder>\n"

    assert read([TASK, A, A, A, aside]).repeated_steps == 3
    assert read([TASK, A, aside, A, aside + "  " + aside, A]).repeated_steps == 3
    assert read([TASK, A, A, A, aside + "Stop that."]).step is None


@pytest.mark.parametrize(
    ("text", "is_nobodys"),
    [
        ("", True),
        (" \n", True),
        ("<reminder>a</reminder>", True),
        ("<system-reminder>a</system-reminder>\n<environment_details>\n<reminder>b</environment_details>", True),
        ("<reminder>a</reminder> Stop.", False),
        ("Stop. <reminder>a</reminder>", False),
        ("<reminder>Stop.", False),
        ("<reminder>a</system-reminder>", False),
        ("<reminder><system-reminder>a</reminder> Stop. </system-reminder>", False),
        ("<note>a</note>", False),
    ],
)
def test_a_text_is_nobody_s_where_nothing_is_left_of_it(text: str, is_nobodys: bool) -> None:
    assert is_aside(text) is is_nobodys


def test_failed_steps_are_counted_apart(read: Read) -> None:
    bad, worse = ran("make", "no rule", is_error=True), ran("make", "no target", is_error=True)

    assert counts(read([TASK, bad, bad, bad])) == (3, 3)
    assert counts(read([TASK, A, A, A])) == (3, 0)
    assert counts(read([TASK, bad, worse, bad, worse])) == (2, 2)
    assert counts(read([TASK, bad, A, bad, A])) == (2, 0)
    assert counts(read([TASK, bad, bad, A])) == (1, 0)
    assert counts(read([TASK, bad, worse])) == (1, 1)


def test_digests_of_another_key_differ() -> None:
    dialect, write = DIALECTS["openai_chat"]
    request = write([TASK, A])

    assert facts(request, dialect).step != facts(request, dialect, key=b"j" * 32).step


def test_nothing_of_the_text_is_in_what_is_told(read: Read) -> None:
    told = read([TASK, ran("run canary", "canary")])

    assert told.step is not None
    assert len(told.step) == 16
    int(told.step, 16)
    assert "canary" not in repr(told)


def test_a_transcript_without_a_step_tells_of_none(read: Read) -> None:
    assert read([TASK]) == StepFacts(has_tools=False)


def test_steps_beyond_the_last_messages_are_not_looked_for() -> None:
    dialect, write = DIALECTS["openai_chat"]
    request = write([A, A])
    request["messages"] += [{"role": "assistant", "content": "hm"}] * (MESSAGES_MAX - 2)

    assert facts(request, dialect).repeated_steps == 1


TOOLS = [
    ("openai_chat", {"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
    ("openai_chat", {"functions": [{"name": "f"}]}, True),
    ("openai_chat", {"tools": []}, False),
    ("openai_chat", {"tools": None}, False),
    ("openai_responses", {"tools": [{"type": "web_search"}]}, True),
    ("openai_responses", {"prompt": {"id": "pmpt_1"}}, None),
    ("openai_responses", {}, False),
    ("openai_completions", {"prompt": "once"}, False),
    ("openai_embeddings", {"input": "once"}, False),
    ("anthropic_messages", {"tools": [{"name": "f", "input_schema": {}}]}, True),
    ("anthropic_messages", {"mcp_servers": [{"url": "https://example.com"}]}, True),
    ("gemini", {"tools": [{"functionDeclarations": []}]}, True),
    ("gemini", {"tools": {"googleSearch": {}}}, True),
    ("gemini", {"cachedContent": "cachedContents/x"}, None),
    ("gemini", {"cachedContent": "cachedContents/x", "tools": [{"googleSearch": {}}]}, True),
    ("gemini_embed", {"content": {}}, False),
]


@pytest.mark.parametrize(("dialect", "request_", "has_tools"), TOOLS)
def test_a_request_tells_whether_it_offers_tools(dialect: str, request_: dict, has_tools: bool | None) -> None:
    assert facts(request_, dialect).has_tools is has_tools
