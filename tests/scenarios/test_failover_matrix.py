"""Every trigger in every dialect, whole and streamed, at each place of a chain: who serves, what is billed and charged,
and that the caller hears its own dialect."""

import json
from pathlib import Path

import pytest

from tests.scenarios.failover_matrix import Case, cases, page, play

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_call_is_served_by_the_first_that_can_and_charged_once(case: Case) -> None:
    seen = play(case)
    chain = [provider for provider, _, _ in case.way.hops]
    is_served = case.failing < len(chain)

    assert seen.asked == chain[: case.failing + 1]
    assert (seen.answer.status == 200) is is_served, seen.answer
    assert (seen.spent_nanousd, seen.held_nanousd) == (seen.billed_nanousd, 0)
    assert [row["attempt"] for row in seen.rows] == list(range(1, len(seen.asked) + 1))
    assert sum(row["cost_nanousd"] for row in seen.rows) == seen.billed_nanousd
    assert [row["outcome"] for row in seen.rows][: case.failing] == ["failed"] * case.failing
    if is_served:
        assert seen.answer.headers["x-agentwatch-provider"] == chain[case.failing]
        assert text_of(case, seen.answer.body) == "hello"


def text_of(case: Case, body: object) -> str:
    """What a caller of this dialect hears."""
    assert isinstance(body, bytes)
    if not case.is_streaming:
        return whole_text(case.way.dialect, json.loads(body))
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    return "".join(part for event in events for part in streamed_text(case.way.dialect, event))


def whole_text(dialect: str, answer: dict) -> str:
    match dialect:
        case "chat":
            return answer["choices"][0]["message"]["content"]
        case "messages":
            return answer["content"][0]["text"]
        case "responses":
            return next(item for item in answer["output"] if item["type"] == "message")["content"][0]["text"]
        case _:
            return answer["candidates"][0]["content"]["parts"][0]["text"]


def streamed_text(dialect: str, event: dict) -> list[str]:
    match dialect:
        case "chat":
            return [choice["delta"].get("content") or "" for choice in event["choices"]]
        case "messages":
            return [event["delta"]["text"]] if event.get("delta", {}).get("type") == "text_delta" else []
        case "responses":
            return [event["delta"]] if event["type"] == "response.output_text.delta" else []
        case _:
            return [
                part.get("text", "")
                for each in event.get("candidates", [])
                for part in each.get("content", {}).get("parts", [])
            ]


def test_the_page_is_what_a_run_gives() -> None:
    """`PYTHONPATH=src python -m tests.scenarios.failover_matrix > docs/failover_matrix.md` writes it anew."""
    assert (Path(__file__).parents[2] / "docs/failover_matrix.md").read_text() == page()
