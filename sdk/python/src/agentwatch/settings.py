"""What a watched client was told: the arguments that begin with `agentwatch_`, read and judged once.

A wrong value is a `ValueError` or `TypeError` that names the argument. What is not given comes from the environment
(`AGENTWATCH_API_KEY`, `AGENTWATCH_BASE_URL`) or has a default here.
"""

from __future__ import annotations

import difflib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Literal
from urllib.parse import urlsplit

LABEL_CHARACTERS_MAX = 128
TIMEOUT_SECONDS_MAX = 60.0
"""A call that waits longer for leave than for most answers is better off with another setting."""

_SESSION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII)
_ROUTE = re.compile(r"/v1(/(ingest|budget-check|holds|proxy(/[a-z]+)?))?$", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Settings:
    api_key: str = field(repr=False)
    base_url: str
    """AgentWatch's own address, without `/v1` and without a slash at the end."""
    session_id: str
    """Of calls that are made outside any `session()`."""
    project: str | None = None
    team: str | None = None
    agent: str | None = None
    session_budget_usd: str | None = None
    """Decimal dollars."""
    enforcement_mode: bool = False
    """Ask before each call whether its session may go on."""
    enforcement_fail_open: bool = True
    """Where nobody can be asked, the call goes on."""
    holds: bool = False
    """Hold the money before each call, so that calls at once cannot overspend. Implies enforcement."""
    primary_provider: Literal["agentwatch"] | None = None
    """`"agentwatch"` sends calls through AgentWatch; None sends them to the provider and reports them."""
    fallback_provider: Literal["direct"] | None = None
    """`"direct"`: where AgentWatch cannot be reached, the provider is asked directly."""
    timeout_seconds: float = 2.0
    """Bounds what is asked of AgentWatch before a call, and connecting to it; never the model's answer."""
    risk_tags: bool = True
    """Look for personal data and secrets in requests and answers, and report their kinds."""
    environment_proxies: bool = True
    """AgentWatch is asked through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for its address."""

    @property
    def is_proxied(self) -> bool:
        return self.primary_provider == "agentwatch"


_NAMES = tuple(each.name for each in fields(Settings))


def checked_session_id(value: object, name: str) -> str | None:
    """A session id as the wire takes it. Raises `TypeError` or `ValueError` naming the argument."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not _SESSION_ID.fullmatch(value):
        raise ValueError(f"{name} must be 1 to 128 letters, digits and _ . : -")
    return value


def checked_budget_usd(value: object, name: str) -> str | None:
    """Dollars as decimal text. Raises `TypeError` or `ValueError` naming the argument."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise TypeError(f"{name} must be dollars as a number or decimal text, not {type(value).__name__}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} must be decimal dollars, not {str(value)[:40]!r}") from None
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{name} must be a positive number of dollars")
    return format(amount, "f")


def read_settings(arguments: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """The `agentwatch_` arguments of a client. An unknown one is a `TypeError` that names it, and what it may be."""
    given = {_known(name): value for name, value in arguments.items()}
    enforcement_mode = _flag(given, "enforcement_mode", False)
    holds = _flag(given, "holds", False)
    primary_provider = _one_of(given, "primary_provider", "agentwatch")
    fallback_provider = _one_of(given, "fallback_provider", "direct")
    if fallback_provider is not None and primary_provider is None:
        raise ValueError("agentwatch_fallback_provider needs agentwatch_primary_provider='agentwatch'")
    return Settings(
        api_key=_api_key(given, environment),
        base_url=_base_url(given, environment),
        session_id=checked_session_id(given.get("session_id"), "agentwatch_session_id") or str(uuid.uuid4()),
        project=checked_label(given.get("project"), "agentwatch_project"),
        team=checked_label(given.get("team"), "agentwatch_team"),
        agent=checked_label(given.get("agent"), "agentwatch_agent"),
        session_budget_usd=checked_budget_usd(given.get("session_budget_usd"), "agentwatch_session_budget_usd"),
        enforcement_mode=enforcement_mode or holds,
        enforcement_fail_open=_flag(given, "enforcement_fail_open", True),
        holds=holds,
        primary_provider="agentwatch" if primary_provider else None,
        fallback_provider="direct" if fallback_provider else None,
        timeout_seconds=_seconds(given.get("timeout_seconds", 2.0), "agentwatch_timeout_seconds"),
        risk_tags=_flag(given, "risk_tags", True),
        environment_proxies=_flag(given, "environment_proxies", True),
    )


def checked_label(value: object, name: str) -> str | None:
    """A project, team or agent as a header and a report take it. Raises `TypeError` or `ValueError`."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    label = value.strip()
    if not label or len(label) > LABEL_CHARACTERS_MAX or not (label.isascii() and label.isprintable()):
        raise ValueError(f"{name} must be 1 to {LABEL_CHARACTERS_MAX} printable ASCII characters")
    return label


def checked_base_url(value: str, name: str) -> str:
    """AgentWatch's own address from any spelling that a user has at hand: with `/v1`, or one of its routes."""
    address = urlsplit(value.strip())
    try:
        port_is_wrong = address.port == 0
    except ValueError:
        port_is_wrong = True
    if address.scheme not in ("http", "https") or not address.hostname or port_is_wrong:
        raise ValueError(f"{name} must be an address like https://agentwatch.example.com")
    if address.username is not None or address.query or address.fragment:
        raise ValueError(f"{name} must have no user, query or fragment")
    if not re.fullmatch(r"[!-~]+", address.netloc + address.path):
        raise ValueError(f"{name} must be printable ASCII: a name in another script as its `xn--` form")
    path = _ROUTE.sub("", address.path.rstrip("/"))
    return f"{address.scheme}://{address.netloc}{path.rstrip('/')}"


def _known(argument: str) -> str:
    name = argument.removeprefix("agentwatch_")
    if name != argument and name in _NAMES:
        return name
    near = difflib.get_close_matches(name, _NAMES, n=1)
    hint = f"; did you mean 'agentwatch_{near[0]}'?" if near else ""
    raise TypeError(f"unexpected keyword argument {argument!r}{hint}")


def _api_key(given: Mapping[str, object], environment: Mapping[str, str]) -> str:
    value = given.get("api_key")
    if value is None:
        value = environment.get("AGENTWATCH_API_KEY") or None
    if value is None:
        raise ValueError("agentwatch_api_key is missing: give it, or set AGENTWATCH_API_KEY")
    if not isinstance(value, str):
        raise TypeError(f"agentwatch_api_key must be a string, not {type(value).__name__}")
    key = value.strip()
    if not key or not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("agentwatch_api_key must be one word of printable ASCII")
    return key


def _base_url(given: Mapping[str, object], environment: Mapping[str, str]) -> str:
    value = given.get("base_url")
    if value is None:
        value = environment.get("AGENTWATCH_BASE_URL") or None
    if value is None:
        raise ValueError("agentwatch_base_url is missing: give it, or set AGENTWATCH_BASE_URL")
    return checked_base_url(str(value), "agentwatch_base_url")


def _flag(given: Mapping[str, object], name: str, default: bool) -> bool:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise TypeError(f"agentwatch_{name} must be True or False, not {type(value).__name__}")
    return value


def _one_of(given: Mapping[str, object], name: str, only: str) -> str | None:
    value = given.get(name)
    if value is not None and value != only:
        raise ValueError(f"agentwatch_{name} must be {only!r} or None")
    return None if value is None else only


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 < value <= TIMEOUT_SECONDS_MAX:
        raise ValueError(f"{name} must be more than 0 and at most {TIMEOUT_SECONDS_MAX:.0f} seconds")
    return float(value)
