"""How a command ends, and how that is told. The numbers are published (`agentwatch --help`, docs/cli.md).

The rule easy to break: no failure holds a token, or text of another program that could hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    """Also what click gives for arguments that it cannot read."""
    REFUSED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    UNREACHABLE = 6
    CHECK_SAYS_NO = 7
    INTERRUPTED = 130


EXIT_CODES = """\b
Exit codes:
  0    done
  1    failed, or you said no
  2    the command line is wrong, or needs --yes
  3    refused: the token is not valid, or may not do this (401, 403)
  4    there is no such thing (404)
  5    a conflict: somebody else has changed it, or it is there already (409, 412)
  6    AgentWatch could not be reached (no answer, or 502, 503, 504)
  7    a check says no (doctor, rules test --expect, prices check)
  130  interrupted
"""


class CommandFailed(Exception):
    """A command that ends with something else than its result. `advice` says what to do next; `document` is what a
    program is told on stderr (`--json`), the API's own words where it spoke."""

    def __init__(
        self,
        message: str,
        *,
        code: Exit = Exit.FAILED,
        advice: str | None = None,
        kind: str = "cli_error",
        document: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.advice = advice
        self.document = document or {"error": {"message": message, "type": "cli_error", "code": kind, "param": None}}


def usage(message: str, advice: str | None = None) -> CommandFailed:
    """What was asked for cannot be meant."""
    return CommandFailed(message, code=Exit.USAGE, advice=advice, kind="usage")
