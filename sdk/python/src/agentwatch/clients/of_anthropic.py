"""`WatchedAnthropic` and `WatchedAsyncAnthropic`: the clients of `anthropic`, told `agentwatch_*` besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anthropic import Anthropic, AsyncAnthropic

from .classes import watched_class
from .interface import WatchedBy

if TYPE_CHECKING:

    class WatchedAnthropic(WatchedBy, Anthropic): ...

    class WatchedAsyncAnthropic(WatchedBy, AsyncAnthropic): ...

else:
    WatchedAnthropic = watched_class(Anthropic)
    WatchedAsyncAnthropic = watched_class(AsyncAnthropic)
