"""Whatever a stream says and whenever the ledger answers: no output passes that the hold does not pay for."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.call.bill import StreamBill
from core.call.meter import Cut, Extend, Step, StreamMeter, Wait
from core.money.amount import UNITS_PER_RATE
from core.money.usage import Usage
from tests.core.wire.streams.builders import (
    CASES,
    OUTPUT_NANOUSD,
    PROMPT,
    PROMPT_NANOUSD,
    a_meter,
    a_price,
    a_reader,
    grants_all,
    play,
)

DELTAS = st.one_of(
    st.text(min_size=1, max_size=12).map(lambda text: {"content": text}),
    st.text(min_size=1, max_size=300).map(lambda text: {"reasoning": text}),
    st.text(max_size=30).map(
        lambda text: {"tool_calls": [{"index": 0, "function": {"name": "get", "arguments": text}}]}
    ),
    st.just({"role": "assistant", "content": ""}),
    st.just({"audio": {"data": "A" * 6_400}}),
)
CHUNKS = st.lists(DELTAS, min_size=1, max_size=3).map(lambda deltas: chunk(*deltas))
ANSWERS = st.sampled_from(["later", "later", "grant", "grant less", "deny", "fill"])
"""What the ledger has to say by the time of a chunk."""


@dataclass
class Edge:
    """Obeys a meter, answers its questions when told to, and keeps its own account of what it sent."""

    meter: StreamMeter
    granted_nanousd: int
    ask: Extend | None = None
    forwarded: bytes = b""
    is_full: bool = False
    waits: int = 0
    cuts: int = 0

    def obey(self, step: Step) -> None:
        self.forwarded += step.forward
        match step.action:
            case Extend():
                assert self.ask is None, "asked while an answer was due"
                self.ask = step.action
            case Wait(ask=ask):
                self.waits += 1
                assert (ask is None) == (self.ask is not None), "waits for an answer that nobody asked for"
                self.ask = self.ask or ask
            case Cut():
                self.cuts += 1
        assert self.is_full or self.cost_of_forwarded() <= self.granted_nanousd

    def answer(self, word: str) -> None:
        ask = self.ask
        if ask is None or word == "later":
            return
        self.ask = None
        if word == "deny":
            self.obey(self.meter.denied())
            return
        total = ask.least_nanousd if word == "grant less" else ask.want_nanousd
        assert total > self.granted_nanousd, "asked for no more than is held"
        self.granted_nanousd = total
        self.is_full = word == "fill"
        self.obey(self.meter.granted(total, is_full=self.is_full))

    def cost_of_forwarded(self) -> int:
        bill = StreamBill(a_price(), PROMPT, model="gpt-4o", service_tier=None)
        reader = a_reader()
        for event in reader.splitter.feed(self.forwarded):
            bill.add(reader.observe(event))
            bill.units()  # as it is when each event has passed
        return -(-bill.units() // UNITS_PER_RATE) if self.forwarded else 0


def chunk(*deltas: object) -> bytes:
    return b"".join(
        b"data: " + msgspec.json.encode({"choices": [{"index": 0, "delta": delta}]}) + b"\n\n" for delta in deltas
    )


ARGUMENTS = {"name": "get", "arguments": "0A0\x80\x80\x80\x80\U00010000"}
RISES_BY_TWO_TOKENS_FOR_A_BYTE = chunk({"tool_calls": [{"index": 0, "function": ARGUMENTS}]}, {"content": "A"})


@settings(deadline=None, max_examples=150)
@example([(RISES_BY_TWO_TOKENS_FOR_A_BYTE, "later")], 26, 1)
@given(
    st.lists(st.tuples(CHUNKS, ANSWERS), min_size=1, max_size=40),
    st.integers(0, 60),
    st.integers(1, 60),
)
def test_forwarded_output_never_costs_more_than_is_granted(
    script: list[tuple[bytes, str]], held_tokens: int, slice_tokens: int
) -> None:
    granted = PROMPT_NANOUSD + held_tokens * OUTPUT_NANOUSD
    edge = Edge(a_meter(granted_nanousd=granted, slice_tokens=slice_tokens), granted)

    for chunk, word in script:
        edge.obey(edge.meter.feed(chunk))
        edge.answer(word)
        if edge.cuts:
            break

    upstream = b"".join(chunk for chunk, _ in script)
    assert upstream.startswith(edge.forwarded)
    result = edge.meter.close()
    assert result.cost_nanousd >= edge.cost_of_forwarded() or edge.is_full


@settings(deadline=None, max_examples=100)
@given(st.lists(CHUNKS, min_size=1, max_size=30), st.integers(0, 100))
def test_what_waits_is_really_not_paid_for(chunks: list[bytes], held_tokens: int) -> None:
    granted = PROMPT_NANOUSD + held_tokens * OUTPUT_NANOUSD
    meter = a_meter(granted_nanousd=granted)

    for chunk in chunks:
        if isinstance(meter.feed(chunk).action, Wait):
            assert meter.metered_nanousd > granted
            break
    else:
        assert meter.metered_nanousd <= granted


@settings(deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 10**6))
def test_a_client_that_leaves_anywhere_is_charged_for_what_it_got(case: Path, seed: int) -> None:
    """For a token at least of every piece, until the provider has counted: an estimate of a longer text may be a
    little lower than that of its beginning, where its words turn out to be plain ones."""
    stream = (case / "upstream.sse").read_bytes()
    meter = a_meter(case.parent.name, prompt=Usage())

    left = play(meter, [stream[: seed % (len(stream) + 1)]], grants_all, is_finished=False)

    reader = a_reader(case.parent.name)
    pieces = [reader.observe(event).has_output for event in reader.splitter.feed(left.forwarded)]
    usage = left.result.usage
    counted = usage.completion_tokens + usage.web_search_calls
    assert left.result.is_provider_usage or counted >= sum(pieces)


@settings(deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 100))
def test_a_cut_never_loses_what_the_provider_counted(case: Path, held_tokens: int) -> None:
    """Once the provider's final count is in, it is the charge, cut or not."""
    stream = (case / "upstream.sse").read_bytes()
    granted = PROMPT_NANOUSD + held_tokens * OUTPUT_NANOUSD

    whole = play(a_meter(case.parent.name), [stream], grants_all)
    cut = play(a_meter(case.parent.name, granted_nanousd=granted), [stream], lambda _: None)

    if whole.result.is_provider_usage:
        assert cut.result.cost_nanousd == whole.result.cost_nanousd
