"""The deployment as it answers over HTTP, to whoever sets it up or looks whether it is well.

Whatever happens on the way is a value: no answer has a status of None and says why. The rule easy to break: a token
goes to the address it belongs to, so redirects are answers and never followed.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 30
BODY_BYTES_MAX = 4_000_000


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


@dataclass(frozen=True)
class Reply:
    status: int | None
    """None where nobody answered."""
    body: Any = None
    """As JSON, or the text where it is none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    reason: str = ""
    """Why nobody answered."""

    @property
    def is_ours(self) -> bool:
        """AgentWatch answered, not somebody before it or behind it."""
        return "x-agentwatch-request-id" in self.headers

    @property
    def error(self) -> Mapping[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}

    @property
    def words(self) -> str:
        """What was answered, in one line."""
        if self.status is None:
            return f"no answer ({self.reason})"
        said = str(self.error.get("message") or "")
        return f"status {self.status}" + (f": {said[:300]}" if said else "")

    def get(self, *names: str) -> Any:
        """A member of the answer, or None where there is none."""
        found = self.body
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True)
class Deployed:
    """An address and a token for it."""

    url: str
    token: str = field(default="", repr=False)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: object, **headers: str) -> Reply:
        return self.ask("POST", path, body, **headers)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Header names with underscores for dashes."""
        request = urllib.request.Request(self.url.rstrip("/") + path, method=method)
        request.add_header("user-agent", "agentwatch-cli")
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as response:
                return _reply(response.status, response.headers, response.read(BODY_BYTES_MAX))
        except urllib.error.HTTPError as refused:
            with refused:
                return _reply(refused.code, refused.headers, refused.read(BODY_BYTES_MAX))
        except urllib.error.URLError as fault:
            return Reply(None, reason=str(fault.reason))
        except (OSError, ValueError, http.client.HTTPException) as fault:
            return Reply(None, reason=str(fault) or type(fault).__name__)


def _reply(status: int, headers: Any, content: bytes) -> Reply:
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = text
    return Reply(status, body, {str(name).lower(): str(value) for name, value in headers.items()})
