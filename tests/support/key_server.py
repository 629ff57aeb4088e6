"""The key server of an Access team, on this machine."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType

from tests.support.access import key_set
from tests.support.rsa import a_key


class KeyServer:
    """Answers with a team's keys where Access does; the team's first key is `k1`."""

    def __enter__(self) -> "KeyServer":
        answer = key_set(k1=a_key(1))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_there = self.path == "/cdn-cgi/access/certs"
                self.send_response(200 if is_there else 404)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(answer if is_there else b"")

            def log_message(self, format: str, *args: object) -> None:
                """Not among the test's own words."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The team's domain."""
        return f"http://127.0.0.1:{self._server.server_port}"
