"""Sessions: whose budget a call counts against, told by context and not by argument.

A session is read when a call is made and carried along in it: nothing here is held across a `yield` of somebody
else's, so a stream may end in any thread or task. Threads of a pool inherit no context before Python 3.14:
`in_session` takes it along.
"""

from __future__ import annotations

import functools
import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

from .settings import checked_budget_usd, checked_session_id

P = ParamSpec("P")
R = TypeVar("R")


class Session:
    """One agent run. `budget_usd` is decimal dollars."""

    def __init__(
        self,
        *,
        session_id: str,
        budget_usd: str | None = None,
        project: str | None = None,
        team: str | None = None,
        agent: str | None = None,
    ) -> None:
        self.id = session_id
        self.budget_usd = budget_usd
        self.project = project
        self.team = team
        self.agent = agent
        self._iterations = itertools.count(1)

    def next_iteration(self) -> int:
        """Which call of the session this is; safe from any thread (one step of a C iterator)."""
        return next(self._iterations)

    def __repr__(self) -> str:
        return f"Session({self.id!r}, budget_usd={self.budget_usd!r})"


_current: ContextVar[Session | None] = ContextVar("agentwatch_session", default=None)


def current_session() -> Session | None:
    return _current.get()


@contextmanager
def session(
    *,
    budget_usd: str | float | int | None = None,
    session_id: str | None = None,
    project: str | None = None,
    team: str | None = None,
    agent: str | None = None,
) -> Iterator[Session]:
    """Calls within count against this session, whichever watched client makes them. The innermost one counts."""
    made = Session(
        session_id=checked_session_id(session_id, "session_id") or str(uuid.uuid4()),
        budget_usd=checked_budget_usd(budget_usd, "budget_usd"),
        project=project,
        team=team,
        agent=agent,
    )
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def in_session(function: Callable[P, R]) -> Callable[P, R]:
    """The function as it runs in the present session, for pools that take no context along."""
    context = copy_context()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return run
