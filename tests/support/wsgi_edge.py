"""The edge as a WSGI application, for tools that drive one: `app.handle` in memory, one request at a time.

Each operation is asked in a world of its own, which a header names, so that what one changes is nothing to another.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from app import handle
from tests.support.inbound import an_inbound
from tests.support.own_routes import Asker

WORLD_HEADER = "x-world"


class WsgiEdge:
    def __init__(self) -> None:
        self._askers: dict[str, Asker] = {}

    def world_of(self, name: str) -> Asker:
        if name not in self._askers:
            self._askers[name] = Asker().lives()
        return self._askers[name]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = _headers_of(environ)
        asker = self.world_of(headers.pop(WORLD_HEADER, ""))
        asker.world.pass_time(1_000)
        path, query = environ["REQUEST_URI"].partition("?")[0], environ["QUERY_STRING"]
        length_bytes = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length_bytes) if length_bytes else b""
        inbound = an_inbound(environ["REQUEST_METHOD"], path, query, headers, body)
        answer = asker.world.run(handle(inbound, asker.world.ports(), asker.isolate))
        asker.world.records.clear()
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]


def _headers_of(environ: dict[str, Any]) -> dict[str, str]:
    """As a `Headers` of the platform gives them: names in lower case, values without blanks around."""
    named = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        named["CONTENT_TYPE"] = environ["CONTENT_TYPE"]
    return {name.lower().replace("_", "-"): value.strip() for name, value in named.items()}
