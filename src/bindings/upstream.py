"""Providers over `fetch`. What a stream does between provider and client is `passage.mjs`, in JavaScript.

A metered stream calls Python for each chunk; one that is paid for in full wakes it a few times. Python closes the
account of both and says their last words.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from js import AbortController, AbortSignal, clearTimeout, fetch, setTimeout
from pyodide.ffi import create_proxy, to_js

from bindings.ffi import JS_FAULTS, bytes_to_js, headers_from_js, object_to_js, own_javascript, text_or_none
from bindings.pieces import Outgoing
from core.bounds import ANSWER_BYTES_MAX, ANSWER_END_BYTES, ANSWERS_BYTES_MAX
from ports import (
    AttemptFailed,
    Body,
    Relay,
    Relayed,
    StreamEnding,
    TooLong,
    UpstreamAnswer,
    UpstreamRequest,
    Watch,
)

Defer = Callable[[Any], None]


class FetchUpstream:
    """`Upstream` for one incoming request, whose abort signal every attempt obeys."""

    def __init__(self, client_signal: Any, defer: Defer) -> None:
        self._client_signal = client_signal
        self._defer = defer

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer | AttemptFailed:
        controller = AbortController.new()
        signal = AbortSignal.any(to_js([self._client_signal, controller.signal]))
        init = object_to_js({"method": request.method, "headers": request.headers, "redirect": "manual"})
        init.signal = signal
        body = None if request.body is None else Outgoing(request.body)
        if body is not None:
            init.body = body.js_body
        timer = setTimeout(controller.abort.bind(controller), request.first_byte_timeout_ms)
        try:
            response = await fetch(request.url, init)
        except JS_FAULTS:
            return self._failure(controller)
        finally:
            clearTimeout(timer)
            if body is not None:
                body.close()
        return FetchAnswer(response, controller, self._client_signal, self._defer)

    def _failure(self, controller: Any) -> AttemptFailed:
        if self._client_signal.aborted:
            return AttemptFailed("client_gone")
        return AttemptFailed("first_byte_timeout" if controller.signal.aborted else "connection_lost")


class FetchAnswer:
    """`UpstreamAnswer` over a JavaScript `Response`."""

    def __init__(self, response: Any, controller: Any, client_signal: Any, defer: Defer) -> None:
        self._response = response
        self._controller = controller
        self._client_signal = client_signal
        self._defer = defer
        self.status: int = response.status
        self.headers: Mapping[str, str] = headers_from_js(response.headers)
        self._source: Any = None
        """The body as far as it was read in vain: a passage goes on from there."""

    async def read(self) -> bytes | TooLong | AttemptFailed:
        try:
            whole = await self._body().whole(ANSWER_BYTES_MAX, ANSWERS_BYTES_MAX)
        except JS_FAULTS:
            return AttemptFailed("client_gone" if self._client_signal.aborted else "connection_lost")
        return TooLong() if whole is None else bytes(whole.to_bytes())

    async def begun(self, watch: Watch, *, silence_ms: int, hold_back_ms: int) -> AttemptFailed | None:
        proxy = create_proxy(lambda chunk: watch.feed(bytes(chunk.to_bytes())))
        try:
            ending = await self._body().begun(proxy, silence_ms, hold_back_ms)
        except JS_FAULTS:
            return AttemptFailed("client_gone" if self._client_signal.aborted else "connection_lost")
        finally:
            proxy.destroy()
        if (
            ending == "silent"
        ):  # an abort may leave a read pending for ever: who has left is no silence of the provider's
            return AttemptFailed("client_gone" if self._client_signal.aborted else "first_byte_timeout")
        if ending == "over":
            watch.close()
        return None

    def discard(self) -> None:
        self._controller.abort()
        self._body().discard()

    def untouched(self) -> Body:
        return self._response.body

    def relayed(self, relay: Relay) -> Body:
        judge = _Judge(relay) if relay.hearing == "judges" else None
        proxy = None if judge is None else create_proxy(judge.see)
        passage = own_javascript("passage").Passage.new(
            self._source or self._response.body,
            self._controller,
            self._client_signal,
            relay.strips_usage,
            proxy,
            ANSWER_END_BYTES if relay.hearing == "hears_the_end" else None,
        )
        if judge is not None:
            judge.passage = passage
        self._defer(_attend(passage, relay, proxy))
        return passage.readable

    def _body(self) -> Any:
        if self._source is None:
            self._source = own_javascript("bodies").Body.new(self._response.body)
        return self._source


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
