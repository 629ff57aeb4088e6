"""What a caller says about its call in `x-agentwatch-*` headers: session, budget, project, agent, iteration, failover.

The same rules on every route: a session id that does not fit the pattern is refused, never trimmed, because two
spellings of one session would be two budgets; and a request that names two sessions is refused, because either of them
may be the one with the limit. Where nobody names a session of ours, the id of the caller's own run is it, if it can be:
its client sends that to everybody, so it is never refused for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec

from core.money.amount import InvalidAmount, parse_usd
from core.refusals import InvalidRequest

SESSION_NAME = "x-agentwatch-session-id"
"""The header of ours, and the parameter of the query for clients that can set an address and no header."""

SESSION_BEHIND_TOKEN = "token~session"
"""How refusals call what stands behind a token, for clients that can set nothing else (`core.tenant.credentials`)."""

_OF_OTHER_GATEWAYS = ("helicone-session-id", "x-litellm-trace-id")
_OF_AGENTS = ("x-claude-code-session-id", "session-id", "session_id", "x-session-affinity")
"""By which coding agents name their run to every provider, also when it is resumed: Claude Code (2.1.332, as it was
run), Codex (0.171.0, as it was run; its older releases with an underscore), OpenCode (its source, 2026)."""

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


def read_call_context(headers: Mapping[str, str], query: str = "", behind_token: Sequence[str] = ()) -> CallContext:
    """Read the labels from lower-case `headers`, and the session also from the query or from what stands behind the
    token. Raises `InvalidRequest` naming the place at fault."""
    budget = headers.get("x-agentwatch-budget-usd")
    limit = None if budget is None else read_limit_usd(budget, "x-agentwatch-budget-usd")
    session_id = session_named(headers, query, behind_token) or _session_of_others(headers)
    return CallContext(
        session_id=session_id,
        session_limit_nanousd=None if session_id is None else limit,
        call_limit_nanousd=limit if session_id is None else None,
        project=_label(headers, "x-agentwatch-project"),
        agent=_label(headers, "x-agentwatch-agent"),
        iteration=_iteration(headers),
        may_fail_over=_may_fail_over(headers),
    )


def session_named(
    headers: Mapping[str, str], query: str, behind_token: Sequence[str], said: str | None = None
) -> str | None:
    """The session that a request names in the places of ours; `said` is what a body or query of our own routes says.
    Raises `InvalidRequest` for an id that is none, and for two."""
    named = {} if said is None else {"session_id": said}
    if SESSION_NAME in headers:
        named[SESSION_NAME] = headers[SESSION_NAME]
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name.lower() == SESSION_NAME and named.setdefault(f"?{SESSION_NAME}", text) != text:
            raise InvalidRequest(f"?{SESSION_NAME} is given twice", param=f"?{SESSION_NAME}")
    for text in behind_token:
        if ":" in text:
            raise InvalidRequest(
                "what stands behind the token and its session must be a provider's key, after the provider's name "
                "(aw_live_…~run-42:openai=your-key); a session's id with a colon goes into a header",
                param=SESSION_BEHIND_TOKEN,
            )
        if named.setdefault(SESSION_BEHIND_TOKEN, text) != text:
            raise InvalidRequest("two tokens name two sessions: name one", param=SESSION_BEHIND_TOKEN)
    session_id = None
    for place, text in named.items():
        if check_session_id(text, place) != (session_id or text):
            first = next(iter(named))
            raise InvalidRequest(
                f"{first} and {place} name two sessions, {session_id} and {text}: name one", param=place
            )
        session_id = text
    return session_id


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


def _session_of_others(headers: Mapping[str, str]) -> str | None:
    for name in _OF_OTHER_GATEWAYS:
        text = headers.get(name)
        if text is not None:
            return check_session_id(text, name)
    own_ids = (headers.get(name, "") for name in _OF_AGENTS)
    return next((text for text in own_ids if _SESSION_ID.fullmatch(text)), None)


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
