"""Meters a streamed answer: what may pass, when to ask for more money, when to cut, and what it
came to.

Theory of operation. A stream is paid for in slices. `StreamMeter.feed` takes the provider's bytes
and returns a `Step`: the bytes that may go to the client now, and an action. Once half of the
present slice is used the action is `Extend`; the edge asks the ledger and goes on feeding, and
tells the meter the answer by `granted` or `denied`. An event whose output the hold does not pay for
is withheld with all that follows it: `Wait` while an answer is due, `Cut` when the last answer was
no. A denial is not yet the end: the meter asks once more when the money is really used up, because
by then other calls may have given theirs back.

The rules easy to break: only whole events are ever forwarded, so the stream can be ended anywhere;
an event is read only when everything before it has been forwarded, so the reader knows what the
client has seen; and what was generated is charged, forwarded or not.
"""

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.bounds import STREAM_WITHHELD_BYTES_MAX
from core.call.bill import StreamBill
from core.call.result import StreamResult, result_of
from core.money.amount import NANOUSD_MAX, UNITS_PER_RATE, cost_of_units
from core.money.price_book import Price
from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import EventTooLarge, SSEEvent
from core.wire.streams.observation import Observation, StreamReader, moment_of, unreadable

LEAST_EXTENSION_TOKENS = 16
"""The smallest extension worth having while money is left."""

SLICE_GROWTH_MAX = 8
"""Slices double up to this many times the first, so that a long answer asks the ledger seldom."""

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode

_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null')


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the bytes, go on."""


@dataclass(frozen=True, slots=True)
class Extend:
    """Send the bytes, ask the ledger for a hold of `want` in all, go on meanwhile."""

    want_nanousd: int
    least_nanousd: int
    metered_nanousd: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Send the bytes, then read no more until the ledger has answered: what was asked, or what
    `ask` asks now."""

    ask: Extend | None


CutReason = Literal["budget", "unreadable"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Send the bytes, then `render_cut`, and stop the provider. Nothing passes after that."""

    reason: CutReason


Action = Forward | Extend | Wait | Cut


@dataclass(frozen=True, slots=True)
class Step:
    """What to do after a chunk: `forward` goes to the client first, whatever the action."""

    forward: bytes
    action: Action


_FORWARD = Forward()


class StreamMeter:
    """Stands in the path of a stream. With `is_full` the hold covers the worst case and nothing is
    ever withheld."""

    def __init__(
        self,
        reader: StreamReader,
        price: Price,
        prompt: Usage,
        *,
        model: str,
        granted_nanousd: int,
        is_full: bool,
        slice_nanousd: int,
        service_tier: str | None,
        strips_usage: bool,
    ) -> None:
        """`slice_nanousd` is the output to pay for at a time. `strips_usage` takes an injected
        `include_usage` back out."""
        assert slice_nanousd > 0, "a stream cannot be extended by nothing"
        self._reader = reader
        self._client_side = reader
        """The reader as it stood at the last byte the client has."""
        self._bill = StreamBill(price, prompt, model=model, service_tier=service_tier)
        self._strips_usage = strips_usage
        self._slice_nanousd = self._first_slice_nanousd = slice_nanousd
        self._withheld: list[SSEEvent] = []
        self._withheld_bytes = 0
        self._is_asking = False
        self._is_denied = False
        self._is_blind = False
        self._is_closed = False
        self._fragment: SSEEvent | None = None
        self._cut: Cut | None = None
        self._result: StreamResult | None = None
        self._take_grant(granted_nanousd, is_full)

    @property
    def granted_nanousd(self) -> int:
        """What is held for the stream in all."""
        return self._granted_nanousd

    @property
    def metered_nanousd(self) -> int:
        """The cost so far, rounded up once."""
        return cost_of_units(self._bill.units())

    @property
    def has_written(self) -> bool:
        """The model has begun its answer; what it did before was thinking."""
        return self._bill.has_written

    def feed(self, chunk: bytes) -> Step:
        """Take the provider's next bytes. After a cut they are charged and go nowhere."""
        if self._is_blind:
            return Step(b"", self._action())
        try:
            events = self._reader.splitter.feed(chunk)
        except EventTooLarge:
            self._is_blind = True
            self._cut_off(Cut("unreadable"))
            events = []
        return self._step(events)

    def granted(self, total_nanousd: int, *, is_full: bool) -> Step:
        """The ledger said yes: the hold is `total_nanousd` in all. Returns what may pass now."""
        self._is_asking = False
        self._is_denied = False
        self._slice_nanousd = min(2 * self._slice_nanousd, SLICE_GROWTH_MAX * self._first_slice_nanousd)
        self._take_grant(total_nanousd, is_full)
        return self._released()

    def denied(self) -> Step:
        """The ledger said no: what is held may still be used up. If it is used up already, the
        stream is cut."""
        self._is_asking = False
        self._is_denied = True
        if self._withheld:
            self._cut_off(Cut("budget"))
        return Step(b"", self._action())

    def ask_now(self) -> Extend | None:
        """Money ahead of need, so that a hold on a slow stream is renewed; None where nothing is to be asked."""
        is_over = self._cut is not None or self._reader.is_ended
        return None if self._is_full or self._is_asking or self._withheld or is_over else self._ask()

    def lapse(self) -> None:
        """The hold may have ended: what comes next waits until the ledger has said yes again."""
        if not self._is_full:
            self._take_grant(self.metered_nanousd, is_full=False)

    def finish(self) -> Step:
        """The provider closed the connection in good order: what was left without its end, if it can be read,
        still passes."""
        self._is_closed = True
        rest = self._reader.splitter.close()
        if rest is None:
            return self._step([])
        if rest.is_terminated:
            return self._step([rest])
        if _is_whole(rest):
            return self._step([msgspec.structs.replace(rest, raw=rest.raw + b"\n\n")])
        self._fragment = rest
        return self._step([])

    def close(self, *, unseen_ms: int = 0) -> StreamResult:
        """The result; any moment will do, and every call returns the first one's.

        `unseen_ms` is how long the model was at work before it wrote, if it may bill reasoning that it never shows.
        """
        if self._result is None:
            self._read_withheld()
            rest = self._fragment or self._reader.splitter.close()
            if rest is not None:
                self._bill.add(self._observed(rest))
            self._bill.allow_for_unseen(unseen_ms)
            self._result = result_of(
                self._reader,
                self._bill,
                estimate_least_nanousd=self._granted_nanousd if self._is_blind else 0,
                estimate_most_nanousd=self._granted_nanousd if self._is_full else NANOUSD_MAX,
                is_cut=self._cut is not None,
                is_closed=self._is_closed,
            )
        return self._result

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool) -> bytes:
        """The bytes that end the stream where the client has it. Nothing when it has ended by
        itself."""
        return self._client_side.render_cut(
            refusal,
            request_id,
            is_soft=is_soft,
            usage=self._bill.usage(),
        )

    def _take_grant(self, total_nanousd: int, is_full: bool) -> None:
        """There is no more money than `NANOUSD_MAX`, so who has it asks no further."""
        self._granted_nanousd = total_nanousd
        self._is_full = is_full or total_nanousd >= NANOUSD_MAX
        self._granted_units = total_nanousd * UNITS_PER_RATE
        self._ask_at_units = (self._granted_units + self._bill.units()) // 2

    def _step(self, events: list[SSEEvent]) -> Step:
        """Forward what the hold pays for, withhold the rest, and say what is to be done."""
        passed = [self._passed(event) for event in events]
        return Step(passed[0] if len(passed) == 1 else b"".join(passed), self._action())

    def _action(self) -> Action:
        if self._cut is not None:
            return self._cut
        if self._withheld_bytes > STREAM_WITHHELD_BYTES_MAX:
            return self._cut_off(Cut("budget"))
        if self._withheld:
            return Wait(None if self._is_asking else self._ask())
        if self._is_full or self._is_asking or self._is_denied:
            return _FORWARD
        if not self._bill.exceeds(self._ask_at_units) or self._reader.is_ended:
            return _FORWARD
        return self._ask()

    def _ask(self) -> Extend:
        """Money for another slice. Less will do: some tokens, or what the first event that waits needs."""
        self._is_asking = True
        metered = self.metered_nanousd
        reached = max(self._granted_nanousd, metered)
        useful = cost_of_units(LEAST_EXTENSION_TOKENS * self._bill.output_units_per_token)
        return Extend(
            want_nanousd=min(reached + max(self._slice_nanousd, useful), NANOUSD_MAX),
            least_nanousd=min(metered if self._withheld else reached + useful, NANOUSD_MAX),
            metered_nanousd=metered,
        )

    def _passed(self, event: SSEEvent) -> bytes:
        """The bytes of this event that may go now: all or none."""
        if self._cut is not None:
            self._bill.add(self._observed(event))
            return b""
        if self._withheld:
            return self._withhold(event)
        before = self._reader if self._is_full else moment_of(self._reader)
        seen = self._observed(event)
        self._bill.add(seen)
        if seen.has_output and not self._is_paid:
            if before.is_ended:
                before.reopen()
            self._client_side = before
            return self._withhold(event)
        return self._as_sent(event, is_usage_only=seen.is_usage_only)

    def _observed(self, event: SSEEvent) -> Observation:
        """What the event shows. A model can be talked into arguments nested so deeply that decoding them would end the
        interpreter; and a provider may put a plain document where events were promised."""
        if event.data is None and event.raw.lstrip()[:1] == b"{":
            event = msgspec.structs.replace(event, data=event.raw.strip())
        if event.data is not None and is_too_deep(event.data):
            return unreadable(event)
        return self._reader.observe(event)

    def _as_sent(self, event: SSEEvent, *, is_usage_only: bool) -> bytes:
        """The event as it would have been had nobody but the caller asked for usage.

        Exact without parsing: inside a JSON string the quotes around `usage` would be escaped.
        """
        if not self._strips_usage or b'"usage"' not in event.raw:
            return event.raw
        return b"" if is_usage_only else _NULL_USAGE.sub(b"", event.raw, count=1)

    def _withhold(self, event: SSEEvent) -> bytes:
        self._withheld.append(event)
        self._withheld_bytes += len(event.raw)
        return b""

    def _cut_off(self, cut: Cut) -> Cut:
        if not self._withheld:
            self._client_side = moment_of(self._reader)
        self._read_withheld()
        self._cut = cut
        return cut

    def _read_withheld(self) -> None:
        """Charge what was generated and will never pass."""
        for event in self._withheld[1:]:
            self._bill.add(self._observed(event))
        self._withheld = []
        self._withheld_bytes = 0

    @property
    def _is_paid(self) -> bool:
        return self._is_full or not self._bill.exceeds(self._granted_units)

    def _released(self) -> Step:
        """Go on with what was withheld. Its first event has been read, the others have not."""
        if not self._withheld or not self._is_paid:
            return Step(b"", self._action())
        first, *others = self._withheld
        self._withheld = []
        self._withheld_bytes = 0
        self._client_side = self._reader
        following = self._step(others)
        released = self._as_sent(first, is_usage_only=False)
        return Step(released + following.forward, following.action)


def _is_whole(rest: SSEEvent) -> bool:
    """The data is complete although the blank line after it is missing."""
    if rest.data is None or is_too_deep(rest.data):
        return False
    if rest.data.startswith(b"[DONE]"):
        return True
    try:
        read_leniently(rest.data, _decode_raw)
    except InvalidJSON:
        return False
    return True
