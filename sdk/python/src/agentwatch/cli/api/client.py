"""One question to AgentWatch after the other, each repeated only where that cannot do it twice.

Too many requests (429) were not carried out, and neither was what never left: these are repeated whatever they are.
Where the answer alone is missing, only reading is repeated, and what names itself by an `Idempotency-Key`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import sleep
from typing import Any
from urllib.parse import quote

import httpx

from ..failures import CommandFailed, Exit, usage
from ..profiles.target import Target
from .refusals import answered_by_another, refused, unreachable

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
WAITS_SECONDS = (0.3, 1.0, 2.5)
"""Before each further try."""
RETRY_AFTER_SECONDS_MAX = 120.0
GATEWAY_STATUSES = frozenset({502, 503, 504})

Query = Mapping[str, str | int | None]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    document: Any


def path_of(*segments: str) -> str:
    """A path of ours. What somebody typed is one segment, whatever is in it."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise usage("an id or a name must not be empty, and not . or ..")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


class Api:
    """`say` is told why something takes long."""

    def __init__(self, target: Target, *, say: Callable[[str], None]) -> None:
        self.target = target
        self._say = say
        self._http = httpx.Client(
            base_url=target.base_url,
            headers={
                "authorization": f"Bearer {target.token}",
                "accept": "application/json",
                "user-agent": "agentwatch-cli",
            },
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
        )

    def get(self, path: str, query: Query | None = None) -> Answer:
        return self._ask("GET", path, query=query, is_repeatable=True)

    def put(self, path: str, body: object, *, if_match: str | None = None) -> Answer:
        return self._ask("PUT", path, body=body, headers={} if if_match is None else {"if-match": if_match})

    def post(self, path: str, body: object = None, *, idempotency_key: str | None = None) -> Answer:
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        return self._ask("POST", path, body=body, headers=headers, is_repeatable=idempotency_key is not None)

    def delete(self, path: str, query: Query | None = None) -> Answer:
        return self._ask("DELETE", path, query=query)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = False,
    ) -> Answer:
        """Raises `CommandFailed` for everything that is no answer with a 2xx status."""
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (query or {}).items() if value is not None},
            content=None if body is None else json.dumps(body).encode(),
            headers={**({} if body is None else {"content-type": "application/json"}), **(headers or {})},
        )
        for wait_seconds in (*WAITS_SECONDS, None):
            heard = self._send(request)
            pause = _pause(heard, wait_seconds, is_repeatable=is_repeatable)
            if pause is None:
                break
            if isinstance(heard, httpx.Response) and heard.status_code == 429:
                self._say(f"too many requests: going on in {math.ceil(pause)} s")
            sleep(pause)
        if not isinstance(heard, httpx.Response):
            raise unreachable(heard, self.target, is_written=method != "GET")
        return self._answer(heard, method, path)

    def _send(self, request: httpx.Request) -> httpx.Response | httpx.HTTPError:
        try:
            return self._http.send(request)
        except httpx.HTTPError as error:
            return error
        except httpx.InvalidURL:
            raise CommandFailed(f"{self.target.base_url} is no address", code=Exit.USAGE) from None

    def _answer(self, response: httpx.Response, method: str, path: str) -> Answer:
        document = _document(response)
        if not response.is_success:
            raise refused(response.status_code, response.headers, document, self.target, f"{method} {path}")
        if document is None:
            raise answered_by_another(response.status_code, response.headers, self.target)
        return Answer(response.status_code, response.headers, document)


def _pause(heard: httpx.Response | httpx.HTTPError, wait_seconds: float | None, *, is_repeatable: bool) -> float | None:
    """How long to wait before the same is asked again; None where it is not."""
    if wait_seconds is None:
        return None
    if isinstance(heard, (httpx.ConnectError, httpx.ConnectTimeout)):
        return wait_seconds
    if not isinstance(heard, httpx.Response):
        return wait_seconds if is_repeatable else None
    if heard.status_code == 429:
        return max(wait_seconds, _asked_seconds(heard.headers))
    is_worth_it = heard.status_code in GATEWAY_STATUSES and heard.headers.get("x-should-retry") != "false"
    return wait_seconds if is_repeatable and is_worth_it else None


def _asked_seconds(headers: Mapping[str, str]) -> float:
    """For how long the server asks us to wait, within reason."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if seconds >= 0:
            return min(seconds, RETRY_AFTER_SECONDS_MAX)
    return 0.0


def _document(response: httpx.Response) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None
