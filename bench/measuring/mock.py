"""The mock providers, asked by their control API: how they answer, and what they were asked and billed."""

import json
import time
from typing import Any
from urllib.request import Request, urlopen

from bench.measuring.http_client import LoadError

FOR_EVERY_CALL = 10_000_000
ENDED_TIMEOUT_S = 60.0


def play(mock_url: str, script: str) -> None:
    """From now on every call is answered by this script, whatever lies between it and its caller."""
    _control(mock_url, "DELETE", "scripts")
    _control(mock_url, "POST", "scripts", {"script": script, "times": FOR_EVERY_CALL})


def clear_journal(mock_url: str) -> None:
    _control(mock_url, "DELETE", "journal")


def ended_entries(mock_url: str) -> list[dict[str, Any]]:
    """The journal since it was cleared, once no call is running any more."""
    deadline_s = time.monotonic() + ENDED_TIMEOUT_S
    while time.monotonic() < deadline_s:
        entries: list[dict[str, Any]] = _control(mock_url, "GET", "journal")["entries"]
        if all(entry["ended"] != "running" for entry in entries):
            return entries
        time.sleep(0.2)
    raise LoadError("the provider's calls did not end")


def _control(mock_url: str, method: str, path: str, document: Any = None) -> Any:
    body = None if document is None else json.dumps(document).encode()
    headers = {"content-type": "application/json"}
    with urlopen(Request(f"{mock_url}/_mock/{path}", body, headers, method=method), timeout=30) as response:
        return json.loads(response.read())
