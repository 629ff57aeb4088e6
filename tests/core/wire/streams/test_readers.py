"""What each event of each dialect is read as: text, reasoning, media, usage, the end."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.money.usage import Usage
from core.wire.dialects import DIALECTS
from core.wire.sse import SSEEvent
from core.wire.streams import Observation, open_reader
from core.wire.streams.observation import TOOL_CALL_TOKENS, StreamReader
from tests.core.wire.streams.builders import CASE_IDS, CASES, GOLDEN, a_reader


def an_event(document: object) -> SSEEvent:
    data = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return SSEEvent(b"data: " + data + b"\n\n", data)


def observed(dialect: str, document: object) -> Observation:
    return a_reader(dialect).observe(an_event(document))


def read(case: Path) -> tuple[StreamReader, list[Observation]]:
    reader = a_reader(case.parent.name)

    def events() -> Iterator[SSEEvent]:
        yield from reader.splitter.feed((case / "upstream.sse").read_bytes())
        rest = reader.splitter.close()
        if rest is not None:
            yield rest

    return reader, [reader.observe(event) for event in events()]


def a_chunk(delta: dict[str, object]) -> dict[str, object]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def a_part(part: dict[str, object]) -> dict[str, object]:
    return {"candidates": [{"content": {"parts": [part]}, "index": 0}]}


def a_block(delta: dict[str, object]) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


AUDIO = "AAAA" * 100

EVENTS: dict[str, tuple[str, object, Observation]] = {
    "content": ("openai_chat", a_chunk({"content": "Hi"}), Observation(text="Hi")),
    "refusal": ("openai_chat", a_chunk({"refusal": "No"}), Observation(text="No")),
    "reasoning of DeepSeek and xAI": (
        "openai_chat",
        a_chunk({"reasoning_content": "Hm"}),
        Observation(reasoning="Hm"),
    ),
    "reasoning of Groq": ("openai_chat", a_chunk({"reasoning": "Hm"}), Observation(reasoning="Hm")),
    "tool call opens": (
        "openai_chat",
        a_chunk({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "get", "arguments": ""}}]}),
        Observation(text="get", extra_tokens=TOOL_CALL_TOKENS),
    ),
    "tool call arguments": (
        "openai_chat",
        a_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a'}}]}),
        Observation(text='{"a'),
    ),
    "custom tool input": (
        "openai_chat",
        a_chunk({"tool_calls": [{"index": 0, "type": "custom", "custom": {"name": "sh", "input": "ls"}}]}),
        Observation(text="shls", extra_tokens=TOOL_CALL_TOKENS),
    ),
    "function call of old": (
        "openai_chat",
        a_chunk({"function_call": {"arguments": "{}"}}),
        Observation(text="{}"),
    ),
    "audio": (
        "openai_chat",
        a_chunk({"audio": {"id": "a", "data": AUDIO, "transcript": "Hello"}}),
        Observation(text="Hello", audio_bytes=300),
    ),
    "role alone": ("openai_chat", a_chunk({"role": "assistant", "content": ""}), Observation()),
    "legacy text": (
        "openai_completions",
        {"choices": [{"text": "Once", "index": 0, "finish_reason": None}]},
        Observation(text="Once"),
    ),
    "Responses text": (
        "openai_responses",
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"},
        Observation(text="Hi"),
    ),
    "Responses reasoning": (
        "openai_responses",
        {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "Hm"},
        Observation(reasoning="Hm"),
    ),
    "Responses summary": (
        "openai_responses",
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm"},
        Observation(reasoning="Hm"),
    ),
    "Responses arguments": (
        "openai_responses",
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"},
        Observation(text="{}"),
    ),
    "Responses code": (
        "openai_responses",
        {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "delta": "1+1"},
        Observation(text="1+1"),
    ),
    "Responses transcript": (
        "openai_responses",
        {"type": "response.audio.transcript.delta", "delta": "Hello"},
        Observation(text="Hello"),
    ),
    "Responses audio": (
        "openai_responses",
        {"type": "response.audio.delta", "delta": AUDIO},
        Observation(audio_bytes=300),
    ),
    "Responses delta of a kind unknown": (
        "openai_responses",
        {"type": "response.poetry.delta", "delta": "Rose"},
        Observation(text="Rose"),
    ),
    "Responses output of a shell": (
        "openai_responses",
        {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "total 0"}},
        Observation(),
    ),
    "Responses whole text again": (
        "openai_responses",
        {"type": "response.output_text.done", "output_index": 0, "text": "Hi there"},
        Observation(),
    ),
    "Anthropic text": (
        "anthropic_messages",
        a_block({"type": "text_delta", "text": "Hi"}),
        Observation(text="Hi"),
    ),
    "Anthropic thinking": (
        "anthropic_messages",
        a_block({"type": "thinking_delta", "thinking": "Hm"}),
        Observation(reasoning="Hm"),
    ),
    "Anthropic tool input": (
        "anthropic_messages",
        a_block({"type": "input_json_delta", "partial_json": "{}"}),
        Observation(text="{}"),
    ),
    "Anthropic signature": (
        "anthropic_messages",
        a_block({"type": "signature_delta", "signature": "EqQB"}),
        Observation(),
    ),
    "Anthropic citation": (
        "anthropic_messages",
        a_block({"type": "citations_delta", "citation": {"cited_text": "c"}}),
        Observation(),
    ),
    "Anthropic tool opens": (
        "anthropic_messages",
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "get", "input": {}}},
        Observation(text="get", extra_tokens=TOOL_CALL_TOKENS),
    ),
    "Anthropic thinking that was encrypted": (
        "anthropic_messages",
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "Em8"}},
        Observation(reasoning="Em8"),
    ),
    "Anthropic ping": ("anthropic_messages", {"type": "ping"}, Observation()),
    "Gemini text": ("gemini", a_part({"text": "Hi"}), Observation(text="Hi")),
    "Gemini thought": ("gemini", a_part({"text": "Hm", "thought": True}), Observation(reasoning="Hm")),
    "Gemini call": (
        "gemini",
        a_part({"functionCall": {"name": "get", "args": {"a": 1}}}),
        Observation(text='get{"a":1}', extra_tokens=TOOL_CALL_TOKENS),
    ),
    "Gemini code's result": (
        "gemini",
        a_part({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}),
        Observation(text="2"),
    ),
    "Gemini code": ("gemini", a_part({"executableCode": {"language": "PYTHON", "code": "1"}}), Observation(text="1")),
    "Gemini image": (
        "gemini",
        a_part({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        Observation(images=1),
    ),
    "Gemini speech": (
        "gemini",
        a_part({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": AUDIO}}),
        Observation(audio_bytes=300),
    ),
}


@pytest.mark.parametrize(("dialect", "document", "expected"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_read_as_what_was_generated(dialect: str, document: object, expected: Observation) -> None:
    assert observed(dialect, document) == expected


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
@pytest.mark.parametrize("data", [b"not json", b"[1]", b'{"type":7,"choices":"many","candidates":1}', b'"\xff"'])
def test_what_cannot_be_read_counts_as_output_from_end_to_end(dialect: str, data: bytes) -> None:
    assert observed(dialect, data).text == data.decode("utf-8", "replace")


def test_an_event_that_broke_off_counts_the_value_it_broke_off_in() -> None:
    data = b'{"id":"chatcmpl-1","choices":[{"delta":{"content":"half a wo'

    seen = a_reader().observe(SSEEvent(b"data: " + data, data, is_terminated=False))

    assert seen == Observation(text="half a wo")


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_only_a_truncated_stream_reads_as_not_ended(case: Path) -> None:
    reader, _ = read(case)

    assert reader.is_ended is (case.name != "truncated")


@pytest.mark.parametrize("case", [case for case in CASES if case.parent.name != "gemini"], ids=lambda case: case.name)
def test_a_final_count_comes_once_at_most(case: Path) -> None:
    _, observations = read(case)

    assert sum(seen.is_final_usage for seen in observations) <= 1


def test_the_usage_chunk_is_told_from_a_last_chunk_that_carries_usage() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}

    assert not observed("openai_chat", finish).is_usage_only
    assert observed("openai_chat", {"choices": [], "usage": usage}).is_usage_only
    assert not observed("openai_chat", {"choices": [], "prompt_filter_results": []}).is_usage_only


def test_a_count_of_zero_is_a_count() -> None:
    zero = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}

    assert observed("openai_chat", zero).usage == Usage()
    assert observed("openai_chat", {"choices": [], "usage": None}).usage is None


def test_usage_beside_an_unfinished_choice_is_not_final() -> None:
    reader = a_reader()
    usage = {"prompt_tokens": 5, "completion_tokens": 9}

    reader.observe(an_event({"choices": [{"index": 1, "delta": {"content": "a"}}]}))
    seen = reader.observe(an_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}))

    assert (seen.usage, seen.is_final_usage) == (Usage(input_tokens=5, output_tokens=9), False)


def test_anthropic_totals_replace_field_by_field() -> None:
    _, observations = read(GOLDEN / "anthropic_messages" / "text")

    counts = [seen.usage for seen in observations if seen.usage is not None]

    prompt = {
        "input_tokens": 12,
        "cached_input_tokens": 4096,
        "cache_write_5m_tokens": 300,
        "cache_write_1h_tokens": 500,
    }
    assert counts == [Usage(**prompt, output_tokens=2), Usage(**prompt, output_tokens=31)]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("openai_chat/provider_error", "server_error"),
        ("openai_responses/failed", "server_error"),
        ("anthropic_messages/overloaded", "overloaded_error"),
        ("gemini/provider_error", "UNAVAILABLE"),
    ],
)
def test_a_providers_own_error_in_the_stream_is_named(case: str, code: str) -> None:
    reader, _ = read(GOLDEN / case)

    assert reader.error_code == code


def a_search(action: dict[str, object] | None) -> dict[str, object]:
    item = {"type": "web_search_call", "id": "ws_1", "action": action}
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


@pytest.mark.parametrize(
    ("action", "searches"), [({"type": "search"}, 1), (None, 1), ({"type": "open_page"}, 0), ({"type": "find"}, 0)]
)
def test_looking_at_a_page_that_was_found_is_not_a_search(action: dict[str, object] | None, searches: int) -> None:
    assert observed("openai_responses", a_search(action)).web_search_calls == searches


def test_a_chat_that_cites_what_it_found_has_searched_once() -> None:
    reader = a_reader()
    cited = a_chunk({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://example.com"}}]})

    assert [reader.observe(an_event(cited)).web_search_calls for _ in range(2)] == [1, 0]


def test_a_model_made_to_search_has_searched_without_saying_so() -> None:
    reader = a_reader()
    chunk = {**a_chunk({"content": "Hi"}), "model": "gpt-4o-search-preview"}

    assert [reader.observe(an_event(chunk)).web_search_calls for _ in range(2)] == [1, 0]


def test_gemini_s_queries_count_once_each_and_empty_ones_not_at_all() -> None:
    reader = a_reader("gemini")
    told = [["budget"], ["budget", "caps "], ["caps", "", "budget"]]
    events = [{"candidates": [{"groundingMetadata": {"webSearchQueries": queries}}]} for queries in told]

    assert [reader.observe(an_event(event)).web_search_calls for event in events] == [1, 1, 0]


def test_gemini_says_in_its_usage_which_tier_it_served() -> None:
    reader = a_reader("gemini")

    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "trafficType": "ON_DEMAND_PRIORITY"}
    reader.observe(an_event({"usageMetadata": usage}))

    assert reader.service_tier == "priority"


def test_anthropic_says_in_its_usage_how_fast_it_served() -> None:
    reader = a_reader("anthropic_messages")
    usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard", "speed": "fast"}
    reader.observe(an_event({"type": "message_start", "message": {"usage": usage}}))
    fast = reader.service_tier

    reader.observe(an_event({"type": "message_delta", "usage": {"output_tokens": 5, "speed": "standard"}}))

    assert (fast, reader.service_tier) == ("fast", "standard")


def test_audio_of_every_choice_counts() -> None:
    spoken = {"delta": {"audio": {"data": AUDIO}}, "finish_reason": None}
    chunk = {"id": "c", "choices": [{"index": 0, **spoken}, {"index": 1, **spoken}]}

    assert observed("openai_chat", chunk).audio_bytes == 2 * 300


def test_embeddings_have_no_streams() -> None:
    with pytest.raises(AssertionError):
        open_reader(DIALECTS["openai_embeddings"])
