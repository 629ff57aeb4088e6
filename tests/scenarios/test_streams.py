"""A stream through `app.handle` whose isolate dies, or whose ports fail, at each of its awaits: no hold stays, no
money is lost or made."""

import json
from dataclasses import dataclass, replace

import pytest

from core.bounds import SSE_EVENT_BYTES_MAX
from core.ledger.messages import StatusRequest
from core.wire.dialects import DIALECTS
from tests.support.api_client import SSE, Client, an_isolate, sse
from tests.support.memory_ports import TOKEN, Killed, ScriptedAnswer, World

SETTINGS = {"HOLD_TTL_MS": "60000", "FIRST_BYTE_TIMEOUT_MS": "1000"}
TTL_MS = 60_000
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5_000, "stream": True}
WORST_NANOUSD = 5_000 * 600
LIMITS = {"as it is": 100 * WORST_NANOUSD, "metered": WORST_NANOUSD, "cut": WORST_NANOUSD // 6}
EVENT_NANOUSD = 6 * 600
"""More than one event of `WORDS` is estimated to cost: what may have been generated when a stream is cut."""

WORDS = tuple(
    sse({"id": "c", "choices": [{"index": 0, "delta": {"content": " word of it"}, "finish_reason": None}]})
    for _ in range(600)
)
END = (
    sse({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    sse({"id": "c", "choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 1_800}}),
    b"data: [DONE]\n\n",
)
BILLED_NANOUSD = 8 * 150 + 1_800 * 600

ways = pytest.mark.parametrize("limit_nanousd", LIMITS.values(), ids=LIMITS)


@dataclass
class Played:
    """What a stream left behind once every hold has had its time."""

    world: World
    body: bytes | None
    month: tuple[int, int]
    session: tuple[int, int]

    @property
    def spent_nanousd(self) -> int:
        return self.month[0]


def a_world(limit_nanousd, chunks=WORDS + END, **answer):
    world = World({"requests_per_minute": 1_000_000})
    world.set_month(limit_nanousd)
    world.answer = ScriptedAnswer(headers=SSE, chunks=chunks, world=world, **answer)
    return world


def play(world, isolate=None) -> Played:
    """A streamed call, its death if it dies, then the alarm."""
    body = None
    try:
        body = Client(world, isolate or an_isolate(**SETTINGS)).call(BODY, x_agentwatch_session_id="s1").body
    except Killed:
        world.dies_at = None
    service = world.ledgers["acme"].service
    world.pass_time(2 * TTL_MS)
    service.sweep(world.now_ms())
    status = service.status(StatusRequest(include_tenant=True, session_id="s1"), world.now_ms())
    accounts = {
        account.window if account.kind == "tenant" else account.kind: (account.spent_nanousd, account.held_nanousd)
        for account in status.accounts
    }
    return Played(world, body, accounts["month"], accounts.get("session", (0, 0)))


def awaits_of(limit_nanousd) -> int:
    world = a_world(limit_nanousd)
    play(world)
    return world.awaits


def test_a_stream_that_nothing_happens_to_is_charged_as_billed():
    played = play(a_world(LIMITS["as it is"]))

    assert played.body == b"".join(WORDS + END[:1] + END[2:])
    assert played.month == played.session == (BILLED_NANOUSD, 0)


def test_the_ways_are_what_they_are_called():
    held = [play(a_world(limit)).world for limit in LIMITS.values()]

    calls = [world.ledger_calls for world in held]
    assert calls[0] == 2
    assert calls[1] > 3
    assert [world.records[0]["outcome"] for world in held] == ["complete", "complete", "cut"]


@ways
def test_an_isolate_that_dies_at_any_await_leaves_no_hold_and_no_money_astray(limit_nanousd):
    for await_number in range(1, awaits_of(limit_nanousd) + 1):
        world = a_world(limit_nanousd)
        world.dies_at = await_number

        played = play(world)

        assert played.month == played.session, await_number
        assert played.month[1] == 0, await_number
        assert played.spent_nanousd <= limit_nanousd + EVENT_NANOUSD, await_number
        if world.sent:
            assert played.spent_nanousd > 0, await_number


@ways
def test_a_port_that_fails_at_any_await_leaves_no_hold_and_no_money_astray(limit_nanousd):
    for await_number in range(1, awaits_of(limit_nanousd) + 1):
        world = a_world(limit_nanousd)
        world.fails_at = await_number

        played = play(world)

        assert played.month == played.session, await_number
        assert played.month[1] == 0, await_number
        assert played.spent_nanousd <= limit_nanousd + EVENT_NANOUSD, await_number
        assert played.spent_nanousd > 0, await_number
        assert len(world.records) + len(world.ledgers["acme"].outbox) >= 1, await_number


@ways
@pytest.mark.parametrize("chunks_read", [0, 1, 50, 300, len(WORDS)])
def test_a_client_that_leaves_anywhere_is_charged_for_what_was_generated(limit_nanousd, chunks_read):
    played = play(a_world(limit_nanousd, client_leaves_after=chunks_read))

    assert played.month == played.session
    assert played.month[1] == 0
    record = played.world.records[0]
    assert record["outcome"] in ("client_disconnected", "cut")
    assert played.spent_nanousd == record["cost_nanousd"]
    if record["outcome"] == "client_disconnected":
        assert chunks_read * 600 <= played.spent_nanousd <= 200_000 + chunks_read * EVENT_NANOUSD


def test_a_slow_stream_keeps_its_hold_by_renewing_it():
    """Its slices would last longer than a hold lives, and the money would go to somebody else."""
    world = a_world(LIMITS["metered"], chunk_takes_ms=2_000)

    played = play(world)

    assert world.records[0]["outcome"] == "complete"
    assert played.month == (BILLED_NANOUSD, 0)


def test_a_stream_whose_first_byte_takes_as_long_as_it_may_is_not_cut():
    world = a_world(LIMITS["metered"])

    def begin_late():
        world.pass_time(2 * TTL_MS)
        world.ledgers["acme"].service.sweep(world.now_ms())

    world.upstream_also = begin_late

    played = play(world, an_isolate(**SETTINGS | {"FIRST_BYTE_TIMEOUT_MS": "150000"}))

    assert world.records[0]["outcome"] == "complete"
    assert played.month == (BILLED_NANOUSD, 0)


def test_a_stream_that_stood_still_longer_than_its_hold_lives_passes_nothing_unpaid():
    class Stalling(ScriptedAnswer):
        async def _passing(self, relay):
            yield relay.feed(WORDS[0]).forward
            self.world.pass_time(2 * TTL_MS)
            self.world.ledgers["acme"].service.sweep(self.world.now_ms())
            relayed = relay.feed(b"".join(WORDS[1:]))
            yield relayed.forward
            while relayed.wait is not None:
                relayed = await relayed.wait
                yield relayed.forward
            self.ending = "cut"

    world = a_world(LIMITS["metered"])
    world.answer = Stalling(headers=SSE, world=world)

    played = play(world)

    assert played.body.startswith(WORDS[0] + b'data: {"error"')
    assert played.month[1] == 0


@ways
def test_an_event_too_large_to_be_metered_ends_the_stream_and_charges_the_hold(limit_nanousd):
    world = a_world(limit_nanousd, (WORDS[0], b"data: " + b"x" * (SSE_EVENT_BYTES_MAX + 1)))

    played = play(world)

    assert b"too large to be metered" in played.body
    assert played.month == (world.records[0]["cost_nanousd"], 0)
    assert played.spent_nanousd >= min(limit_nanousd // 2, 512 * 600)


def test_a_plain_answer_to_a_call_for_a_stream_is_read_and_billed_like_one():
    usage = {"prompt_tokens": 8, "completion_tokens": 9}
    plain = json.dumps({"model": "gpt-4o-mini", "choices": [{}], "usage": usage})
    world = a_world(LIMITS["metered"])
    world.answer = ScriptedAnswer(chunks=(plain.encode(),))

    played = play(world)

    assert played.body == plain.encode()
    assert played.month == (8 * 150 + 9 * 600, 0)
    assert not world.records[0].get("is_estimated")


ERROR = {"error": {"code": "overloaded", "message": "later"}}


@ways
@pytest.mark.parametrize("chunks", [(sse(ERROR),), (json.dumps(ERROR).encode(),)], ids=["an event", "a plain document"])
def test_a_provider_s_error_in_place_of_a_stream_fails_and_costs_nothing(limit_nanousd, chunks):
    world = a_world(limit_nanousd, chunks)
    if not chunks[0].startswith(b"data:"):
        world.answer = ScriptedAnswer(chunks=chunks)

    played = play(world)

    assert (played.body, played.month) == (chunks[0], (0, 0))
    assert (world.records[0]["outcome"], world.records[0]["error_code"]) == ("failed", "overloaded")


@ways
def test_a_stream_without_a_word_fails_costs_nothing_and_is_not_passed_in_silence(limit_nanousd):
    world = a_world(limit_nanousd, (b": keep-alive\n\n",))

    played = play(world)

    assert b"upstream_truncated" in played.body
    assert played.month == (0, 0)
    assert world.records[0]["outcome"] == "failed"


def test_without_the_ledger_a_stream_takes_each_slice_from_the_allowance_once():
    """What passes while the ledger is away stays below the allowance; what was not used goes back."""
    isolate = an_isolate(**SETTINGS)
    world = a_world(LIMITS["metered"])
    passing = world.answer._passing

    async def away_from_the_second_chunk(relay):
        number = 0
        async for part in passing(relay):
            number += 1
            world.is_ledger_away = 1 < number < len(WORDS)
            yield part

    world.answer._passing = away_from_the_second_chunk

    played = play(world, isolate)

    assert (world.records[0]["outcome"], world.records[0]["is_fail_open"]) == ("complete", True)
    assert played.month == (BILLED_NANOUSD, 0)
    assert isolate.outage.take("acme", 10**9 - BILLED_NANOUSD, ceiling_nanousd=10**9, now_ms=world.now_ms())


def test_a_stream_that_may_owe_what_it_never_shows_is_held_in_full_and_charged_for_it(monkeypatch):
    """A rejected prediction is billed as output and is in no event; without the provider's usage nobody counts it."""
    dialect = type(DIALECTS["openai_chat"])
    read = dialect.parse_request

    def with_prediction(self, body, *, path):
        return replace(read(self, body, path=path), unshown_output_tokens=2_000)

    world = a_world(LIMITS["metered"] * 2, WORDS[:400], is_broken=True)
    plain = play(a_world(LIMITS["metered"] * 2, WORDS[:400], is_broken=True))
    monkeypatch.setattr(dialect, "parse_request", with_prediction)

    played = play(world)

    assert world.ledger_calls == 2 < plain.world.ledger_calls
    assert played.spent_nanousd == plain.spent_nanousd + 2_000 * 600


def test_output_that_was_never_shown_is_not_added_to_the_provider_s_own_count(monkeypatch):
    dialect = type(DIALECTS["openai_chat"])
    read = dialect.parse_request
    monkeypatch.setattr(
        dialect,
        "parse_request",
        lambda self, body, *, path: replace(read(self, body, path=path), unshown_output_tokens=2_000),
    )

    assert play(a_world(LIMITS["as it is"])).month == (BILLED_NANOUSD, 0)


GROUNDED = "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"
GROUNDING_NANOUSD = 35_000_000
"""Of one grounded prompt, before Gemini 3."""


@pytest.mark.parametrize(("written", "fee"), [("It is", GROUNDING_NANOUSD), ("", 0)])
def test_a_grounded_stream_left_before_it_says_what_was_searched_for_pays_the_search(written, fee):
    begun = sse({"candidates": [{"content": {"parts": [{"text": written}]}}]})
    world = a_world(10 * GROUNDING_NANOUSD, (begun,), is_broken=True)
    body = {"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]}

    Client(world, an_isolate(), f"{TOKEN}:AIza-own").call(body, f"{GROUNDED}?alt=sse")

    [record] = world.records
    assert fee <= record["cost_nanousd"] < fee + 1_000_000
