"""Requests that go to their own provider, without the thinking that it would refuse."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.translation.fitting.history import UNSIGNED, repaired_body

MESSAGES, RESPONSES = "anthropic_messages", "openai_responses"
OURS = {"type": "thinking", "thinking": "hm", "signature": UNSIGNED}
THEIRS = {"type": "thinking", "thinking": "hm", "signature": "EqoB"}
SEALED = {"type": "redacted_thinking", "data": "seal"}
SAID = {"type": "text", "text": "b"}
USE = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"n": 1.0}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "done"}
ENABLED = {"type": "enabled", "budget_tokens": 2000}


def body(*messages: tuple[str, object], **members: object) -> bytes:
    return json.dumps(
        {"model": "m", **members, "messages": [{"role": role, "content": content} for role, content in messages]}
    ).encode()


def read(text: bytes | None) -> dict[str, object]:
    assert text is not None
    return json.loads(text)  # type: ignore[no-any-return]


def test_our_own_thinking_is_taken_out_and_theirs_stays() -> None:
    given_body = body(
        ("user", "a"), ("assistant", [THEIRS, SAID]), ("user", "c"), ("assistant", [OURS, SAID]), ("user", "d")
    )

    repaired = read(repaired_body(MESSAGES, given_body, strips_all=False))

    assert (
        repaired["messages"]
        == json.loads(
            body(("user", "a"), ("assistant", [THEIRS, SAID]), ("user", "c"), ("assistant", [SAID]), ("user", "d"))
        )["messages"]
    )


def test_all_of_it_is_taken_out_where_it_was_refused() -> None:
    repaired = read(
        repaired_body(
            MESSAGES, body(("user", "a"), ("assistant", [THEIRS, SEALED, SAID]), ("user", "c")), strips_all=True
        )
    )

    assert repaired["messages"][1]["content"] == [SAID]  # type: ignore[index]


def test_every_other_byte_stays() -> None:
    around = b'{"x": 1.50 ,"messages":[{"role" : "user","content":"\\u00e9 thinking"},{"role":"assistant","content":[%s,{"type": "text" ,"text":"b"}]}],"z":{"a":1e2}}'

    repaired = repaired_body(MESSAGES, around % json.dumps(OURS).encode(), strips_all=False)

    assert repaired == (
        b'{"x":1.50,"messages":[{"role" : "user","content":"\\u00e9 thinking"},'
        b'{"role":"assistant","content":[{"type": "text" ,"text":"b"}]}],"z":{"a":1e2}}'
    )


def test_a_message_of_nothing_else_goes_whole() -> None:
    repaired = read(
        repaired_body(MESSAGES, body(("user", "a"), ("assistant", [OURS]), ("user", "c")), strips_all=False)
    )

    assert [message["content"] for message in repaired["messages"]] == ["a", "c"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("thinking", "blocks", "after"),
    [
        (ENABLED, [OURS, USE], {"type": "disabled"}),
        (ENABLED, [OURS, THEIRS, USE], ENABLED),
        (ENABLED, [OURS, SAID], ENABLED),
        ({"type": "adaptive"}, [OURS, USE], {"type": "adaptive"}),
        ({"type": "disabled"}, [OURS, USE], {"type": "disabled"}),
    ],
)
def test_a_budget_is_turned_off_where_the_last_turn_now_calls_unthought(
    thinking: object, blocks: list[object], after: object
) -> None:
    given_body = body(("user", "a"), ("assistant", blocks), ("user", [RESULT]), thinking=thinking)

    assert read(repaired_body(MESSAGES, given_body, strips_all=False))["thinking"] == after


def test_a_turn_in_two_messages_is_one() -> None:
    given_body = body(
        ("user", "a"), ("assistant", [OURS, THEIRS]), ("assistant", [USE]), ("user", [RESULT]), thinking=ENABLED
    )

    assert read(repaired_body(MESSAGES, given_body, strips_all=False))["thinking"] == ENABLED


def test_the_clearing_of_old_thinking_goes_when_thinking_goes() -> None:
    management = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]}
    given_body = body(
        ("user", "a"), ("assistant", [OURS, USE]), ("user", [RESULT]), thinking=ENABLED, context_management=management
    )

    repaired = read(repaired_body(MESSAGES, given_body, strips_all=False))

    assert repaired["context_management"] == {"edits": [{"type": "clear_tool_uses_20250919"}]}


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "seal"}
STORED = {"type": "reasoning", "id": "rs_2", "summary": []}
CALL = {"type": "function_call", "call_id": "c", "name": "Bash", "arguments": "{}"}


def test_sealed_reasoning_items_go_where_they_were_refused() -> None:
    given_body = json.dumps(
        {"model": "m", "input": [REASONING, CALL, STORED], "include": ["reasoning.encrypted_content"]}
    ).encode()

    assert read(repaired_body(RESPONSES, given_body, strips_all=True))["input"] == [CALL, STORED]


UNCHANGED = [
    (MESSAGES, False, body(("user", "a"), ("assistant", [THEIRS, SAID]))),
    (MESSAGES, False, body(("user", UNSIGNED), ("assistant", [THEIRS, SAID]))),
    (MESSAGES, True, body(("user", "thinking"), ("assistant", [SAID]))),
    (MESSAGES, True, body(("assistant", [THEIRS]))),
    (MESSAGES, True, body(("user", [{"type": "text", "text": "x", "thinking": 1}]))),
    (RESPONSES, False, json.dumps({"input": [REASONING]}).encode()),
    (RESPONSES, True, json.dumps({"input": "encrypted_content"}).encode()),
    (RESPONSES, True, json.dumps({"input": [STORED], "include": ["reasoning.encrypted_content"]}).encode()),
    ("openai_chat", True, json.dumps({"messages": [{"role": "assistant", "thinking": "encrypted_content"}]}).encode()),
    (MESSAGES, True, b"thinking"),
    (MESSAGES, True, b'{"messages": "thinking"}'),
    (MESSAGES, True, b'{"thinking": {"type": "enabled"}}'),
    (MESSAGES, True, b'{"messages": [' + b"[" * 10_000 + b'"thinking"'),
    (MESSAGES, True, b'["thinking"]'),
    (MESSAGES, True, b'{"messages": [1, null, "thinking", {"content": {"thinking": 1}}]}'),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "strips_all", "given_body"), UNCHANGED)
def test_a_body_without_any_of_it_is_none(dialect: str, strips_all: bool, given_body: bytes) -> None:
    assert repaired_body(dialect, given_body, strips_all=strips_all) is None


_words = st.sampled_from(["thinking", "redacted_thinking", "assistant", "tool_use", UNSIGNED, "enabled", "reasoning"])
_names = st.sampled_from(
    [
        "messages",
        "content",
        "type",
        "role",
        "signature",
        "thinking",
        "input",
        "encrypted_content",
        "context_management",
        "edits",
    ]
)
_values = st.recursive(
    st.one_of(st.none(), st.integers(), _words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=5)),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_names, _values, max_size=4), st.sampled_from([MESSAGES, RESPONSES]), st.booleans())
def test_nonsense_raises_nothing(members: dict[str, object], dialect: str, strips_all: bool) -> None:
    text = json.dumps(members).encode()
    for given_body in (text, text[:-1], text.replace(b'"', b"\xff", 1)):
        repaired = repaired_body(dialect, given_body, strips_all=strips_all)
        assert repaired is None or json.loads(repaired) != json.loads(given_body)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["user", "assistant"]),
            st.lists(st.sampled_from([OURS, THEIRS, SEALED, SAID, USE]), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_what_is_repaired_needs_no_repair(messages: list[tuple[str, list[object]]], strips_all: bool) -> None:
    once = repaired_body(MESSAGES, body(*messages, thinking=ENABLED), strips_all=strips_all)

    assert once is None or repaired_body(MESSAGES, once, strips_all=strips_all) is None
