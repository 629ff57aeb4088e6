"""A stream that is cut says so: after how much of it, at what price, and whose limit or which fault ended it."""

import json

import openai
import pytest

from core.ledger.messages import AdmitRequest, ConfigureRequest, ExtendRequest
from core.money.amount import format_usd
from ports import LedgerUnreachable
from tests.core.wire.streams.sdk_clients import openai_responses
from tests.support.api_client import SSE, Client, an_isolate, sse
from tests.support.memory_ports import ScriptedAnswer, World

BODY = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "hi"}],
    "max_completion_tokens": 100_000,
    "stream": True,
}
LIMIT_NANOUSD = 1_000_000
WORDS = (sse({"id": "c", "choices": [{"index": 0, "delta": {"content": " word of it"}, "finish_reason": None}]}),) * 900


def a_world(config=None, chunks=WORDS):
    world = World({"requests_per_minute": 1_000_000, **(config or {})})
    world.answer = ScriptedAnswer(headers=SSE, chunks=chunks, world=world)
    return world


def when_it_extends(world, happens):
    """Something happens before the stream's first extension is answered."""
    ledger = world.ledger_of("acme")
    tell = ledger.tell

    async def told(question):
        if isinstance(question, ExtendRequest):
            happens()
        return await tell(question)

    ledger.tell = told


def nobody_answers():
    raise LedgerUnreachable


def cut(world, **headers):
    """The error that ends the stream, and the call's record."""
    answer = Client(world, an_isolate()).call(BODY, x_agentwatch_session_id="s1", **headers)
    assert answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n")
    error = json.loads(answer.body.split(b"\n\n")[-3].removeprefix(b"data: "))["error"]
    (record,) = world.records
    assert (error["code"], error["type"], record["outcome"]) == ("answer_cut", "budget_error", "cut")
    assert error["charged_usd"] == format_usd(record["cost_nanousd"])
    assert error["output_tokens"] == record["usage"]["output_tokens"]
    assert error["message"].startswith(
        f"the answer was cut after {error['output_tokens']} tokens of output and ${error['charged_usd']}, "
        "which is charged: "
    )
    assert record["error_code"] == error["cause"]
    return error


def test_a_cut_says_what_was_charged_and_that_nothing_of_the_limit_is_held_for_others():
    world = a_world()

    error = cut(world, x_agentwatch_budget_usd=format_usd(LIMIT_NANOUSD))

    assert (error["cause"], error["scope"], error["scope_id"]) == ("budget_exhausted", "session", "s1")
    assert (error["limit_usd"], error["spent_usd"], error["held_usd"]) == ("0.001", error["charged_usd"], "0")
    assert error["message"].endswith(
        f"the budget of session 's1' does not cover more of it: limit $0.001, spent ${error['charged_usd']} "
        "with this answer, held $0 for other calls"
    )


def test_what_a_cut_says_is_held_is_held_for_other_calls():
    world = a_world()
    world.set_month(2 * LIMIT_NANOUSD)
    other = AdmitRequest(
        hold_id="other", want_nanousd=LIMIT_NANOUSD, least_nanousd=LIMIT_NANOUSD, floor_nanousd=0, ttl_ms=900_000
    )
    world.run(world.ledger_of("acme").tell(other))

    error = cut(world)

    assert (error["scope"], error["window"]) == ("tenant", "month")
    assert (error["spent_usd"], error["held_usd"]) == (error["charged_usd"], format_usd(LIMIT_NANOUSD))


def test_a_cut_by_a_pause_says_so():
    world = a_world()
    pause = ConfigureRequest(kind="session", id="s1", window="session", is_paused=True)
    when_it_extends(world, lambda: world.ledger_of("acme").service.configure(pause, world.now_ms()))

    error = cut(world, x_agentwatch_budget_usd="0.005")

    assert (error["cause"], error["scope_id"]) == ("scope_paused", "s1")
    assert error["message"].endswith("session 's1' is paused")


def test_a_cut_because_nobody_could_be_asked_is_not_told_as_a_budget_s():
    world = a_world({"fail_closed": True})
    when_it_extends(world, nobody_answers)

    error = cut(world, x_agentwatch_budget_usd="0.005")

    assert error["cause"] == "budget_unavailable"
    assert "scope" not in error and "budget of" not in error["message"]


def test_a_cut_at_the_caller_s_own_limit_while_nobody_can_be_asked_names_that_limit():
    world = a_world()
    when_it_extends(world, nobody_answers)

    error = cut(world, x_agentwatch_budget_usd=format_usd(LIMIT_NANOUSD))

    assert (error["cause"], error["scope"], error["limit_usd"]) == ("budget_exhausted", "call", "0.001")
    assert (error["spent_usd"], error["held_usd"]) == (error["charged_usd"], "0")


def test_an_old_no_is_not_the_reason_of_a_cut_after_a_yes():
    world = a_world({"fail_closed": True})
    world.set_month(315_000)
    ledger, heard = world.ledger_of("acme"), []
    tell = ledger.tell

    async def told(question):
        if isinstance(question, ExtendRequest):
            if heard == ["extend_denied"]:
                world.set_month(1_500_000)
            if heard[-1:] == ["extended"]:
                nobody_answers()
        answer = await tell(question)
        if isinstance(question, ExtendRequest):
            heard.append(answer.__struct_config__.tag)
        return answer

    ledger.tell = told

    assert cut(world)["cause"] == "budget_unavailable"
    assert heard == ["extend_denied", "extended"]


def responses_event(kind, **members):
    return b"event: " + kind.encode() + b"\n" + sse({"type": kind, **members})


NATIVE = (
    responses_event(
        "response.created", sequence_number=0,
        response={"id": "resp_1", "model": "gpt-4o-mini", "status": "in_progress", "output": []},
    ),
    responses_event(
        "response.output_item.added", sequence_number=1, output_index=0,
        item={"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []},
    ),
    responses_event(
        "response.content_part.added", sequence_number=2, output_index=0, content_index=0, item_id="msg_1",
        part={"type": "output_text", "text": "", "annotations": []},
    ),
    *(
        responses_event(
            "response.output_text.delta", sequence_number=number, output_index=0, content_index=0, item_id="msg_1",
            delta=" word of it",
        )
        for number in range(3, 900)
    ),
)  # fmt: skip
LIMITS_USD = {"openai/gpt-4o-mini": "0.0008", "anthropic/claude-haiku-4-5": "0.008"}
MESSAGES = (
    sse({"type": "message_start", "message": {"id": "m", "model": "claude-haiku-4-5", "usage": {"input_tokens": 9}}}),
    sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    *[sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " word of it"}})] * 900,
)


@pytest.mark.parametrize(
    ("model", "chunks"),
    [("openai/gpt-4o-mini", NATIVE), ("anthropic/claude-haiku-4-5", MESSAGES)],
    ids=["native", "translated"],
)
def test_a_cut_response_has_failed_for_good_and_then_raises(model, chunks):
    world = a_world(chunks=chunks)
    client = Client(world, an_isolate(ANTHROPIC_API_KEY="sk"))
    asked = {"model": model, "input": "hi", "max_output_tokens": 8_000, "stream": True}

    passed = client.call(asked, "/v1/responses", x_agentwatch_budget_usd=LIMITS_USD[model]).body

    events = [json.loads(event.partition(b"data: ")[2]) for event in passed.split(b"\n\n") if event]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    failed, error = events[-2:]
    response, (record,) = failed["response"], world.records
    assert (failed["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"] == {"code": "insufficient_quota", "message": error["message"]}
    assert response["usage"]["output_tokens"] == record["usage"]["output_tokens"] == error["error"]["output_tokens"]
    assert (error["type"], error["code"], error["error"]["code"]) == ("error", "answer_cut", "answer_cut")
    view = openai_responses([passed])
    assert isinstance(view.raised, openai.APIError) and view.raised.code == "answer_cut"
    assert view.text.startswith(" word of it word")


@pytest.mark.parametrize(
    ("model", "chunks"),
    [("openai/gpt-4o-mini", NATIVE), ("anthropic/claude-haiku-4-5", MESSAGES)],
    ids=["native", "translated"],
)
def test_a_response_that_an_outage_cut_may_be_asked_for_again(model, chunks):
    world = a_world({"fail_closed": True}, chunks=chunks)
    when_it_extends(world, nobody_answers)
    asked = {"model": model, "input": "hi", "max_output_tokens": 8_000, "stream": True}

    client = Client(world, an_isolate(ANTHROPIC_API_KEY="sk"))
    passed = client.call(asked, "/v1/responses", x_agentwatch_budget_usd="0.02").body

    assert b"response.failed" not in passed and b"insufficient_quota" not in passed
    error = json.loads(passed.split(b"\n\n")[-2].partition(b"data: ")[2])
    assert (error["type"], error["code"], error["error"]["cause"]) == ("error", "answer_cut", "budget_unavailable")
    assert isinstance(openai_responses([passed]).raised, openai.APIError)


def test_a_response_that_its_provider_broke_off_may_be_asked_for_again():
    for model, chunks in (("openai/gpt-4o-mini", NATIVE[:9]), ("anthropic/claude-haiku-4-5", MESSAGES[:9])):
        world = a_world(chunks=chunks)
        asked = {"model": model, "input": "hi", "max_output_tokens": 900, "stream": True}

        passed = Client(world, an_isolate(ANTHROPIC_API_KEY="sk")).call(asked, "/v1/responses").body

        assert b"response.failed" not in passed
        assert b'"code":"upstream_truncated"' in passed.split(b"\n\n")[-2]
