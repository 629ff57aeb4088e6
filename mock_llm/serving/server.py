"""The HTTP server: uvicorn, with connections that can be reset."""

import functools
import gc
import logging
import socket
import struct
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mock_llm.serving.client import RESET_EXTENSION

KEEP_ALIVE_S = 120
"""Longer than clients pool a connection: the server must not close one under a request."""

BACKLOG = 4_096
GC_THRESHOLDS = (50_000, 20, 100)
"""The journal keeps many objects, which the defaults would walk through every few calls."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ResettableProtocol(H11Protocol):
    """uvicorn's HTTP protocol that also hands the application a way to reset the connection.

    Named, as the event loop is below: left to itself uvicorn takes whichever is installed, and figures measured against
    this server would change with a package that another one brought along.
    """

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        reset = functools.partial(_reset, transport)
        self.app: ASGIApp = functools.partial(_with_reset, self.config.loaded_app, reset)


async def _with_reset(app: ASGIApp, reset: Any, scope: Scope, receive: Receive, send: Send) -> None:
    scope["extensions"] = {**scope.get("extensions", {}), RESET_EXTENSION: reset}
    await app(scope, receive, send)


def _reset(transport: Any) -> None:
    """Makes the kernel send RST in place of a clean end."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; else answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return listener


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answers until the process is told to stop; calls that are running then are dropped silently."""
    gc.set_threshold(*GC_THRESHOLDS)
    config = uvicorn.Config(
        app,
        http=ResettableProtocol,
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=0,
        backlog=BACKLOG,
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(lambda _record: not server.should_exit)
    server.run(sockets=[listener])
