"""AgentWatch's edge as a test wants it: in a thread, on a free port, with the behaviour of each route as a function.

What was asked is in `received`. It can be mute, slow, hang up or refuse, which a mock inside the process could not.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    status: int = 200
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    bytes_per_second: int | None = None


MUTE = "mute"
HANG_UP = "hang up"
Behaviour = Callable[[Received], "Reply | str"]

FINE = {
    "exceeded": False,
    "spent_usd": 0.1,
    "limit_usd": 5.0,
    "cumulative_tokens": 10,
    "remaining_usd": 4.9,
    "held_usd": 0.0,
    "paused": False,
    "source": "ledger",
}


def budget_refusal(spent: str = "5.00", limit: str = "5.00", code: str = "budget_exhausted") -> Reply:
    error = {"message": "no", "type": "budget_error", "code": code, "param": None, "request_id": "req_1"}
    error |= {"scope": "session", "scope_id": "s", "limit_usd": limit, "spent_usd": spent, "held_usd": "0"}
    return Reply(402, {"error": error}, {"x-should-retry": "false"})


def refusal(status: int, code: str = "invalid_token", **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"message": "no", "type": "error", "code": code, "param": None}}, names)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Whoever gave up on an answer closes its connection."""


class ScriptedEdge:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.lock = threading.Lock()
        self.on_check: Behaviour = lambda _: Reply(200, FINE)
        self.on_hold: Behaviour = _granted
        self.on_ingest: Behaviour = _accepted
        self.over = threading.Event()
        edge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                edge.handle(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                return

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        names = {name.lower(): value for name, value in handler.headers.items()}
        received = Received(handler.command, handler.path, names, body)
        with self.lock:
            self.received.append(received)
        reply = self._behaviour(received)(received)
        if isinstance(reply, str):
            if reply == MUTE:
                self.over.wait(30)
            handler.close_connection = True
            return
        self._answer(handler, reply)

    def _behaviour(self, received: Received) -> Behaviour:
        if "/v1/budget-check" in received.path:
            return self.on_check
        return self.on_hold if "/v1/holds" in received.path else self.on_ingest

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        body = reply.body if reply.body is not None else json.dumps(reply.document).encode()
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        if reply.bytes_per_second is None:
            handler.wfile.write(body)
            return
        for position in range(len(body)):
            handler.wfile.write(body[position : position + 1])
            handler.wfile.flush()
            if self.over.wait(1 / reply.bytes_per_second):
                return

    def of(self, route: str) -> list[Received]:
        with self.lock:
            return [each for each in self.received if route in each.path]

    @property
    def checks(self) -> list[Received]:
        return self.of("/v1/budget-check")

    @property
    def holds(self) -> list[Received]:
        return self.of("/v1/holds")

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Of all requests, taken or not."""
        documents = [each.document for each in self.of("/v1/ingest")]
        return [report for document in documents for report in document.get("reports", [document])]


def _granted(received: Received) -> Reply:
    hold_id = received.document["hold_id"]
    document = {"hold_id": hold_id, "held_usd": "0.01", "expires_at_ms": 1, "output_tokens_max": None, "budget": None}
    return Reply(200, document)


def _accepted(received: Received) -> Reply:
    reports = received.document.get("reports")
    if reports is None:
        return Reply(200, body=b"Success")
    return Reply(200, {"accepted": len(reports), "refused": []})


@contextmanager
def scripted_edge() -> Iterator[ScriptedEdge]:
    edge = ScriptedEdge()
    thread = threading.Thread(target=edge.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield edge
    finally:
        edge.over.set()
        edge.server.shutdown()
        edge.server.server_close()
        thread.join()
