"""The control API under `/_mock`: queue scripts, read the journal, ask what is there."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_llm.selling.models import MODELS
from mock_llm.serving.journal import Filter, Journal
from mock_llm.serving.surfaces import BASE_PATHS
from mock_llm.writing.scripts import ScriptError, ScriptQueue, parse_queued

_encode = msgspec.json.encode


class Control:
    """The endpoints, over one journal and one queue of scripts."""

    def __init__(self, journal: Journal, scripts: ScriptQueue) -> None:
        self._journal = journal
        self._scripts = scripts

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/models", self.models, methods=["GET"]),
            Route("/journal", self.read_journal, methods=["GET"]),
            Route("/journal", self.clear_journal, methods=["DELETE"]),
            Route("/journal/summary", self.summary, methods=["GET"]),
            Route("/journal/{entry_id:int}", self.read_entry, methods=["GET"]),
            Route("/journal/{entry_id:int}/body", self.read_body, methods=["GET"]),
            Route("/scripts", self.read_scripts, methods=["GET"]),
            Route("/scripts", self.queue_script, methods=["POST"]),
            Route("/scripts", self.clear_scripts, methods=["DELETE"]),
        ]

    async def health(self, _request: Request) -> Response:
        return _json({"status": "ok", "base_paths": BASE_PATHS})

    async def models(self, _request: Request) -> Response:
        return _json(MODELS)

    async def read_journal(self, request: Request) -> Response:
        wanted = _filter(request)
        if isinstance(wanted, str):
            return _json({"error": wanted}, 400)
        return _json({"entries": self._journal.entries(wanted)})

    async def summary(self, request: Request) -> Response:
        wanted = _filter(request)
        if isinstance(wanted, str):
            return _json({"error": wanted}, 400)
        return _json(self._journal.summary(wanted))

    async def clear_journal(self, _request: Request) -> Response:
        self._journal.clear()
        return _json({"cleared": True})

    async def read_entry(self, request: Request) -> Response:
        entry = self._journal.entry(request.path_params["entry_id"])
        return _json({"error": "no such entry"}, 404) if entry is None else _json(entry)

    async def read_body(self, request: Request) -> Response:
        body = self._journal.body(request.path_params["entry_id"])
        if body is None:
            return _json({"error": "no such body"}, 404)
        return Response(body, media_type="application/octet-stream")

    async def read_scripts(self, _request: Request) -> Response:
        return _json({"scripts": self._scripts.waiting()})

    async def queue_script(self, request: Request) -> Response:
        try:
            self._scripts.push(parse_queued(await request.body()))
        except ScriptError as error:
            return _json({"error": str(error)}, 400)
        return _json({"waiting": len(self._scripts.waiting())}, 201)

    async def clear_scripts(self, _request: Request) -> Response:
        self._scripts.clear()
        return _json({"cleared": True})


_FILTER_NAMES = {"provider": "provider", "model": "model", "tag": "tag", "since": "since_ms"}


def _filter(request: Request) -> Filter | str:
    """The filter in the query, or what is wrong with it."""
    query = dict(request.query_params)
    if unknown := query.keys() - _FILTER_NAMES.keys():
        return f"unknown filter: {', '.join(sorted(unknown))}; known: {', '.join(_FILTER_NAMES)}"
    named = {_FILTER_NAMES[name]: value for name, value in query.items()}
    try:
        return msgspec.convert(named, Filter, strict=False)
    except msgspec.ValidationError as error:
        return str(error)


def _json(document: object, status: int = 200) -> Response:
    return Response(_encode(document), status, media_type="application/json")
