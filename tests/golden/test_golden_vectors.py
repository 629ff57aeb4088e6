"""What the SDKs are held to, as the core has it: usage and what it costs, refusals in every shape, budget checks, reports.

`vectors/*.json` is written from here (`--rewrite-golden`), so the core is what decides, and the SDKs' tests read it.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.sdk.reports import INPUT_PARTS, OUTPUT_PARTS, Report, usage_of
from core.money import price_book, pricing
from core.money.usage import Usage
from core.refusals import AnswerCut, Refusal
from core.wire.dialects import DIALECTS
from core.wire.json_text import InvalidJSON, read_json
from core.wire.sse import SSEParser
from tests.core.wire.dialects.refusal_samples import REQUEST_ID, SAMPLES
from tests.core.wire.streams.builders import a_meter
from tests.scenarios.test_report_batches import POISON
from tests.scenarios.test_reports import REPORT, TOO_LARGE
from tests.support.api_client import Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import START_MS, TOKEN

FOLDER = Path(__file__).resolve().parents[2] / "vectors"
SHAPES = ("openai_chat", "openai_responses", "anthropic_messages")

USAGES: list[tuple[str, str, str, str, Any]] = [
    ("chat", "openai", "gpt-4o-mini", "openai_chat", {"prompt_tokens": 1_000, "completion_tokens": 200}),
    ("chat with cached input and reasoning", "openai", "o4-mini", "openai_chat",
     {"prompt_tokens": 1_000, "completion_tokens": 500, "total_tokens": 1_500,
      "prompt_tokens_details": {"cached_tokens": 600}, "completion_tokens_details": {"reasoning_tokens": 320}}),
    ("chat with sound", "openai", "gpt-4o-audio-preview", "openai_chat",
     {"prompt_tokens": 300, "completion_tokens": 120, "prompt_tokens_details": {"audio_tokens": 250},
      "completion_tokens_details": {"audio_tokens": 100}}),
    ("chat of a provider that keeps thought apart", "xai", "grok-3-mini", "openai_chat",
     {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45,
      "completion_tokens_details": {"reasoning_tokens": 30}}),
    ("details of nothing", "openai", "gpt-4o-mini", "openai_chat",
     {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None, "completion_tokens_details": {}}),
    ("zero is a count", "openai", "gpt-4o-mini", "openai_chat", {"prompt_tokens": 0, "completion_tokens": 0}),
    ("more cached than sent", "openai", "gpt-4o-mini", "openai_chat",
     {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}),
    ("responses", "openai", "gpt-5", "openai_responses",
     {"input_tokens": 1_000, "output_tokens": 700, "total_tokens": 1_700,
      "input_tokens_details": {"cached_tokens": 400}, "output_tokens_details": {"reasoning_tokens": 300}}),
    ("embeddings", "openai", "text-embedding-3-small", "openai_embeddings", {"prompt_tokens": 8, "total_tokens": 8}),
    ("completions", "openai", "gpt-3.5-turbo-instruct", "openai_completions",
     {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}),
    ("messages", "anthropic", "claude-sonnet-4-5", "anthropic_messages", {"input_tokens": 1_000, "output_tokens": 200}),
    ("messages: cached input is not in input_tokens", "anthropic", "claude-sonnet-4-5", "anthropic_messages",
     {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 3_000, "cache_read_input_tokens": 7_000}),
    ("messages: caches of two lifetimes", "anthropic", "claude-sonnet-4-5", "anthropic_messages",
     {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 3_000, "cache_read_input_tokens": 70,
      "cache_creation": {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 1_000}}),
    ("messages with nulls", "anthropic", "claude-haiku-4-5", "anthropic_messages",
     {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": None, "cache_read_input_tokens": None}),
    ("messages with searches", "anthropic", "claude-sonnet-4-5", "anthropic_messages",
     {"input_tokens": 10, "output_tokens": 5, "server_tool_use": {"web_search_requests": 2}}),
    ("no counts", "openai", "gpt-4o-mini", "openai_chat", {}),
]  # fmt: skip
"""Names, whose model, the dialect, and a usage object in its provider's own words."""


def check(name: str, cases: list[Any], request: pytest.FixtureRequest) -> None:
    actual = json.dumps({"cases": cases}, indent=1, ensure_ascii=True) + "\n"
    path = FOLDER / name
    if request.config.getoption("--rewrite-golden", default=False):
        path.write_text(actual)
    assert actual == path.read_text()


def test_usage_is_read_and_priced_as_the_vectors_say(request: pytest.FixtureRequest) -> None:
    check("prices.json", [priced(*case) for case in USAGES], request)


def priced(name: str, provider: str, model: str, dialect: str, usage: Any) -> Any:
    """A usage object, the counts of a report that say the same, and what they cost in nano-dollars."""
    said = DIALECTS[dialect].read_usage(msgspec.Raw(json.dumps(usage).encode()))
    case = {"id": name, "provider": provider, "model": model, "dialect": dialect, "usage": usage}
    if said is None:
        return {**case, "report": None, "cost_nanousd": None}
    counts = counts_of(said)
    price = price_book.find_reported(provider, model, at_ms=START_MS)
    reported = usage_of(a_report(model=model, **counts), price)
    cost_nanousd = pricing.cost_nanousd(reported, price)
    assert cost_nanousd == pricing.cost_nanousd(said, price), name
    return {**case, "report": counts, "cost_nanousd": cost_nanousd}


def counts_of(usage: Usage) -> dict[str, int]:
    parts = {name: getattr(usage, name) for name in (*INPUT_PARTS, *OUTPUT_PARTS, "web_search_calls")}
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        **{name: count for name, count in parts.items() if count},
    }


def a_report(**counts: Any) -> Report:
    return read_json(json.dumps({"latency_ms": 1, **counts}).encode(), Report)


def test_refusals_say_what_the_vectors_say(request: pytest.FixtureRequest) -> None:
    cases = [case for refusal in SAMPLES for case in told(refusal)]
    check("refusals.json", [*cases, *told(CUT_BY_AN_OUTAGE, "answer_cut by an outage")], request)


CUT_BY_AN_OUTAGE = AnswerCut(
    "the answer was cut after 120 tokens of output and $0.0012, which is charged: more money could not be held for it "
    "just now",
    details={"cause": "budget_unavailable", "charged_usd": "0.0012", "output_tokens": 120},
)


def told(refusal: Refusal, words: str | None = None) -> list[Any]:
    """A refusal as the body of an answer, and in a stream as the event on which clients raise."""
    is_stop = refusal.status == 402 and refusal.is_for_good
    numbers = {
        "is_budget_stop": is_stop,
        "spent_usd": float(refusal.details.get("spent_usd") or 0) if is_stop else None,
        "limit_usd": float(refusal.details.get("limit_usd") or 0) if is_stop else None,
    }
    cases = []
    for shape in SHAPES:
        body = json.loads(DIALECTS[shape].render_refusal(refusal, REQUEST_ID))
        name = f"{words or refusal.code} {shape}"
        cases.append({"id": f"{name} body", "status": refusal.status, "document": body, **numbers})
        cut = a_meter(shape).render_cut(refusal, REQUEST_ID, is_soft=False)
        parser = SSEParser()
        events = [event.data for event in parser.feed(cut)]
        document = json.loads([data for data in events if data not in (None, b"[DONE]")][-1])
        cases.append({"id": f"{name} event", "status": None, "document": document, **numbers})
    return cases


CHECKS: list[tuple[str, int, Any, bool | None, float, float]] = [
    ("goes on", 200, {"exceeded": False, "spent_usd": 1.5, "limit_usd": 5.0}, False, 1.5, 5.0),
    ("without a limit", 200, {"exceeded": False, "spent_usd": 1.5, "limit_usd": None}, False, 1.5, 0.0),
    ("spent", 200, {"exceeded": True, "spent_usd": 5.0, "limit_usd": 5.0}, True, 5.0, 5.0),
    ("paused", 200, {"exceeded": True, "spent_usd": 0.0, "limit_usd": None, "paused": True}, True, 0.0, 0.0),
    ("more members than are known", 200,
     {"exceeded": False, "spent_usd": 0, "limit_usd": 1, "weather": "fine"}, False, 0.0, 1.0),
    ("not an object", 200, [], None, 0.0, 0.0),
    ("an object of something else", 200, {"ok": True}, None, 0.0, 0.0),
    ("a refused token", 401, {"error": {"code": "invalid_token"}}, None, 0.0, 0.0),
    ("away", 503, {"error": {"code": "budget_unavailable"}}, None, 0.0, 0.0),
]  # fmt: skip
"""What a budget check is answered, and whether that stops the session: null where nobody has said so."""


def test_budget_checks_are_answered_as_the_vectors_say(request: pytest.FixtureRequest) -> None:
    cases = [
        {
            "id": name,
            "status": status,
            "document": document,
            "exceeded": exceeded,
            "spent_usd": spent,
            "limit_usd": limit,
        }
        for name, status, document, exceeded, spent, limit in CHECKS
    ]

    check("budget_checks.json", cases, request)


def test_an_edge_s_own_budget_check_is_one_of_a_vector_s_shape() -> None:
    client = Client(a_world_with_administrators(), an_isolate(), TOKEN)

    said = client.read("/v1/budget-check?session_id=s&limit_usd=1")

    assert {"exceeded", "spent_usd", "limit_usd", "paused"} <= said.keys()
    assert (said["exceeded"], said["limit_usd"]) == (False, 1.0)


REPORTS: list[tuple[Any, str | None]] = [
    ({}, None),
    ({"provider": "OpenAI", "session_id": "run-1", "iteration_index": 3, "identified_risks": ["PII_EMAIL"],
      "project": "p", "agent": "a", "team": "t", "event_id": "evt_1"}, None),
    ({"outcome": "client_disconnected", "status": 200, "attempts": 2, "is_estimated": True, "is_streaming": True,
      "ttfb_ms": 12.5, "error_code": "left", "dialect": "openai_chat", "started_at_ms": START_MS}, None),
    ({"something_new": True}, None),
    *TOO_LARGE,
    *POISON,
]  # fmt: skip


def test_reports_are_taken_as_the_vectors_say(request: pytest.FixtureRequest) -> None:
    check("reports.json", [taken({**REPORT, **changes}, field) for changes, field in REPORTS], request)


def taken(report: Any, field: str | None) -> Any:
    answer = Client(a_world_with_administrators(), an_isolate(), TOKEN).ask("POST", "/v1/ingest", report)
    refused = None if answer.status == 200 else json.loads(answer.body)["error"]["param"]
    assert refused == field, report
    return {"report": report, "status": answer.status, "param": refused}


def test_what_cannot_be_read_is_named_where_it_can() -> None:
    with pytest.raises(InvalidJSON):
        read_json(b"[]", Report)
