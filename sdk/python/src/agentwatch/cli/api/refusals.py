"""Answers that say no, and answers that do not come: which exit code each has, in which words, and what to do next.

What AgentWatch says is shown as it says it. What another program says in its place is not shown at all: pages of
proxies are long, and may repeat what they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from ..failures import CommandFailed, Exit
from ..profiles.target import Target

_EXITS = {
    401: Exit.REFUSED,
    403: Exit.REFUSED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    502: Exit.UNREACHABLE,
    503: Exit.UNREACHABLE,
    504: Exit.UNREACHABLE,
}
MISTAKES_SHOWN_MAX = 50


class Refused(CommandFailed):
    """AgentWatch said no."""

    def __init__(self, status: int, error: Mapping[str, Any], failure: CommandFailed) -> None:
        super().__init__(failure.message, code=failure.code, advice=failure.advice, document=failure.document)
        self.status = status
        self.error = error


def refused(status: int, headers: Mapping[str, str], document: Any, target: Target, asked: str) -> CommandFailed:
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return answered_by_another(status, headers, target)
    code, message = error.get("code"), error.get("message")
    lines = [f"{asked}: {message} ({status} {code})"]
    lines += [f"  {each}" for each in _mistakes(error)]
    if error.get("request_id"):
        lines.append(f"  request {error['request_id']}")
    failure = CommandFailed(
        "\n".join(lines),
        code=_EXITS.get(status, Exit.FAILED),
        advice=_advice(status, str(code), target),
        document=document,
    )
    return Refused(status, error, failure)


def answered_by_another(status: int, headers: Mapping[str, str], target: Target) -> CommandFailed:
    """What answers is not AgentWatch, or something before it."""
    kind = str(headers.get("content-type", "no type")).partition(";")[0]
    what = f"{target.base_url} answered with {status} and {kind}, not as AgentWatch does"
    advice = f"is {target.base_url} right? It is from {target.base_url_from}"
    if 300 <= status < 400:
        host = httpx.URL(_location(headers)).host or target.base_url
        what = f"{target.base_url} answered with a redirect to {host}, which is not followed: it would get the token"
        advice = "give the address that it leads to; if that is a log-in page, AgentWatch's API is behind one"
    return CommandFailed(what, code=_EXITS.get(status, Exit.FAILED), advice=advice, kind="not_agentwatch")


def unreachable(error: httpx.HTTPError, target: Target, *, is_written: bool) -> CommandFailed:
    never_left = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
    why = "it took too long" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
    advice = f"is {target.base_url} right (from {target.base_url_from}), and is it up? agentwatch doctor tells more"
    message = f"{target.base_url} could not be reached: {why}"
    if is_written and not never_left:
        message = f"{target.base_url} did not answer: {why}. Nobody knows whether it was done"
        advice = "look before you do it again"
    return CommandFailed(message, code=Exit.UNREACHABLE, advice=advice, kind="unreachable")


def _mistakes(error: Mapping[str, Any]) -> list[str]:
    """Those of a document, each with its place."""
    listed = error.get("errors")
    if not isinstance(listed, list):
        return []
    return [
        f"{each.get('pointer')}: {each.get('message')}"
        for each in listed[:MISTAKES_SHOWN_MAX]
        if isinstance(each, dict)
    ]


def _advice(status: int, code: str, target: Target) -> str | None:
    if status == 401:
        return f"the token is from {target.token_from}: agentwatch login, or give a valid one"
    if status == 403:
        return "agentwatch whoami says which role this token has; ask whoever administers the tenant"
    if status == 404 and code == "route_not_found":
        return "this AgentWatch is older than this command, or its address is wrong: upgrade it"
    if status == 404:
        return "see what there is with the command's list"
    if status == 412:
        return "read it again, and decide again"
    if status == 429:
        return "wait a minute"
    if status in (500, 502, 503, 504):
        return "try again; agentwatch doctor tells more"
    return None


def _location(headers: Mapping[str, str]) -> str:
    location = str(headers.get("location", ""))
    try:
        httpx.URL(location)
    except httpx.InvalidURL:
        return ""
    return location
