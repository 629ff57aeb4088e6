"""`python -m tests.official.spec_mock openai 4010`: a provider's whole API, as its official client describes it.

Every route answers with the smallest thing that the client takes. It looks at nothing that a request says but whether
a stream is asked for.
"""

import functools
import json
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.official.answers import events, example, joined
from tests.official.spec import Operation, operations

HTTP_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def app(package: str) -> Starlette:
    known = [(each, each.pattern(), set(parse_qsl(each.query))) for each in operations(package)]

    async def answer(request: Request) -> Response:
        body = await request.body()
        query = set(request.query_params.multi_items())
        for operation, pattern, own_query in known:
            if operation.method == request.method and pattern.fullmatch(request.url.path) and own_query <= query:
                return _answer(operation, wants_stream=_wants_stream(query, body))
        return JSONResponse({"error": {"message": "the client has no such route", "type": "not_found"}}, 404)

    return Starlette(routes=[Route("/{path:path}", answer, methods=HTTP_METHODS)])


def _wants_stream(query: set[tuple[str, str]], body: bytes) -> bool:
    """Said in the query, in JSON, or in a form."""
    if ("stream", "true") in query or b'name="stream"\r\n\r\ntrue' in body:
        return True
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("stream") is True


def _answer(operation: Operation, *, wants_stream: bool) -> Response:
    if operation.event is not None and (wants_stream or operation.always_streams):
        return Response(_sse(events(operation.event)), media_type="text/event-stream")
    kind = operation.answers[0]
    if kind is type(None):
        return Response(status_code=204)
    if kind is str:
        return PlainTextResponse("string")
    if "Binary" in getattr(kind, "__name__", ""):
        return Response(b"binary", media_type="application/octet-stream")
    return JSONResponse(functools.reduce(joined, map(example, operation.answers)))


def _sse(several: Iterable[Any]) -> str:
    named = (f"event: {each['type']}\n" if "type" in each else "" for each in several)
    return (
        "".join(f"{name}data: {json.dumps(each)}\n\n" for name, each in zip(named, several, strict=True))
        + "data: [DONE]\n\n"
    )


def main(package: Annotated[str, typer.Argument(help="openai, anthropic or groq.")], port: int) -> None:
    """Serve until it is stopped."""
    uvicorn.run(app(package), port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    typer.run(main)
