"""A webhook's other end on this machine: it answers by the path it is asked for, and keeps what it was told."""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENDLESS = -1
"""In place of a status: 200, and a body without an end."""

HANG = -2
"""In place of a status: no answer for longer than anybody waits."""

Script = dict[str, list[tuple[int, dict[str, str]]]]


@dataclass
class Told:
    at_s: float
    body: Any
    headers: dict[str, str]


@dataclass
class LocalReceiver:
    """Use it as a context manager. `script` has the answers by path, in turn; afterwards, and elsewhere, it is 200."""

    script: Script
    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    hang_s: float = 25

    def __enter__(self) -> "LocalReceiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._take(self)

            def do_GET(self) -> None:
                receiver._take(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.told[request.path].append(Told(time.monotonic(), json.loads(body or b"null"), headers))
        answers = self.script.get(request.path)
        status, more = answers.pop(0) if answers else (200, {})
        if status == HANG:
            time.sleep(self.hang_s)
        request.send_response(200 if status < 0 else status)
        for name, value in more.items():
            request.send_header(name, value)
        if status == ENDLESS:
            self._go_on(request)
        else:
            request.send_header("content-length", "0")
            request.end_headers()

    def _go_on(self, request: BaseHTTPRequestHandler) -> None:
        request.send_header("transfer-encoding", "chunked")
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"400\r\n" + b"x" * 1_024 + b"\r\n")
        except OSError:
            self.told["hung up"].append(Told(time.monotonic(), None, {}))
            request.close_connection = True
