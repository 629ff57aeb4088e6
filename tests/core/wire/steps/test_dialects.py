"""What each dialect writes in its own way: errors, tools of the provider's, results in parts, pictures, a stored past."""

import base64

import pytest

from core.wire.steps.steps import StepFacts, read_steps
from tests.core.wire.steps.test_steps import counts, facts
from tests.core.wire.steps.transcripts import KEY, an_id


def times(dialect: str, piece: list[dict], count: int = 3) -> StepFacts:
    """What a transcript tells that ends with so many times the same."""
    member = {"openai_responses": "input", "gemini": "contents"}.get(dialect, "messages")
    return facts({member: piece * count}, dialect)


def chat_step(result: object, **others: object) -> list[dict]:
    call = {"id": "c", "type": "function", "function": {"name": "sh", "arguments": '{"command":"make"}'}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": result, **others},
    ]


def responses_step(output: object, **others: object) -> list[dict]:
    return [
        {"type": "function_call", "call_id": "c", "name": "sh", "arguments": '{"command":"make"}'},
        {"type": "function_call_output", "call_id": "c", "output": output, **others},
    ]


def anthropic_step(content: object, **others: object) -> list[dict]:
    use = {"type": "tool_use", "id": "t", "name": "sh", "input": {"command": "make"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": content, **others}
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def gemini_step(response: object, **others: object) -> list[dict]:
    call = {"functionCall": {"name": "sh", "args": {"command": "make"}}}
    result = {"functionResponse": {"name": "sh", "response": response, **others}}
    return [{"role": "model", "parts": [call]}, {"role": "user", "parts": [result]}]


def a_custom_call(text: str) -> list[dict]:
    call = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": text}}
    return [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "Done."}]


def a_server_call(kind: str, server: str, query: str) -> list[dict]:
    call = {"type": kind, "id": "s", "name": "search", "server_name": server, "input": {"query": query}}
    [assistant, results] = anthropic_step("made")
    return [{**assistant, "content": [call, *assistant["content"]]}, results]


def a_gemini_tool_call(kind: str, args: dict) -> list[dict]:
    call = {"toolCall": {"id": "t", "toolType": kind, "args": args}}
    [model, user] = gemini_step({"output": "made"})
    return [{**model, "parts": [call, *model["parts"]]}, user]


FAILED = [
    ("openai_chat", chat_step('{"error":"no rule"}')),
    ("openai_chat", chat_step([{"type": "text", "text": '{"error":{"code":1}}'}])),
    ("openai_chat", chat_step('{"content":[],"isError":true}')),
    ("openai_chat", chat_step('{"is_error":true}')),
    ("openai_chat", chat_step('{"status":"failed"}')),
    ("openai_chat", chat_step('{"stdout":"","exit_code":2}')),
    ("openai_chat", chat_step('{"stdout":"","exitCode":2}')),
    ("openai_chat", chat_step('{"output":"","metadata":{"exit_code":1,"duration_seconds":0.1}}')),
    ("openai_chat", chat_step("no rule", is_error=True)),
    ("openai_responses", responses_step([{"stdout": "", "stderr": "", "outcome": {"type": "timeout"}}])),
    ("openai_responses", responses_step("Exit code: 2\nWall time: 0.1 seconds\nOutput:\nmake: no rule")),
    ("openai_responses", responses_step("x", status="incomplete")),
    ("openai_responses", responses_step([{"type": "input_text", "text": '{"error":"x"}'}])),
    ("openai_responses", [{"type": "mcp_call", "name": "f", "arguments": "{}", "error": "away"}]),
    ("openai_responses", [{"type": "mcp_call", "name": "f", "arguments": "{}", "status": "failed"}]),
    (
        "openai_responses",
        [
            {"type": "shell_call", "call_id": "c", "action": {"commands": ["make"]}},
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [{"stdout": "", "stderr": "no", "outcome": {"type": "exit", "exit_code": 2}}],
            },
        ],
    ),
    ("anthropic_messages", anthropic_step("no rule", is_error=True)),
    ("anthropic_messages", anthropic_step([{"type": "text", "text": '{"error":"no rule"}'}])),
    ("gemini", gemini_step({"error": "no rule"})),
    ("gemini", gemini_step({"output": '{"error":"no rule"}'})),
]


@pytest.mark.parametrize(("dialect", "step"), FAILED)
def test_a_clear_mark_of_an_error_is_one(dialect: str, step: list[dict]) -> None:
    assert times(dialect, step, 1).failed_steps == 1


SOUND = [
    ("openai_chat", chat_step("Error: 0 errors found")),
    ("openai_chat", chat_step('{"error":null,"rows":[]}')),
    ("openai_chat", chat_step('{"error":"","status":"incomplete"}')),
    ("openai_chat", chat_step('{"exit_code":0,"metadata":{"exit_code":0}}')),
    ("openai_chat", chat_step('{"exit_code":true}')),
    ("openai_chat", chat_step('["error"]')),
    ("openai_chat", chat_step(None)),
    ("openai_responses", responses_step("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nerror")),
    ("openai_responses", responses_step("see Exit code: 2\nWall time: 1")),
    ("openai_responses", responses_step("x", status="completed")),
    ("anthropic_messages", anthropic_step("no rule", is_error=False)),
    ("anthropic_messages", anthropic_step("no rule")),
    ("gemini", gemini_step({"output": "error"})),
]


@pytest.mark.parametrize(("dialect", "step"), SOUND)
def test_words_that_sound_like_one_are_no_mark_of_an_error(dialect: str, step: list[dict]) -> None:
    assert counts(times(dialect, step, 1)) == (1, 0)


ALIKE = {
    "chat: a text, and a part with a cache mark": (
        "openai_chat",
        chat_step("made"),
        chat_step([{"type": "text", "text": "made", "cache_control": {"type": "ephemeral"}}]),
    ),
    "messages: a text, and a block with a cache mark": (
        "anthropic_messages",
        anthropic_step("made"),
        anthropic_step([{"type": "text", "text": "made", "cache_control": {"type": "ephemeral"}}]),
    ),
    "messages: a result with a cache mark": (
        "anthropic_messages",
        anthropic_step("made"),
        anthropic_step("made", cache_control={"type": "ephemeral", "ttl": "1h"}),
    ),
    "messages: a reminder within a result": (
        "anthropic_messages",
        anthropic_step("made"),
        anthropic_step("made<system-reminder>\nMind the to-do list.\n</system-reminder>"),
    ),
    "responses: how long it took": (
        "openai_responses",
        responses_step("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nmade"),
        responses_step("Exit code: 0\nWall time: 0.2 seconds\nOutput:\nmade"),
    ),
    "responses: how long it took, as JSON": (
        "openai_responses",
        responses_step('{"output":"made","metadata":{"exit_code":0,"duration_seconds":0.1}}'),
        responses_step('{"metadata":{"duration_seconds":3.2,"exit_code":0},"output":"made"}'),
    ),
    "responses: a state": (
        "openai_responses",
        responses_step("made"),
        responses_step("made", status="completed", id="fco_1", caller={"type": "direct"}),
    ),
    "gemini: which process it was": (
        "gemini",
        gemini_step({"output": "made\nProcess Group PGID: 4500"}),
        gemini_step({"output": "made\nProcess Group PGID: 4677"}),
    ),
    "gemini: an id": ("gemini", gemini_step({"output": "made"}), gemini_step({"output": "made"}, id="f")),
    "chat: arguments that are no JSON": ("openai_chat", chat_step("made"), chat_step("made")),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_means_nothing_makes_no_other_step(name: str) -> None:
    dialect, one, other = ALIKE[name]

    assert times(dialect, one + other, 2).repeated_steps == 4


UNLIKE = {
    "a state in the data": ("openai_chat", chat_step('{"status":"queued"}'), chat_step('{"status":"running"}')),
    "a moment in the data": ("openai_chat", chat_step('{"updated_at":1}'), chat_step('{"updated_at":2}')),
    "an id in the data": ("openai_chat", chat_step('{"id":"a"}'), chat_step('{"id":"b"}')),
    "an error in other words": ("anthropic_messages", *(anthropic_step(word, is_error=True) for word in ("2", "3"))),
    "a custom tool's input": ("openai_chat", *(a_custom_call(text) for text in ("one", "two"))),
    "a search of the provider's": (
        "anthropic_messages",
        *(a_server_call("server_tool_use", "s", text) for text in "ab"),
    ),
    "a server of tools": ("anthropic_messages", *(a_server_call("mcp_tool_use", name, "a") for name in ("s", "t"))),
    "a tool of Gemini's": ("gemini", *(a_gemini_tool_call("SEARCH", {"query": text}) for text in ("one", "two"))),
    "another tool of Gemini's": ("gemini", *(a_gemini_tool_call(kind, {}) for kind in ("SEARCH", "MAPS"))),
    "a member beside the text": (
        "gemini",
        gemini_step({"text": "made", "count": 1}),
        gemini_step({"text": "made", "count": 2}),
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_what_may_be_progress_makes_another_step(name: str) -> None:
    dialect, one, other = UNLIKE[name]

    assert times(dialect, one + other, 1).repeated_steps == 1


def test_results_count_in_the_order_of_their_calls() -> None:
    def step(first: str, second: str) -> list[dict]:
        calls = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for id_, name in (("a", "f"), ("b", "g"))
        ]
        results = [{"role": "tool", "tool_call_id": id_, "content": f"of {id_}"} for id_ in (first, second)]
        return [{"role": "assistant", "tool_calls": calls}, *results]

    assert times("openai_chat", step("a", "b") + step("b", "a"), 1).repeated_steps == 2


RESPONSES_ITEMS = {
    "custom_tool_call": [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "Done."},
    ],
    "local_shell_call": [
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "local_shell_call_output", "id": "c", "output": "a b"},
    ],
    "apply_patch_call": [
        {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}},
        {"type": "apply_patch_call_output", "call_id": "c", "status": "completed", "output": ""},
    ],
    "computer_call": [
        {"type": "computer_call", "call_id": "c", "action": {"type": "click", "x": 1, "y": 2, "button": "left"}},
        {
            "type": "computer_call_output",
            "call_id": "c",
            "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"},
        },
    ],
    "mcp_call": [{"type": "mcp_call", "server_label": "s", "name": "f", "arguments": '{"a":1}', "output": "x"}],
    "web_search_call": [
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "weather"}},
        {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "d", "output": "x"},
    ],
    "program": [
        {"type": "program", "call_id": "p", "code": "f()", "fingerprint": "x"},
        {"type": "program_output", "call_id": "p", "result": "7", "status": "completed"},
    ],
}


@pytest.mark.parametrize("name", [name for name in RESPONSES_ITEMS if name != "mcp_call"])
def test_every_kind_of_call_is_a_step(name: str) -> None:
    piece = RESPONSES_ITEMS[name]
    items = [{**item, "id": an_id("item")} for item in piece * 3]

    assert facts({"input": items}, "openai_responses").repeated_steps == 3


@pytest.mark.parametrize("name", RESPONSES_ITEMS)
def test_what_a_call_says_and_what_came_of_it_are_told_apart(name: str) -> None:
    piece = RESPONSES_ITEMS[name]
    told = facts({"input": piece}, "openai_responses").step

    for place, item in enumerate(piece):
        for member, value in item.items():
            if member in ("type", "call_id", "id", "status", "fingerprint"):
                continue
            other = [*piece[:place], {**item, member: "another" if value != "another" else "b"}, *piece[place + 1 :]]
            assert facts({"input": other}, "openai_responses").step != told, member


def test_of_a_past_that_is_stored_the_results_alone_tell_a_step() -> None:
    def told(output: str) -> StepFacts:
        item = {"type": "function_call_output", "call_id": an_id("call"), "output": output}
        return facts({"previous_response_id": an_id("resp"), "input": [item]}, "openai_responses")

    assert told("grep: nothing\n" * 20) == told("grep: nothing\n" * 20)
    assert told("grep: nothing\n" * 20).repeated_steps == 1
    assert told("grep: nothing\n" * 200).repeated_steps == 1
    assert told("grep: nothing\n" * 20_000).repeated_steps == 1
    assert told("grep: nothing\n" * 20).step != told("grep: something\n" * 20).step


def test_of_a_past_that_is_stored_a_short_result_tells_nothing() -> None:
    done = {"type": "function_call_output", "call_id": "c", "output": "Done."}
    failed = {"type": "function_call_output", "call_id": "c", "output": '{"error":"no"}'}

    assert facts({"previous_response_id": "r", "input": [done]}, "openai_responses").step is None
    assert counts(facts({"previous_response_id": "r", "input": [failed]}, "openai_responses")) == (1, 1)


@pytest.mark.parametrize("request_", [{"input": "Go on."}, {"input": [{"role": "user", "content": "Go on."}]}, {}])
def test_of_a_past_that_is_stored_a_person_s_word_tells_no_step(request_: dict) -> None:
    assert facts({"previous_response_id": "r", **request_}, "openai_responses").step is None


def test_anthropic_s_own_tools_belong_to_the_turn_that_calls_them() -> None:
    search = [
        {"type": "server_tool_use", "id": an_id("srv"), "name": "web_search", "input": {"query": "weather"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srv",
            "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "zzz"}],
        },
    ]
    [assistant, results] = anthropic_step("made")
    turn = [{**assistant, "content": [*search, *assistant["content"]]}, results]
    failed = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    failing = [{"role": "assistant", "content": [search[0], {**search[1], "content": failed}]}]

    assert times("anthropic_messages", turn).repeated_steps == 3
    assert times("anthropic_messages", failing, 1).failed_steps == 1


def test_gemini_s_own_code_is_a_call() -> None:
    def turn(outcome: str | int) -> list[dict]:
        parts = [
            {"executableCode": {"language": "PYTHON", "code": "1/0"}},
            {"codeExecutionResult": {"outcome": outcome, "output": "?"}},
        ]
        return [{"role": "model", "parts": parts}]

    for failed, went_well in (("OUTCOME_FAILED", "OUTCOME_OK"), (2, 1)):
        assert times("gemini", turn(failed), 1).failed_steps == 1
        assert counts(times("gemini", turn(went_well), 1)) == (1, 0)


PICTURE = base64.b64encode(bytes(range(256)) * 300).decode()
OTHER_PICTURE = PICTURE[:-8] + "AAAAAAA="

SHOWN = {
    "messages: in a result": (
        "anthropic_messages",
        lambda data: anthropic_step(
            [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]
        ),
    ),
    "chat: behind a result": (
        "openai_chat",
        lambda data: [
            *chat_step("taken"),
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]},
        ],
    ),
    "responses: in a result": (
        "openai_responses",
        lambda data: responses_step([{"type": "input_image", "image_url": f"data:image/png;base64,{data}"}]),
    ),
    "gemini: in a result": (
        "gemini",
        lambda data: gemini_step({"output": "taken"}, parts=[{"inlineData": {"mimeType": "image/png", "data": data}}]),
    ),
    "gemini: beside a result": (
        "gemini",
        lambda data: [
            *gemini_step({}),
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": data}}]},
        ],
    ),
}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("length", [400, len(PICTURE)], ids=["short", "long"])
def test_a_picture_that_has_changed_is_progress(name: str, length: int) -> None:
    dialect, step = SHOWN[name]

    assert times(dialect, step(PICTURE[-length:])).repeated_steps == 3
    assert times(dialect, step(PICTURE[-length:]) + step(OTHER_PICTURE[-length:]), 1).repeated_steps == 1


VOICES = [
    (
        "openai_chat",
        chat_step("x"),
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA"}}]},
    ),
    ("gemini", gemini_step({}), {"role": "user", "parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]}),
]


@pytest.mark.parametrize(("dialect", "step", "voice"), VOICES)
def test_a_person_may_speak_in_sound(dialect: str, step: list[dict], voice: dict) -> None:
    assert times(dialect, [*step, voice], 1).step is None


def test_a_text_beside_results_is_a_person_s() -> None:
    [assistant, user] = anthropic_step("made")
    text = {"type": "text", "text": "Stop that."}
    aside = {"type": "text", "text": "<system-reminder>Mind the list.</system-reminder>"}
    before, after = (
        [assistant, {**user, "content": content}] for content in ([text, *user["content"]], [*user["content"], text])
    )
    with_aside = [assistant, {**user, "content": [*user["content"], aside]}]

    assert times("anthropic_messages", before, 1).step is None
    assert times("anthropic_messages", after, 1).step is None
    assert times("anthropic_messages", with_aside).repeated_steps == 3


def test_a_picture_of_a_person_s_is_no_step() -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}

    assert read_steps(b'{"messages":[]}', "openai_chat", key=KEY).step is None
    assert times("openai_chat", [{"role": "user", "content": "Look"}, picture], 1).step is None
    assert times("openai_chat", [picture], 1).step is None


def test_what_stands_between_two_messages_of_one_turn_parts_no_step() -> None:
    aside = {"role": "user", "content": "<system-reminder>Mind the list.</system-reminder>"}
    [first, _], [second, result] = a_custom_call("one"), a_custom_call("two")

    assert times("openai_chat", [first, aside, second, result], 1) == times("openai_chat", [first, second, result], 1)
    assert times("openai_chat", [first, aside, second, result]).repeated_steps == 3


def test_gemini_takes_a_single_message_for_a_list_of_one() -> None:
    [_, user] = gemini_step({"error": "no rule"})

    assert facts({"contents": user}, "gemini").failed_steps == 1
