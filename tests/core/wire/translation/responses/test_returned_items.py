"""What another provider answered comes back to OpenAI without what only we know."""

from typing import Any

import msgspec
import pytest

from core.wire.translation.answer import Answer
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.responses.answer_writer import write_answer
from core.wire.translation.responses.request_reader import read_request
from core.wire.translation.responses.returned_items import without_our_items
from tests.core.wire.translation.responses.streams import IDENTITY

PARTS = (Thinking(text="Hm"), Text(text="Look"), ToolCall(id="toolu_1", name="f", arguments="{}"))


def a_second_turn() -> bytes:
    """As an agent writes it: what was answered, then the result."""
    answered = msgspec.json.decode(write_answer(Answer(model="claude", parts=PARTS, stop="tool_calls"), IDENTITY))
    result = {"type": "function_call_output", "call_id": "toolu_1", "output": "sunny"}
    return msgspec.json.encode(
        {"model": "gpt-5.5", "input": [{"role": "user", "content": "Go"}, *answered["output"], result]}
    )


def test_our_thoughts_stay_behind_and_the_rest_goes_without_our_ids() -> None:
    items: list[dict[str, Any]] = msgspec.json.decode(without_our_items(a_second_turn()))["input"]

    assert [item.get("type") for item in items] == [None, "message", "function_call", "function_call_output"]
    assert not any("id" in item for item in items)
    assert items[2] == {
        "type": "function_call", "status": "completed", "call_id": "toolu_1", "name": "f", "arguments": "{}",
    }  # fmt: skip


def test_the_conversation_is_the_same_but_for_our_thoughts() -> None:
    first, assistant, last = read_request(a_second_turn()).turns

    after = read_request(without_our_items(a_second_turn())).turns

    assert assistant.parts[0] == Thinking(text="Hm")
    assert [after[0], after[1].parts, after[2]] == [first, assistant.parts[1:], last]


@pytest.mark.parametrize(
    "body",
    [
        b'{ "model": "m", "input": [{"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}] }',
        b'{"model":"m","input":"what is rs_agentwatch_1?"}',
        b'{"model":"m","instructions":"_agentwatch_"}',
        b'{ "model": "m", "input": [ {"role": "user", "content": "rs_agentwatch_1"} ] }',
        b'{"model":"m","input":[{"role":"user","content":"_agentwatch_","id":"msg_1"}]}',
        b"_agentwatch_",
    ],
)
def test_what_holds_nothing_of_ours_passes_as_it_came(body: bytes) -> None:
    assert without_our_items(body) == body


def test_items_of_openai_s_keep_their_ids_beside_ours() -> None:
    theirs = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
    ours = {"type": "reasoning", "id": "rs_agentwatch_1_0", "summary": []}

    body = without_our_items(msgspec.json.encode({"model": "m", "input": [theirs, ours, 7, {"id": 7}]}))

    assert msgspec.json.decode(body)["input"] == [theirs, 7, {"id": 7}]
