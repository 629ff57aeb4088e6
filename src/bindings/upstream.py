"""Providers over `fetch`. What a stream does between provider and client is `passage.mjs`, in JavaScript.

A metered stream calls Python for each chunk; one that is paid for in full wakes it a few times. Python closes the
account of both and says their last words.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import msgspec
from pyodide.ffi import create_proxy

from bindings.ffi import bytes_to_js, own_javascript, text_or_none
from bindings.pieces import Outgoing
from core.bounds import ANSWER_BYTES_MAX, ANSWER_END_BYTES, ANSWERS_BYTES_MAX
from ports import (
    AttemptFailed,
    Body,
    FailureKind,
    Relay,
    Relayed,
    StreamEnding,
    TooLong,
    UpstreamAnswer,
    UpstreamRequest,
    Watch,
)

Defer = Callable[[Any], None]

READ_AT_ONCE_BYTES_MAX = 64 * 1024
"""A longer request is let go as soon as the provider begins to answer, since the answer's body may take minutes."""


class FetchUpstream:
    """`Upstream` for one incoming request, whose abort signal every attempt obeys."""

    def __init__(self, client_signal: Any, defer: Defer) -> None:
        self._client_signal = client_signal
        self._defer = defer

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer | AttemptFailed:
        init = msgspec.json.encode({"method": request.method, "headers": request.headers}).decode()
        body = None if request.body is None else Outgoing(request.body)
        is_read = request.is_read_whole and len(request.body or b"") <= READ_AT_ONCE_BYTES_MAX
        room = (ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX) if is_read else ()
        try:
            answer = await own_javascript("upstream").send(
                self._client_signal,
                request.url,
                init,
                None if body is None else body.js_body,
                request.first_byte_timeout_ms,
                *room,
            )
        finally:
            if body is not None:
                body.close()
        status = answer.status
        if status is None:
            return AttemptFailed(answer.failure)
        return FetchAnswer(answer, status, self._defer)


class FetchAnswer:
    """`UpstreamAnswer` over an `Answer` of `upstream.mjs`."""

    def __init__(self, answer: Any, status: int, defer: Defer) -> None:
        self._answer = answer
        self._defer = defer
        self.status = status
        self.headers: Mapping[str, str] = msgspec.json.decode(answer.headers, type=dict[str, str])
        self.answered_at_ms: int = answer.answeredAtMs

    async def read(self) -> bytes | TooLong | AttemptFailed:
        answer = self._answer
        if not answer.isRead:
            await answer.read(ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX)
        whole = answer.take()
        if whole is not None:
            return bytes(whole.to_bytes())
        return TooLong() if answer.isTooLong else AttemptFailed(answer.failure)

    async def begun(self, watch: Watch, *, silence_ms: int, hold_back_ms: int) -> AttemptFailed | None:
        proxy = create_proxy(lambda chunk: watch.feed(bytes(chunk.to_bytes())))
        try:
            ending = await self._answer.begun(proxy, silence_ms, hold_back_ms)
        finally:
            proxy.destroy()
        if ending in get_args(FailureKind):
            return AttemptFailed(ending)
        if ending == "over":
            watch.close()
        return None

    def discard(self) -> None:
        self._answer.discard()

    def untouched(self) -> Body:
        return self._answer.untouched()

    def relayed(self, relay: Relay) -> Body:
        judge = _Judge(relay) if relay.hearing == "judges" else None
        proxy = None if judge is None else create_proxy(judge.see)
        kept_bytes = ANSWER_END_BYTES if relay.hearing == "hears_the_end" else None
        passage = self._answer.passage(relay.strips_usage, proxy, kept_bytes)
        if judge is not None:
            judge.passage = passage
        self._defer(_attend(passage, relay, proxy))
        return passage.readable


async def _attend(passage: Any, relay: Relay, judge: Any) -> None:
    """Let the relay hear what it has not seen, close its account whatever was raised, and say its last words."""
    words = None
    ending: StreamEnding = "broken"
    try:
        try:
            ending = await _heard(passage, relay)
        finally:
            last = await relay.ended(ending, first_chunk_at_ms=_number_or_none(passage.firstChunkAtMs))
            words = None if last is None else bytes_to_js(last)
    finally:
        passage.close(words)
        if judge is not None:
            judge.destroy()


async def _heard(passage: Any, relay: Relay) -> StreamEnding:
    """How the stream ended, once the relay has heard all of it."""
    while True:
        await passage.listen()
        ending: StreamEnding | None = text_or_none(passage.ending)
        piece = passage.hear()
        if piece.length and relay.feed(bytes(piece.to_bytes())).is_cut:
            passage.cut()
        if ending is not None:
            return ending


def _number_or_none(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


class _Judge:
    """Sees every chunk of one stream and does with it what the relay says."""

    passage: Any

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def see(self, chunk: Any) -> Awaitable[None] | None:
        relayed = self._relay.feed(bytes(chunk.to_bytes()))
        self._obey(relayed)
        return None if relayed.wait is None else asyncio.ensure_future(self._obey_later(relayed))

    async def _obey_later(self, relayed: Relayed) -> None:
        """Nothing more is read before the ledger has answered, as often as it is asked again."""
        while relayed.wait is not None:
            relayed = await relayed.wait
            self._obey(relayed)

    def _obey(self, relayed: Relayed) -> None:
        if relayed.forward:
            self.passage.forward(bytes_to_js(relayed.forward))
        if relayed.is_cut:
            self.passage.cut()
