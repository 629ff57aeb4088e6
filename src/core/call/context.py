"""What a caller says about its call in `x-agentwatch-*` headers: session, budget, project, agent, iteration, failover.

The same rules on every route: a session id that does not fit the pattern is refused, never trimmed, because two
spellings of one session would be two budgets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from core.money.amount import InvalidAmount, parse_usd
from core.refusals import InvalidRequest

SESSION_HEADERS = ("x-agentwatch-session-id", "helicone-session-id", "x-litellm-trace-id")
LABEL_CHARACTERS_MAX = 128
ITERATION_MAX = 1_000_000

SESSION_ID_PATTERN = r"^[A-Za-z0-9_.:-]{1,128}$(?!\n)"

SessionId = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": SESSION_ID_PATTERN})]
"""An id as a type shows it; what is wrong with one `check_session_id` says in words."""

_SESSION_ID = re.compile(SESSION_ID_PATTERN)
_WHOLE = re.compile(r"[0-9]{1,12}")
"""No sign, blank, underscore or digit of another script: `int` takes them all."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """The caller's own labels for a call; none of them identifies the tenant."""

    session_id: str | None = None
    session_limit_nanousd: int | None = None
    call_limit_nanousd: int | None = None
    """What this one call may cost: the caller named a budget and no session."""
    project: str | None = None
    agent: str | None = None
    iteration: int | None = None
    may_fail_over: bool = True
    """The caller takes an answer of another model, where its tenant has a chain for that."""


def read_call_context(headers: Mapping[str, str]) -> CallContext:
    """Read the labels from lower-case `headers`. Raises `InvalidRequest` naming the header at fault."""
    budget = headers.get("x-agentwatch-budget-usd")
    limit = None if budget is None else read_limit_usd(budget, "x-agentwatch-budget-usd")
    session_id = _session_id_of(headers)
    return CallContext(
        session_id=session_id,
        session_limit_nanousd=None if session_id is None else limit,
        call_limit_nanousd=limit if session_id is None else None,
        project=_label(headers, "x-agentwatch-project"),
        agent=_label(headers, "x-agentwatch-agent"),
        iteration=_iteration(headers),
        may_fail_over=_may_fail_over(headers),
    )


def check_session_id(text: str, param: str) -> str:
    """Return the id unchanged, or raise `InvalidRequest` naming `param`."""
    if _SESSION_ID.fullmatch(text) is None:
        raise InvalidRequest(
            f"{param} must be 1 to 128 characters out of letters, digits, '_', '.', ':' and '-'",
            param=param,
        )
    return text


def read_limit_usd(text: str, param: str) -> int:
    """A dollar limit as nano-dollars, or `InvalidRequest` naming `param`."""
    try:
        return parse_usd(text)
    except InvalidAmount as error:
        raise InvalidRequest(f"{param} {error}", param=param) from None


def read_whole(text: str, param: str, *, least: int, most: int) -> int:
    """A whole number in plain digits within bounds, or `InvalidRequest` naming `param`."""
    if _WHOLE.fullmatch(text) is None or not least <= (number := int(text)) <= most:
        raise InvalidRequest(f"{param} must be a whole number from {least} to {most}", param=param)
    return number


def _session_id_of(headers: Mapping[str, str]) -> str | None:
    for name in SESSION_HEADERS:
        text = headers.get(name)
        if text is not None:
            return check_session_id(text, name)
    return None


def _label(headers: Mapping[str, str], name: str) -> str | None:
    text = headers.get(name, "").strip()
    if len(text) > LABEL_CHARACTERS_MAX:
        raise InvalidRequest(f"{name} must be at most {LABEL_CHARACTERS_MAX} characters", param=name)
    return text or None


def _iteration(headers: Mapping[str, str]) -> int | None:
    name = "x-agentwatch-iteration"
    text = headers.get(name)
    if text is None:
        return None
    return read_whole(text, name, least=0, most=ITERATION_MAX)


def _may_fail_over(headers: Mapping[str, str]) -> bool:
    name = "x-agentwatch-failover"
    text = headers.get(name, "on")
    if text not in ("on", "off"):
        raise InvalidRequest(f"{name} must be on or off", param=name)
    return text == "on"
