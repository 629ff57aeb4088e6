"""What a call costs whose answer nobody could read: what can have been used in its time, never above its hold, and nothing
where nobody was at work."""

import json

import pytest

from ports import AttemptFailed
from tests.support.api_client import CALL, CHAT, Client, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World

INPUT_NANOUSD_MAX = 100 * 150
THINKING = {"model": "gpt-5", "messages": CALL["messages"], "max_completion_tokens": 1_000}
EMBEDDING = {"model": "text-embedding-3-small", "input": "hi"}


@pytest.fixture
def world():
    world = World({"requests_per_minute": 1_000_000})
    world.set_month(50_000_000)
    return world


def call(world, answer, body=CALL, path=CHAT, *, takes_ms=0):
    """The provider is at work for so long before anything of its answer is there."""
    world.answer = answer
    world.upstream_also = lambda: world.pass_time(takes_ms)
    return Client(world, an_isolate(GEMINI_API_KEY="g")).call(body, path)


UNREADABLE = {"empty": b"", "a page": b"<html>oops</html>", "broken": b'{"usage":', "a list": b"[]", "a word": b'"ok"'}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_six_answers_that_cannot_be_read_leave_a_small_budget_nearly_whole(world, body):
    for _ in range(6):
        answer = call(world, ScriptedAnswer(chunks=(body,)), THINKING, takes_ms=120)

        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (424, "unreadable_answer")
        assert answer.headers["x-should-retry"] == "false"
    assert world.month() == (sum(record["cost_nanousd"] for record in world.records), 0)
    assert world.month()[0] < 50_000_000 / 20


def test_half_an_answer_is_not_to_be_tried_again_either(world):
    answer = call(world, ScriptedAnswer(chunks=(b"{",), is_broken=True), takes_ms=600)

    assert (answer.status, answer.headers["x-should-retry"]) == (424, "false")
    assert 0 < world.month()[0] <= 500 * 600 + INPUT_NANOUSD_MAX


UNHEARD = {
    "a lost connection": AttemptFailed("connection_lost"),
    "a time-out": AttemptFailed("first_byte_timeout"),
    "a client that left": AttemptFailed("client_gone"),
    "an answer that breaks off": ScriptedAnswer(chunks=(b"{",), is_broken=True),
    "an answer that makes no sense": ScriptedAnswer(chunks=(b"<",)),
    "a client that left while it was read": ScriptedAnswer(chunks=(b"{",), client_leaves_after=0),
    "a long answer that breaks off": ScriptedAnswer(chunks=(b"{",), is_too_long=True, is_broken=True),
    "Cloudflare's word that it was reset": ScriptedAnswer(status=520, chunks=(b"reset",)),
    "Cloudflare's word that it took too long": ScriptedAnswer(status=524, chunks=(b"late",)),
}
unheard = pytest.mark.parametrize("answer", UNHEARD.values(), ids=UNHEARD)


@unheard
def test_an_attempt_that_nobody_heard_costs_what_its_time_allows(world, answer):
    call(world, answer, takes_ms=600)

    (record,) = world.records
    assert world.month() == (record["cost_nanousd"], 0)
    assert 500 * 600 <= record["cost_nanousd"] <= 500 * 600 + INPUT_NANOUSD_MAX
    assert record["is_estimated"]


@unheard
def test_an_attempt_that_nobody_heard_never_costs_more_than_was_held(world, answer):
    call(world, answer, takes_ms=3_600)

    (record,) = world.records
    assert 1_000 * 600 <= record["cost_nanousd"] <= 1_000 * 600 + INPUT_NANOUSD_MAX


def test_what_a_hold_was_lowered_to_is_the_most_that_an_unheard_attempt_costs(world):
    world.set_month(100_000)

    call(world, AttemptFailed("connection_lost"), takes_ms=60_000)

    assert 0 < world.month()[0] <= 100_000


@unheard
def test_in_less_time_than_a_first_token_takes_nothing_was_used(world, answer):
    """A refused connection, a page of a gateway: a large input is not charged for it either."""
    call(world, answer, {**CALL, "messages": [{"role": "user", "content": "word " * 50_000}]}, takes_ms=40)

    (record,) = world.records
    assert (world.month(), record["cost_nanousd"]) == ((0, 0), 0)


def test_of_a_large_input_only_what_can_have_been_read_is_charged(world):
    def cost(words):
        before = world.month()[0]
        call(world, ScriptedAnswer(chunks=(b"<",)), {**CALL, "messages": [{"content": "word " * words}]}, takes_ms=200)
        return world.month()[0] - before

    assert cost(100_000) == cost(50_000) <= 20_000 * 150 + 100 * 600 + 1


@pytest.mark.parametrize("status", [400, 429, 500, 502, 503, 504, 521, 522, 523, 525, 530])
def test_an_error_of_the_provider_costs_nothing_however_long_it_took(world, status):
    call(world, ScriptedAnswer(status=status, chunks=(b"no",)), takes_ms=60_000)

    assert world.month() == (0, 0)


LEAVES = {
    "before the answer": AttemptFailed("client_gone"),
    "while it is read": ScriptedAnswer(chunks=(b"{",), client_leaves_after=0),
    "while a long one passes": ScriptedAnswer(chunks=(b"{",), client_leaves_after=0, is_too_long=True),
}


@pytest.mark.parametrize("answer", LEAVES.values(), ids=LEAVES)
def test_a_client_that_leaves_is_recorded_as_gone_and_not_as_a_failure(world, answer):
    call(world, answer, takes_ms=600)

    (record,) = world.records
    assert (record["outcome"], record.get("error_code")) == ("client_disconnected", None)


def test_an_answer_without_usage_costs_its_hold_where_thinking_is_out_of_sight(world):
    answer = call(world, ScriptedAnswer(chunks=(b'{"choices":[{"message":{"content":"short"}}]}',)), THINKING)

    assert answer.status == 200
    assert 1_000 * 10_000 <= world.month()[0] <= 1_000 * 10_000 + 10 * INPUT_NANOUSD_MAX
    assert world.records[0]["is_estimated"]


def test_an_answer_without_usage_costs_an_estimate_of_it_where_all_is_shown(world):
    call(world, ScriptedAnswer(chunks=(b'{"choices":[{"message":{"content":"short"}}]}',)))

    assert 0 < world.month()[0] < 60 * 600


def test_an_answer_without_usage_never_costs_more_than_was_held(world):
    call(world, ScriptedAnswer(chunks=(json.dumps({"choices": ["word " * 50_000]}).encode(),)))

    assert 1_000 * 600 <= world.month()[0] <= 1_000 * 600 + INPUT_NANOUSD_MAX


def test_embeddings_without_usage_cost_their_input(world):
    answer = ScriptedAnswer(chunks=(b'{"data":[' + b"0.1," * 10_000 + b"0]}",))

    call(world, answer, EMBEDDING, "/v1/proxy/openai/v1/embeddings")

    assert 0 < world.month()[0] < 100 * 20


FAILURES = {
    "openai": (CHAT, CALL, {"error": {"message": "overloaded"}}),
    "responses": (
        "/v1/proxy/openai/v1/responses",
        {"model": "gpt-5", "input": "hi"},
        {"status": "failed", "error": {"code": "server_error"}, "output": [], "usage": None},
    ),
    "gemini": (
        "/v1/proxy/gemini/v1beta/models/gemini-2.5-pro:generateContent",
        {"contents": [{"parts": [{"text": "hi"}]}]},
        {"error": {"code": 503, "status": "UNAVAILABLE"}},
    ),
}


@pytest.mark.parametrize(("path", "body", "failure"), FAILURES.values(), ids=FAILURES)
def test_an_error_inside_a_200_passes_and_costs_nothing(world, path, body, failure):
    document = json.dumps(failure).encode()

    answer = call(world, ScriptedAnswer(chunks=(document,)), body, path, takes_ms=5_000)

    assert (answer.status, answer.body) == (200, document)
    assert world.month() == (0, 0)
    assert (world.records[0]["outcome"], bool(world.records[0]["error_code"])) == ("failed", True)


def test_an_error_beside_an_answer_is_not_free(world):
    both = {"error": {"message": "late"}, "choices": [{"message": {"content": "words"}}]}

    call(world, ScriptedAnswer(chunks=(json.dumps(both).encode(),)))

    assert world.month()[0] > 0


ENDS = {
    "embeddings": (EMBEDDING, "/v1/proxy/openai/v1/embeddings", b'{"data":[%s],"usage":{"prompt_tokens":7,"total_tokens":7}}', 7 * 20),
    "chat": (CALL, CHAT, b'{"choices":["%s"],"usage":{"prompt_tokens":7,"completion_tokens":9},"service_tier":"default"}', 7 * 150 + 9 * 600),
    "what looks like a usage": (CALL, CHAT, b'{"choices":["%s"],"usage":{"prompt_tokens":7,"completion_tokens":9},"x":{"usage":{"prompt_tokens":0,"completion_tokens":0}}}', 7 * 150 + 9 * 600),
    "no usage": (EMBEDDING, "/v1/proxy/openai/v1/embeddings", b'{"data":[%s]}', None),
}  # fmt: skip


@pytest.mark.parametrize(("body", "path", "text", "cost_nanousd"), ENDS.values(), ids=ENDS)
def test_an_answer_too_long_to_keep_passes_whole_and_is_settled_by_its_end(world, body, path, text, cost_nanousd):
    document = text % (b"0.1,0" * 50_000)
    chunks = tuple(document[start : start + 10_000] for start in range(0, len(document), 10_000))

    answer = call(world, ScriptedAnswer(chunks=chunks, is_too_long=True), body, path)

    assert answer.body == document
    (record,) = world.records
    assert (answer.status, world.month()) == (200, (record["cost_nanousd"], 0))
    if cost_nanousd is None:
        assert record["is_estimated"] and record["cost_nanousd"] > 0
    else:
        assert (record["cost_nanousd"], record.get("is_estimated", False)) == (cost_nanousd, False)


def test_a_long_answer_that_breaks_off_does_so_for_its_client_too(world):
    answer = ScriptedAnswer(chunks=(b"[1,",), is_too_long=True, is_broken=True)

    assert call(world, answer, takes_ms=600).body == b"[1,<broken off>"
    assert world.records[0]["error_code"] == "unreadable_answer"


UNREADABLE_REQUESTS = {
    "half a character": b'{"model":"gpt-4o-mini","messages":[{"content":"\\ud83d"}],"stream":true}',
    "options that are none": b'{"model":"gpt-4o-mini","messages":[{}],"stream":true,"stream_options":7}',
}


@pytest.mark.parametrize("body", UNREADABLE_REQUESTS.values(), ids=UNREADABLE_REQUESTS)
def test_a_request_that_cannot_be_read_is_told_so_before_anything_is_held(world, body):
    asked = world.ledger_calls

    assert call(world, ScriptedAnswer(), body).status == 400
    assert (world.ledger_calls, world.sent) == (asked, [])
