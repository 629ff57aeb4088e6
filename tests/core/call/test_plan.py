"""What a planned call asks the Ledger for: amounts for the answer it may get, and for every past it may continue."""

import base64
import json
import struct

import msgspec
import pytest

from core.call.plan import CallPlan, plan_call, provider_and_model
from core.ledger.messages import AmountsAt
from core.money.price_list import TABLE
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.refusals import InvalidRequest, UnmeteredPath, UnpricedModel
from core.routing.paths import UpstreamPath
from core.tenant.policy import TenantPolicy
from tests.support import media_files as files

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

CHAT = UpstreamPath("chat/completions", "metered", "openai_chat")
COMPLETIONS = UpstreamPath("completions", "metered", "openai_completions")
RESPONSES = UpstreamPath("responses", "metered", "openai_responses")
COMPACTION = UpstreamPath("responses/compact", "metered", "openai_compaction")
MESSAGES = [{"role": "user", "content": "Hello, how are you?"}]
WINDOW = 400_000
"""Of GPT-5."""


def a_plan(path: UpstreamPath = CHAT, policy: TenantPolicy | None = None, **body: object) -> CallPlan:
    plan, _ = plan_call("openai", path, json.dumps(body).encode(), policy or TenantPolicy(), NOW_MS, TABLE)
    return plan


def a_chat(**more: object) -> CallPlan:
    return a_plan(**{"model": "gpt-4o-mini", "messages": MESSAGES, **more})


def a_turn(**more: object) -> CallPlan:
    return a_plan(RESPONSES, **{"model": "gpt-5", "input": "go on", **more})


def nanousd(plan: CallPlan, output_tokens: int, *, earlier_tokens: int = 0) -> int:
    """Of an ordinary call of text alone."""
    text_tokens = plan.parsed.prompt.text_tokens + earlier_tokens
    return cost_nanousd(Usage(input_tokens=text_tokens, output_tokens=output_tokens), plan.price)


def test_a_metered_stream_holds_its_input_and_a_slice_of_its_answer_at_first() -> None:
    plan = a_chat(stream=True, max_tokens=5_000)

    assert plan.slice_nanousd == nanousd(plan, 512) < plan.costing.want_nanousd == nanousd(plan, 5_000)


@pytest.mark.parametrize("max_tokens", [100, 0])
def test_a_slice_is_no_longer_than_the_answer(max_tokens: int) -> None:
    plan = a_plan(COMPLETIONS, model="gpt-3.5-turbo-instruct", prompt="Hello", stream=True, max_tokens=max_tokens)

    assert plan.slice_tokens == plan.costing.output_ceiling == max_tokens
    assert plan.slice_nanousd == plan.costing.want_nanousd


def test_an_answer_that_comes_whole_has_no_slice() -> None:
    assert a_chat(max_tokens=5_000).slice_nanousd is None


def test_what_is_ample_is_said_for_a_caller_that_names_no_ceiling() -> None:
    open_ended, bounded, thinking = a_chat(), a_chat(max_tokens=100), a_turn()

    assert open_ended.ample_nanousd == nanousd(open_ended, 8_192)
    assert thinking.ample_nanousd == nanousd(thinking, 32_768)
    assert bounded.ample_nanousd is None


def test_a_call_that_is_let_through_free_asks_for_nothing() -> None:
    free = TenantPolicy(unpriced_models="free")

    plan = a_plan(CHAT, free, model="unheard-of", messages=MESSAGES, stream=True)

    assert plan.is_free
    assert plan.amounts_at(0) == AmountsAt(0, 0, 0, 0)


def test_a_call_that_continues_nothing_has_no_past_to_pay_for() -> None:
    assert a_turn().earlier_answers(must_be_known=True) is None


def test_a_past_is_paid_for_by_lengths_that_double_up_to_the_window() -> None:
    plan = a_turn(previous_response_id="resp_1", max_output_tokens=100)

    earlier = plan.earlier_answers(must_be_known=True)

    assert earlier is not None
    assert [step.tokens for step in earlier.steps] == [1_024 * 2**power for power in range(9)]
    assert earlier.steps[-1].tokens * 2 > WINDOW


def test_each_length_of_a_past_is_paid_for_as_so_much_more_text() -> None:
    plan = a_turn(previous_response_id="resp_1", max_output_tokens=100)

    earlier = plan.earlier_answers(must_be_known=True)

    assert earlier is not None
    for step in earlier.steps:
        assert step.floor_nanousd == nanousd(plan, 0, earlier_tokens=step.tokens)
        assert step.least_nanousd == nanousd(plan, 64, earlier_tokens=step.tokens)
        assert step.want_nanousd == nanousd(plan, 100, earlier_tokens=step.tokens)


def test_once_the_past_is_known_the_plan_is_that_of_its_step() -> None:
    plan = a_turn(previous_response_id="resp_1")
    earlier = plan.earlier_answers(must_be_known=True)
    assert earlier is not None

    for step in earlier.steps:
        assert plan.with_remembered(step.tokens).amounts_at(step.tokens) == step


def test_a_compaction_is_held_for_in_full_or_not_at_all() -> None:
    """Nothing in its request bounds its answer."""
    plan = a_plan(COMPACTION, model="gpt-5", input="go on", max_output_tokens=10)

    assert plan.costing.least_nanousd == plan.costing.want_nanousd == nanousd(plan, 128_000)
    assert (plan.slice_nanousd, plan.ample_nanousd) == (None, None)
    assert plan.output_ceiling_within(0) is None


def test_a_compaction_that_continues_an_earlier_answer_says_which() -> None:
    plan = a_plan(COMPACTION, model="gpt-5", previous_response_id="resp_1")

    assert plan.earlier_answers(must_be_known=True).ids == ("resp_1",)
    assert plan.parsed.stored_references == ("previous_response_id",)


def test_a_compaction_is_sent_as_it_came_but_for_its_model() -> None:
    body = b'{"model": "openai/gpt-5",  "input": "go on"}'

    _, as_named = plan_call("openai", COMPACTION, body, TenantPolicy(unpriced_models="free"), NOW_MS, TABLE)
    _, by_model = plan_call(None, COMPACTION, body, TenantPolicy(), NOW_MS, TABLE)

    assert as_named.to_send(None) == as_named.as_asked[0] == body
    assert by_model.to_send(None) == b'{"model":"gpt-5","input":"go on"}'


def inline(mime_type: str, data: bytes) -> dict[str, object]:
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


PAGES = files.pages_pdf(900)
SECONDS = 20_000
"""Of sound, at eight bytes each."""
FORMAT = struct.pack("<IHHIIHH", 16, 1, 1, 8, 8, 1, 8)
SOUND = b"RIFF\0\0\0\0WAVEfmt " + FORMAT + b"data" + struct.pack("<I", 8 * SECONDS) + bytes(8 * SECONDS)
FILE = {"fileData": {"fileUri": "https://example.com/a.pdf", "mimeType": "application/pdf"}}
READ_BY_CODE: list[tuple[str, dict[str, object], str, int]] = [
    ("text", {"text": "word " * 300_000}, "TEXT", 300_000),
    ("a file", FILE, "DOCUMENT", 900_000),
    ("pages", inline("application/pdf", PAGES), "DOCUMENT", 900 * 258),
    ("sound", inline("audio/wav", SOUND), "AUDIO", 32 * SECONDS),
    ("what tells no size", inline("audio/wav", b"RIFF"), "AUDIO", 900_000),
]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-2.5-pro"])
@pytest.mark.parametrize(
    ("part", "kind", "tokens"), [each[1:] for each in READ_BY_CODE], ids=[x[0] for x in READ_BY_CODE]
)
def test_code_that_gemini_runs_is_held_for_however_often_it_reads_the_prompt_again(
    model: str, part: dict[str, object], kind: str, tokens: int
) -> None:
    """The prompt itself, five times more behind its runs, and a whole window of code and of what that printed."""
    body = {
        "contents": {"parts": [{"text": "plot it"}, part]},
        "tools": {"codeExecution": {}},
        "generationConfig": {"maxOutputTokens": "1000"},
    }
    path = UpstreamPath(f"v1beta/models/{model}:generateContent", "metered", "gemini")
    again = 5 * tokens + 1_000_000

    plan, _ = plan_call("gemini", path, json.dumps(body).encode(), TenantPolicy(), NOW_MS, TABLE)
    told = {
        "promptTokenCount": tokens,
        "promptTokensDetails": [{"modality": kind, "tokenCount": tokens}],
        "toolUsePromptTokenCount": again,
        "toolUsePromptTokensDetails": [{"modality": kind, "tokenCount": 5 * tokens}],
        "candidatesTokenCount": 1_000,
    }
    billed = plan.dialect.read_usage(msgspec.Raw(json.dumps(told).encode()))

    assert billed is not None and billed.prompt_tokens == tokens + again
    assert cost_nanousd(billed, plan.price) <= plan.costing.want_nanousd


@pytest.mark.parametrize(
    ("provider", "model", "bound", "searches"),
    [
        ("openai", "gpt-5", None, 10),
        ("openai", "gpt-5", 3, 3),
        ("openai", "gpt-5", 30, 30),
        ("xai", "grok-4", 3, 10),
        ("xai", "grok-4", 30, 30),
        ("groq", "openai/gpt-oss-120b", 3, 10),
    ],
)
@pytest.mark.parametrize("is_named", [True, False], ids=["by the route", "by the model"])
def test_a_bound_on_tools_bounds_searches_only_where_the_provider_keeps_to_it(
    provider: str, model: str, bound: int | None, searches: int, is_named: bool
) -> None:
    name = model if is_named else f"{provider}/{model}"
    body = {"model": name, "input": "go on", "tools": [{"type": "web_search"}], "max_tool_calls": bound}

    plan, _ = plan_call(
        provider if is_named else None, RESPONSES, json.dumps(body).encode(), TenantPolicy(), NOW_MS, TABLE
    )

    assert plan.costing.searched_prompt.web_search_calls == plan.parsed.web_search_calls_max == searches


@pytest.mark.parametrize(("provider", "searches"), [("anthropic", 1), ("xai", 10)])
def test_a_bound_of_a_tool_bounds_searches_only_where_the_provider_keeps_to_it(provider: str, searches: int) -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
    body = {"model": "m", "max_tokens": 9, "messages": MESSAGES, "tools": [tool]}
    upstream = UpstreamPath("messages", "metered", "anthropic_messages")

    plan, _ = plan_call(provider, upstream, json.dumps(body).encode(), TenantPolicy(), NOW_MS, TABLE)

    assert plan.parsed.web_search_calls_max == searches


def test_a_bound_on_tools_allows_no_search_that_is_not_asked_for() -> None:
    assert a_turn(max_tool_calls=3).parsed.web_search_calls_max == 0


def test_a_refused_plan_says_what_to_write_instead() -> None:
    with pytest.raises(
        UnmeteredPath, match=r"run code_interpreter .*: leave that out, or have an administrator set allow_unm"
    ):
        a_turn(tools=[{"type": "code_interpreter"}])
    with pytest.raises(UnpricedModel, match=r"name another model, or have an administrator state its price"):
        a_plan(policy=TenantPolicy(unpriced_models="block"), model="gpt-99", messages=MESSAGES)
    with pytest.raises(InvalidRequest, match=r"must be provider/model .* or a listed model \(GET /v1/models\)"):
        provider_and_model("nobody's", TABLE)
