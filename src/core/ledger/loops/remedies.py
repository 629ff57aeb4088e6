"""What a person can do about an alert, as commands to paste: look, pause, resume, raise a limit.

They name the variables `AGENTWATCH_URL` and `AGENTWATCH_ADMIN_KEY`, never a key, and change something by PUT only: a
link that acts is pressed by whatever previews it. The rule easy to break: names are callers' words and the reader's
shell will read them, so an id stands there only if it is made of harmless characters, and a team's name encoded.
"""

import re
from urllib.parse import quote

from core.money.amount import NANOUSD_MAX, format_usd
from core.telemetry import COMMAND_CHARACTERS_MAX

_SESSION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_HEADERS = '-H "authorization: Bearer $AGENTWATCH_ADMIN_KEY"'

Steps = dict[str, str]


def session_steps(session_id: str | None, *, is_paused: bool = False, limit_nanousd: int | None = None) -> Steps:
    """For one session: stop it, or let it go on; give it twice its limit, if it has one; see its budget."""
    if session_id is None or not _SESSION_ID.fullmatch(session_id) or not session_id.strip("."):
        return {}
    path = f"/v1/sessions/{session_id}"
    pause, resume = _put(path, '{"paused":true}'), _put(path, '{"paused":false}')
    steps = {"resume the session": resume} if is_paused else {"pause the session": pause}
    if limit_nanousd:
        steps["double its limit"] = _put(path, _limit(limit_nanousd))
    steps["look at its budget"] = _get(path)
    return steps


def team_steps(team: str, limit_nanousd: int) -> Steps:
    return _budget_steps(f"/v1/teams/{quote(team, safe='', errors='replace')}/budget", _limit(limit_nanousd))


def tenant_steps(window: str, limit_nanousd: int) -> Steps:
    return _budget_steps("/v1/budget", _limit(limit_nanousd, f'"window":"{window}",'))


def key_steps(key_id: str) -> Steps:
    """A key is written as a whole, which nobody pastes from a message."""
    step = _get(f"/v1/keys/{quote(key_id, safe='', errors='replace')}")
    return {"look at the key": step} if len(step) <= COMMAND_CHARACTERS_MAX else {}


def rules_steps() -> Steps:
    """To see the tenant's rules; changing them takes a whole document, which nobody pastes from a message."""
    return {"look at the rules": _get("/v1/rules")}


def failover_steps() -> Steps:
    """The same of its chains."""
    return {"look at the failover chains": _get("/v1/failover")}


def _budget_steps(path: str, body: str) -> Steps:
    steps = {"double its limit": _put(path, body), "look at the budget": _get(path)}
    return {name: command for name, command in steps.items() if len(command) <= COMMAND_CHARACTERS_MAX}


def _limit(limit_nanousd: int, window: str = "") -> str:
    return f'{{{window}"limit_usd":"{format_usd(min(2 * limit_nanousd, NANOUSD_MAX))}"}}'


def _put(path: str, body: str) -> str:
    return f'curl -X PUT "$AGENTWATCH_URL{path}" {_HEADERS} -H "content-type: application/json" -d \'{body}\''


def _get(path: str) -> str:
    return f'curl "$AGENTWATCH_URL{path}" {_HEADERS}'
