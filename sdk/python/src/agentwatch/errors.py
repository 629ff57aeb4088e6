"""What the SDK raises into its user's code, and nothing else does.

Both can be pickled: a worker process that raises one must be able to send it home. Neither is worth a retry, and
`retryable` says so to whoever asks before repeating.
"""

from __future__ import annotations


def _dollars(amount: float) -> str:
    """Two places, and as many more as a small amount needs."""
    whole, _, places = f"{amount:.8f}".rstrip("0").partition(".")
    return f"{whole}.{places:0<2}"


class AgentWatchError(Exception):
    """Base of what AgentWatch raises by itself."""

    retryable = False


class AgentBudgetExceeded(AgentWatchError):
    """The budget does not cover the call. Nothing was sent to the provider, or its stream was cut."""

    def __init__(self, session_id: str, spent: float, limit: float) -> None:
        """`spent` and `limit` are dollars."""
        super().__init__(session_id, spent, limit)
        self.session_id = session_id
        self.spent = spent
        self.limit = limit

    def __str__(self) -> str:
        return f"session {self.session_id!r} has spent ${_dollars(self.spent)} of its ${_dollars(self.limit)}"


class AgentBudgetCheckUnavailable(AgentWatchError):
    """AgentWatch could not be asked, and `agentwatch_enforcement_fail_open=False` lets no call go unasked."""

    def __init__(self, session_id: str, reason: str) -> None:
        super().__init__(session_id, reason)
        self.session_id = session_id
        self.reason = reason

    def __str__(self) -> str:
        return f"the budget of session {self.session_id!r} could not be checked: {self.reason}"
