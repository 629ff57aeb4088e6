"""What type checkers are told of a watched client: what its constructor takes besides, and what it has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from ..guard import Guard


class WatchedBy:
    def __init__(
        self,
        *,
        agentwatch_api_key: str | None = None,
        agentwatch_base_url: str | None = None,
        agentwatch_project: str | None = None,
        agentwatch_team: str | None = None,
        agentwatch_agent: str | None = None,
        agentwatch_session_id: str | None = None,
        agentwatch_session_budget_usd: str | float | Decimal | None = None,
        agentwatch_enforcement_mode: bool = False,
        agentwatch_enforcement_fail_open: bool = True,
        agentwatch_holds: bool = False,
        agentwatch_primary_provider: Literal["agentwatch"] | None = None,
        agentwatch_fallback_provider: Literal["direct"] | None = None,
        agentwatch_timeout_seconds: float = 2.0,
        agentwatch_risk_tags: bool = True,
        agentwatch_environment_proxies: bool = True,
        **client: Any,
    ) -> None:
        """`client`: what the client's own constructor takes."""

    @property
    def agentwatch(self) -> Guard:
        """Flush, close, and what is not metered."""
        raise NotImplementedError
