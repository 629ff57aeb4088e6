"""The journal is the provider's truth: what was really generated, and billed, whatever the client saw."""

import hashlib
import json
from contextlib import suppress
from itertools import islice

import httpx

from tests.mock_llm.running_mock import ASK, KEY, KEYS, cases

CHAT = "/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": ASK}
RESPONSES = {"input": "Rivers?"}
MESSAGES = {"messages": ASK, "max_tokens": 1000}
CONTENT = {"contents": "Rivers?"}
PRO = "/gemini/v1beta/models/gemini-2.5-pro:generateContent"
FLASH = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
LOOP = {"input_tokens": 401_000, "web_searches": 2, "output_tokens": 3}

BILLS = [
    ("rounded up once, at the end", "/groq/openai/v1/chat/completions", {"model": "openai/gpt-oss-20b", "messages": ASK},
     {"input_tokens": 4, "cached_tokens": 3, "output_tokens": 0}, 75 + 113),
    ("flex", CHAT, {"model": "o4-mini", "messages": ASK, "service_tier": "flex"},
     {"input_tokens": 3, "cached_tokens": 1, "output_tokens": 0}, 2 * 550 + 138),
    ("reasoning", CHAT, {"model": "o4-mini", "messages": ASK},
     {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 20}, 10 * 1_100 + 25 * 4_400),
    ("a rejected prediction", CHAT, {"model": "gpt-4o", "messages": ASK, "prediction": {"content": "one 2 3"}},
     {"input_tokens": 10, "content": "one two"}, 10 * 2_500 + (2 + 2) * 10_000),
    ("audio", CHAT, {"model": "gpt-audio", "messages": ASK},
     {"input_tokens": 50, "audio_input_tokens": 40, "audio_output_tokens": 7, "output_tokens": 3},
     10 * 2_500 + 40 * 32_000 + 7 * 64_000 + 3 * 10_000),
    ("priority", CHAT, {**BODY, "service_tier": "priority"}, {"input_tokens": 10, "output_tokens": 1}, 10 * 250 + 1_000),
    ("a model nobody lists", CHAT, {**BODY, "model": "unpriced-thing"}, {"input_tokens": 10, "output_tokens": 1},
     10 * 5_000 + 15_000),
    ("every class of Anthropic's", "/anthropic/v1/messages", {"model": "claude-haiku-4-5", **MESSAGES},
     {"input_tokens": 1000, "cached_tokens": 300, "cache_write_5m_tokens": 200, "cache_write_1h_tokens": 100,
      "output_tokens": 12, "web_searches": 2},
     400 * 1_000 + 300 * 100 + 200 * 1_250 + 100 * 2_000 + 12 * 5_000 + 2 * 10_000_000),
    ("turns of a search loop, each below the long context", "/anthropic/v1/messages",
     {"model": "claude-sonnet-4-5", **MESSAGES}, LOOP, 401_000 * 3_000 + 3 * 15_000 + 2 * 10_000_000),
    ("counting tokens is free", "/anthropic/v1/messages/count_tokens", {"model": "claude-haiku-4-5", **MESSAGES}, {}, 0),
    ("on the border of the long context", PRO, CONTENT, {"input_tokens": 200_000, "output_tokens": 1},
     200_000 * 1_250 + 10_000),
    ("beyond it", PRO, CONTENT, {"input_tokens": 200_001, "output_tokens": 1}, 200_001 * 2_500 + 15_000),
    ("Gemini's thoughts", FLASH, CONTENT, {"input_tokens": 9, "output_tokens": 3, "reasoning_tokens": 93},
     9 * 300 + 96 * 2_500),
    ("a grounded prompt, however often it searched", FLASH, CONTENT,
     {"input_tokens": 0, "output_tokens": 0, "web_searches": 3}, 35_000_000),
    ("Gemini in OpenAI's style", "/gemini/v1beta/openai/chat/completions", {**BODY, "model": "gemini-2.5-flash"},
     {"input_tokens": 9, "output_tokens": 3, "reasoning_tokens": 93}, 9 * 300 + 96 * 2_500),
    ("xAI's reasoning and searches", "/xai/v1/responses", {"model": "grok-4", **RESPONSES},
     {"input_tokens": 9, "output_tokens": 3, "reasoning_tokens": 93, "web_searches": 1},
     9 * 1_250 + 96 * 2_500 + 5_000_000),
    ("a retired name of xAI's", "/xai/v1/chat/completions", {**BODY, "model": "grok-4-fast-reasoning"},
     {"input_tokens": 10, "output_tokens": 1}, 10 * 1_250 + 2_500),
    ("Groq's reasoning", "/groq/openai/v1/responses", {"model": "openai/gpt-oss-20b", **RESPONSES},
     {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 20}, 10 * 75 + 25 * 300),
    ("embeddings", "/openai/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"},
     {"input_tokens": 1_000}, 20_000),
]  # fmt: skip


@cases(("path", "body", "script", "billed_nanousd"), BILLS)
def test_the_bill_is_the_providers(mock, path, body, script, billed_nanousd):
    assert mock.post(path, body, **script).status_code == 200

    assert mock.entry()["billed_nanousd"] == billed_nanousd


LEAVING = [
    ("during a stream", {**BODY, "stream": True}, {"pace_ms": 10, "output_tokens": 9999}, range(1, 1_000)),
    ("during an unpaced stream", {**BODY, "stream": True}, {"pace_ms": 0, "output_tokens": 16_000}, range(1, 16_000)),
    ("during a slow token", {**BODY, "stream": True}, {"pace_ms": 600_000}, range(1)),
    ("before the first byte", BODY, {"first_byte_delay_ms": 600_000}, range(1)),
    ("during a whole answer", BODY, {"pace_ms": 10, "output_tokens": 9999}, range(1, 1_000)),
]


@cases(("body", "script", "generated"), LEAVING)
def test_a_client_that_leaves_is_billed_what_was_generated(mock, body, script, generated):
    headers = {**KEYS, **mock.headers(**script)}
    with (
        suppress(httpx.ReadTimeout),
        mock.http.stream("POST", mock.url + CHAT, json=body, headers=headers, timeout=0.3) as answer,
    ):
        list(islice(answer.iter_raw(), 4))

    entry = mock.entry()
    tokens = entry["generated_tokens"]
    assert entry["ended"] == "client_disconnected"
    assert tokens in generated and tokens == entry["disconnected_at_token"] == entry["usage"]["output_tokens"]
    assert entry["billed_nanousd"] == entry["usage"]["input_tokens"] * 150 + tokens * 600 > 0


def test_the_journal_has_the_request_as_it_came_but_not_the_key(mock):
    body = b'{ "model":"gpt-4o-mini",  "messages":[{"role":"user","content":"\xc3\xa9"}] }'
    headers = {"authorization": f"Bearer {KEY}", "x-odd-one": "1", **mock.headers()}
    mock.http.post(f"{mock.url}{CHAT}?a=1&b=%20", content=body, headers=headers)

    entry = mock.entry()

    assert (entry["path"], entry["query"]) == (CHAT, "a=1&b=%20")
    assert (entry["key_sha256"], entry["key_place"]) == (hashlib.sha256(KEY.encode()).hexdigest()[:12], "authorization")
    assert "x-odd-one" in entry["header_names"] and KEY not in json.dumps(entry)
    assert entry["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert mock.get(f"journal/{entry['id']}/body").content == body


def test_a_key_in_the_query_is_not_written_down(mock):
    mock.http.post(f"{mock.url}{FLASH}?key=AIza-secret", json=CONTENT, headers=mock.headers())

    entry = mock.entry()
    assert entry["key_place"] == "query"
    assert "AIza-secret" not in json.dumps(entry)


def test_the_journal_filters_and_its_summary_adds_up(mock):
    for script in ({"output_tokens": 3}, {"status": 503}):
        mock.post(CHAT, BODY, **script)
    mock.post("/groq/openai/v1/chat/completions", {**BODY, "model": "llama-3.1-8b-instant"})
    entries = mock.entries()

    summary = mock.get("journal/summary").json()

    totals = summary["totals"]
    assert (totals["calls"], totals["failed"], totals["running"]) == (3, 1, 0)
    assert totals["billed_nanousd"] == sum(one["billed_nanousd"] for one in entries)
    assert {one["provider"] for one in summary["models"]} == {"openai", "groq"}
    assert mock.entries(provider="groq", model="llama-3.1-8b-instant") == entries[2:]
    assert mock.entries(since=entries[-1]["at_ms"] + 1) == []
    assert "sinse" in mock.get("journal", sinse="1").json()["error"]
