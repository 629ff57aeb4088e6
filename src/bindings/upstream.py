"""Providers over `fetch`, and the one way a stream travels through Python.

A stream is piped by the platform into a `TransformStream` whose callbacks are Python: `transform` sees each chunk,
`cancel` hears that the client has gone, and the pipe's own end says how the provider ended. The pipe leaves the
writable side open at its end, so that last words (a cut, a truncation) can still be said to the client.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from js import AbortController, AbortSignal, TransformStream, clearTimeout, fetch, setTimeout
from pyodide.ffi import create_proxy, to_js

from bindings.ffi import JS_FAULTS, bytes_to_js, headers_from_js, object_to_js
from ports import (
    AttemptFailed,
    Body,
    Relay,
    Relayed,
    StreamEnding,
    UpstreamAnswer,
    UpstreamBroken,
    UpstreamRequest,
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
        if request.body is not None:
            init.body = bytes_to_js(request.body)
        timer = setTimeout(controller.abort.bind(controller), request.first_byte_timeout_ms)
        try:
            response = await fetch(request.url, init)
        except JS_FAULTS:
            return self._failure(controller)
        finally:
            clearTimeout(timer)
        return FetchAnswer(response, controller, self._defer)

    def _failure(self, controller: Any) -> AttemptFailed:
        if self._client_signal.aborted:
            return AttemptFailed("client_gone")
        return AttemptFailed("first_byte_timeout" if controller.signal.aborted else "unreachable")


class FetchAnswer:
    """`UpstreamAnswer` over a JavaScript `Response`."""

    def __init__(self, response: Any, controller: Any, defer: Defer) -> None:
        self._response = response
        self._controller = controller
        self._defer = defer
        self.status: int = response.status
        self.headers: Mapping[str, str] = headers_from_js(response.headers)

    async def read(self) -> bytes:
        try:
            buffer = await self._response.arrayBuffer()
        except JS_FAULTS as fault:
            raise UpstreamBroken from fault
        return bytes(buffer.to_bytes())

    def untouched(self) -> Body:
        return self._response.body

    def relayed(self, relay: Relay) -> Body:
        passage = _Passage(relay, self._controller)
        self._defer(passage.run(self._response.body))
        return passage.readable


class _Passage:
    """One stream on its way through a relay."""

    def __init__(self, relay: Relay, upstream_abort: Any) -> None:
        self._relay = relay
        self._upstream_abort = upstream_abort
        self._ending: StreamEnding = "complete"
        self._client_left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._proxies = [
            create_proxy(self._start),
            create_proxy(self._transform),
            create_proxy(self._cancel),
        ]
        transformer = object_to_js({})
        transformer.start, transformer.transform, transformer.cancel = self._proxies
        self._stream = TransformStream.new(transformer)
        self.readable = self._stream.readable

    async def run(self, body: Any) -> None:
        """Pipe to the end, let the relay close the account, and say its last words."""
        piped = body.pipeTo(self._stream.writable, object_to_js({"preventClose": True, "preventAbort": True}))
        # Once the client has gone, workerd may leave the pipe's promise pending for ever.
        await asyncio.wait((piped, self._client_left), return_when=asyncio.FIRST_COMPLETED)
        if piped.done() and piped.exception() is not None and self._ending == "complete":
            self._ending = "broken"
        last = await self._relay.ended(self._ending)
        if self._ending != "client_disconnected":
            self._say_last(last)
        for proxy in self._proxies:
            proxy.destroy()

    def _say_last(self, last: bytes) -> None:
        try:
            if last:
                self._controller.enqueue(bytes_to_js(last))
            self._controller.terminate()
        except JS_FAULTS:
            # The client left between the provider's end and ours: nobody is there to hear it.
            return

    def _start(self, controller: Any) -> None:
        self._controller = controller

    def _transform(self, chunk: Any, controller: Any) -> Awaitable[None] | None:
        relayed = self._relay.feed(bytes(chunk.to_bytes()))
        self._obey(relayed)
        if relayed.wait is None:
            return None
        return asyncio.ensure_future(self._obey_later(relayed.wait))

    async def _obey_later(self, wait: Awaitable[Relayed]) -> None:
        relayed = await wait
        self._obey(relayed)

    def _obey(self, relayed: Relayed) -> None:
        if relayed.forward:
            self._controller.enqueue(bytes_to_js(relayed.forward))
        if relayed.is_cut and self._ending == "complete":
            self._ending = "cut"
            self._upstream_abort.abort()

    def _cancel(self, reason: Any) -> None:
        if self._ending == "complete":
            self._ending = "client_disconnected"
            self._upstream_abort.abort()
            self._client_left.set_result(None)
