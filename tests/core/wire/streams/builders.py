"""Streams, prices and meters with good defaults, and a ledger of one sentence to play them against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from core.call.meter import Cut, Extend, Step, StreamMeter, StreamResult, Wait
from core.money.price_book import STANDARD, Band, Price, Rates
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.refusals import AnswerCut
from core.wire.dialects import DIALECTS
from core.wire.streams import StreamReader, open_reader

GOLDEN = Path(__file__).parents[3] / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/upstream.sse"))
CASE_IDS = [f"{case.parent.name}-{case.name}" for case in CASES]

OUTPUT_NANOUSD = 10_000
"""One token of output at $10 per million, the rate of every model here."""
PROMPT = Usage(input_tokens=100)
PROMPT_NANOUSD = 100_000
REFUSAL = AnswerCut(
    "the answer was cut after 20 tokens of output and $0.0003, which is charged: the budget of session 's1' does not "
    "cover more of it",
    details={"scope": "session", "cause": "budget_exhausted", "charged_usd": "0.0003", "output_tokens": 20},
)
REQUEST_ID = "req_1"


def sse(document: object, *, event: str | None = None) -> bytes:
    """One event of a stream, of JSON or of bytes as they are."""
    data = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return (b"" if event is None else b"event: " + event.encode() + b"\n") + b"data: " + data + b"\n\n"


def a_price() -> Price:
    """$1 per million of input, $10 of output, nothing special about any class."""
    rates = dict.fromkeys(Rates.__struct_fields__, 1_000_000_000)
    for kind in ("output", "reasoning", "audio_output", "image_output"):
        rates[f"{kind}_nanousd_per_mtok"] = 10_000_000_000
    rates["web_search_nanousd_per_call"] = 10_000_000
    return Price("openai", "gpt-4o", {STANDARD: (Band(0, Rates(**rates)),)}, None, None)


def a_reader(dialect: str = "openai_chat") -> StreamReader:
    return open_reader(DIALECTS[dialect])


def a_meter(
    dialect: str = "openai_chat",
    *,
    prompt: Usage = PROMPT,
    granted_nanousd: int = 10**9,
    is_full: bool = False,
    slice_tokens: int = 50,
    strips_usage: bool = False,
) -> StreamMeter:
    return StreamMeter(
        a_reader(dialect),
        a_price(),
        prompt,
        model="gpt-4o",
        granted_nanousd=granted_nanousd,
        is_full=is_full,
        slice_nanousd=slice_tokens * OUTPUT_NANOUSD,
        service_tier=None,
        strips_usage=strips_usage,
    )


def hold_for(case: Path, *, output_tokens: int) -> int:
    """Money for the prompt, as the stream itself first reports it if it does, and some output."""
    reader = a_reader(case.parent.name)
    for event in reader.splitter.feed((case / "upstream.sse").read_bytes()):
        seen = reader.observe(event)
        if seen.usage is not None and not seen.is_final_usage:
            prompt = replace(seen.usage, output_tokens=0, reasoning_tokens=0)
            return cost_nanousd(prompt, a_price()) + output_tokens * OUTPUT_NANOUSD
        if seen.has_output:
            break
    return PROMPT_NANOUSD + output_tokens * OUTPUT_NANOUSD


Ledger = Callable[[Extend], int | None]
"""Answers an extension with the hold's new total, or with None for no."""


def refuses(_ask: Extend) -> None:
    return None


def grants_all(ask: Extend) -> int:
    return ask.want_nanousd


def has_left(available_nanousd: int) -> Ledger:
    """Grants whatever is wanted, or the rest, up to a total."""

    def answer(ask: Extend) -> int | None:
        granted = min(ask.want_nanousd, available_nanousd)
        return granted if granted >= ask.least_nanousd else None

    return answer


@dataclass(frozen=True)
class Played:
    """What a client got, and what the stream came to. `asked` are the questions to the ledger."""

    forwarded: bytes
    is_cut: bool
    result: StreamResult
    asked: tuple[Extend, ...]


def play(meter: StreamMeter, chunks: Iterable[bytes], ledger: Ledger, *, is_finished: bool = True) -> Played:
    """Obey a meter as an edge does, with a ledger that answers at once."""
    out = bytearray()
    asked: list[Extend] = []

    def obey(step: Step) -> None:
        out.extend(step.forward)
        ask = step.action.ask if isinstance(step.action, Wait) else step.action
        if not isinstance(ask, Extend):
            return
        asked.append(ask)
        total = ledger(ask)
        obey(meter.denied() if total is None else meter.granted(total, is_full=False))

    is_cut = False
    for chunk in chunks:
        step = meter.feed(chunk)
        obey(step)
        is_cut = isinstance(meter.feed(b"").action, Cut)
        if is_cut:
            break
    if is_finished and not is_cut:
        obey(meter.finish())
    return Played(bytes(out), is_cut, meter.close(), tuple(asked))
