"""Budgets that hold for OpenAI and Anthropic clients. What comes in: a client of theirs, and what the user said of it;
it never knows a price, and no text of a prompt or an answer leaves it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import AgentBudgetCheckUnavailable, AgentBudgetExceeded, AgentWatchError
from .risk import analyze_text
from .session import Session, current_session, in_session, session

if TYPE_CHECKING:
    from .clients.of_anthropic import WatchedAnthropic, WatchedAsyncAnthropic
    from .clients.of_openai import WatchedAsyncOpenAI, WatchedOpenAI
    from .clients.wrapping import wrap

__version__ = "0.1.0"

__all__ = [
    "AgentBudgetCheckUnavailable",
    "AgentBudgetExceeded",
    "AgentWatchError",
    "Session",
    "WatchedAnthropic",
    "WatchedAsyncAnthropic",
    "WatchedAsyncOpenAI",
    "WatchedOpenAI",
    "analyze_text",
    "current_session",
    "in_session",
    "session",
    "wrap",
]

_CLIENTS = {
    "WatchedOpenAI": "openai",
    "WatchedAsyncOpenAI": "openai",
    "WatchedAnthropic": "anthropic",
    "WatchedAsyncAnthropic": "anthropic",
}


def __getattr__(name: str) -> Any:
    """Clients are imported when somebody asks for them: neither package has to be there."""
    if name == "wrap":
        return import_module(".clients.wrapping", __name__).wrap
    package = _CLIENTS.get(name)
    if package is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".clients.of_{package}", __name__)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(f"{name} needs the package {package}: pip install 'agentwatch[{package}]'") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
