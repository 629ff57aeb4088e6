"""How an answer reaches the client: at its pace, whole or in pieces, or not at all when the script
says so.

Theory of operation. A token is generated when its moment has come, whether or not the client sees
it; the journal's entry counts as it goes. Moments are counted from the first one, so a late wake-up
is caught up, not added up. When the client leaves, generation stops where it is. A fault comes
after a given number of tokens, or at the end of an answer that is shorter. `deliver` returns how
the call ended and what it had generated, and closes nothing.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from mock_llm.serving.client import Client
from mock_llm.serving.journal import Ending, Entry
from mock_llm.serving.surfaces import HeaderList
from mock_llm.wire.failures import scripted
from mock_llm.writing.calls import Call, Wire
from mock_llm.writing.plan import Channel, steps
from mock_llm.writing.scripts import STREAM_PACE_MS_DEFAULT, Script

FRAMES_BETWEEN_YIELDS = 16
"""An unpaced stream lets other calls run, and notices a disconnect, this often."""

STREAM_ERROR = "The server had an error while processing your request."

Channels = list[int]
"""Tokens generated so far, indexed by `Channel`."""


class FaultKind(StrEnum):
    CUT = "cut"
    ERROR = "error"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    after_tokens: int
    after_prelude: bool = False
    """What a stream sends before its first token goes out first."""

    @property
    def comes_at_once(self) -> bool:
        """Before the status line."""
        return self.after_tokens == 0 and not self.after_prelude and self.kind is not FaultKind.ERROR

    def is_due(self, generated_tokens: int, channel: Channel | None) -> bool:
        """Before this frame of a stream."""
        return generated_tokens == self.after_tokens and (channel is not None or not self.after_prelude)


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a call ended."""

    ending: Ending
    channels: Channels


def find_fault(script: Script, total_tokens: int) -> Fault | None:
    """The script's first fault, at the latest where the answer ends."""
    scripted_after = {
        FaultKind.CUT: script.cut_after_tokens,
        FaultKind.ERROR: script.error_after_tokens,
        FaultKind.HANG: script.hang_after_tokens,
    }
    faults = [
        Fault(kind, min(after, total_tokens), script.after_prelude)
        for kind, after in scripted_after.items()
        if after is not None
    ]
    return min(faults, key=lambda fault: fault.after_tokens, default=None)


@dataclass(frozen=True, slots=True)
class Answering:
    """An accepted call on its way to its client."""

    client: Client
    wire: Wire
    call: Call
    entry: Entry
    headers: HeaderList


async def deliver(answering: Answering) -> Delivered:
    """Sends the answer. Raises Failure when the script fails a call that is not streamed."""
    client, call = answering.client, answering.call
    fault = find_fault(call.script, sum(call.channel_totals))
    if call.ask.is_stream or call.script.asks_for_waiting:
        client.watch()
    try:
        if call.script.first_byte_delay_ms:
            await client.pause_until(client.now_s() + call.script.first_byte_delay_ms / 1000)
        if client.is_gone:
            return Delivered("client_disconnected", [0, 0, 0, 0])
        if fault is not None and fault.comes_at_once:
            return await _end_by_fault(client, fault, [0, 0, 0, 0])
        if call.ask.is_stream:
            return await _Stream(answering, fault).run()
        return await _deliver_whole(answering, fault)
    finally:
        client.unwatch()


async def _end_by_fault(client: Client, fault: Fault, channels: Channels) -> Delivered:
    if fault.kind is FaultKind.HANG:
        await client.pause_until(None)
        return Delivered("client_disconnected", channels)
    await client.reset()
    return Delivered("fault_cut", channels)


# --- whole ----------------------------------------------------------------------------------------


async def _deliver_whole(answering: Answering, fault: Fault | None) -> Delivered:
    client, call, entry = answering.client, answering.call, answering.entry
    planned = fault.after_tokens if fault is not None else sum(call.channel_totals)
    entry.generated_tokens = await _generate_silently(client, call, planned)
    channels = _first_channels(call, entry.generated_tokens)
    if client.is_gone:
        return Delivered("client_disconnected", channels)
    if fault is None:
        await _send_whole(answering)
        entry.delivered_tokens = entry.generated_tokens
        return Delivered("complete", channels)
    if fault.kind is FaultKind.ERROR:
        raise scripted(500, None)
    if fault.kind is FaultKind.CUT:
        await _send_half(answering)
    return await _end_by_fault(client, fault, channels)


async def _send_whole(answering: Answering) -> None:
    body = answering.wire.answer(answering.call)
    if answering.call.script.malformed:
        body = body[: len(body) * 2 // 3]
    length = (b"content-length", b"%d" % len(body))
    await answering.client.start(200, [*answering.headers, length])
    await answering.client.write(body, is_last=True)


async def _send_half(answering: Answering) -> None:
    body = answering.wire.answer(answering.call)
    length = (b"content-length", b"%d" % len(body))
    await answering.client.start(200, [*answering.headers, length])
    await answering.client.write(body[: len(body) // 2])


async def _generate_silently(client: Client, call: Call, planned: int) -> int:
    """Takes as long as `planned` tokens do; how many there are when that, or the client, ends."""
    pace_s = (call.script.pace_ms or 0.0) / 1000
    if not pace_s:
        return planned
    began_s = client.now_s()
    await client.pause_until(began_s + planned * pace_s)
    if not client.is_gone:
        return planned
    return min(planned, int((client.now_s() - began_s) / pace_s))


def _first_channels(call: Call, generated: int) -> Channels:
    if generated == sum(call.channel_totals):
        return list(call.channel_totals)
    channels = [0, 0, 0, 0]
    for step in islice(steps(call.choices), generated):
        channels[step.channel] += 1
    return channels


# --- streamed -------------------------------------------------------------------------------------


class _Stream:
    """Sends one stream frame by frame."""

    def __init__(self, answering: Answering, fault: Fault | None) -> None:
        script = answering.call.script
        pace_ms = STREAM_PACE_MS_DEFAULT if script.pace_ms is None else script.pace_ms
        self._answering = answering
        self._client = answering.client
        self._entry = answering.entry
        self._fault = fault
        self._pace_s = pace_ms / 1000
        self._channels: Channels = [0, 0, 0, 0]
        self._outlet = _Outlet(answering.client, script.chunk_bytes)
        self._must_break_an_event = script.malformed

    async def run(self) -> Delivered:
        wire, call = self._answering.wire, self._answering.call
        assert wire.frames is not None
        await self._client.start(200, self._answering.headers)
        began_s = self._client.now_s()
        for number, (data, channel) in enumerate(wire.frames(call)):
            if self._fault is not None and self._fault.is_due(self._entry.generated_tokens, channel):
                return await self._break_off(self._fault)
            if channel is not None:
                await self._wait_for_token(began_s)
            if not self._pace_s and number % FRAMES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
            if self._client.is_gone:
                return Delivered("client_disconnected", self._channels)
            await self._send(data, channel)
        return await self._finish()

    async def _wait_for_token(self, began_s: float) -> None:
        due_s = began_s + (self._entry.generated_tokens + 1) * self._pace_s
        if due_s > self._client.now_s():
            await self._client.pause_until(due_s)

    async def _send(self, data: bytes, channel: Channel | None) -> None:
        if channel is not None:
            self._channels[channel] += 1
            self._entry.generated_tokens += 1
            if self._must_break_an_event and data:
                self._must_break_an_event = False
                data = _broken(data)
        self._entry.delivered_tokens += await self._outlet.send(data, is_token=channel is not None)

    async def _finish(self) -> Delivered:
        self._entry.delivered_tokens += await self._outlet.flush()
        if self._client.is_gone:
            return Delivered("client_disconnected", self._channels)
        await self._client.write(b"", is_last=True)
        return Delivered("complete", self._channels)

    async def _break_off(self, fault: Fault) -> Delivered:
        self._entry.delivered_tokens += await self._outlet.flush()
        if fault.kind is not FaultKind.ERROR:
            return await _end_by_fault(self._client, fault, self._channels)
        wire, call = self._answering.wire, self._answering.call
        assert wire.stream_error is not None
        told = call.script.error_event
        event = wire.stream_error(call, STREAM_ERROR) if told is None else told.encode()
        await self._client.write(event, is_last=True)
        return Delivered("fault_cut", self._channels)


def _broken(data: bytes) -> bytes:
    """An event whose JSON ends in the middle, while the stream around it stays whole."""
    event = data.rstrip(b"\r\n")
    return event[: len(event) * 2 // 3] + data[len(event) :]


class _Outlet:
    """Writes frames as they come, or re-cut into chunks of one size; says how many tokens left."""

    def __init__(self, client: Client, chunk_bytes: int | None) -> None:
        self._client = client
        self._chunk_bytes = chunk_bytes
        self._waiting = bytearray()
        self._passed = 0
        self._token_ends: deque[int] = deque()

    async def send(self, data: bytes, *, is_token: bool) -> int:
        if self._chunk_bytes is None:
            if data:
                await self._client.write(data)
            return int(is_token)
        self._waiting += data
        if is_token:
            self._token_ends.append(self._passed + len(self._waiting))
        while len(self._waiting) >= self._chunk_bytes:
            await self._write(self._chunk_bytes)
        return self._tokens_gone()

    async def flush(self) -> int:
        if self._waiting:
            await self._write(len(self._waiting))
        return self._tokens_gone()

    async def _write(self, size: int) -> None:
        chunk = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._passed += len(chunk)
        await self._client.write(chunk)

    def _tokens_gone(self) -> int:
        gone = 0
        while self._token_ends and self._token_ends[0] <= self._passed:
            self._token_ends.popleft()
            gone += 1
        return gone


def content_headers(call: Call) -> HeaderList:
    """An event stream is not to be cached; everything else is JSON."""
    if not call.ask.is_stream:
        return [(b"content-type", b"application/json")]
    if not call.ask.form.is_sse:
        return [(b"content-type", b"application/json; charset=UTF-8")]
    return [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
    ]
