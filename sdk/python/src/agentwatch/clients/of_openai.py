"""`WatchedOpenAI` and `WatchedAsyncOpenAI`: the clients of `openai`, told `agentwatch_*` besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openai import AsyncOpenAI, OpenAI

from .classes import watched_class
from .interface import WatchedBy

if TYPE_CHECKING:

    class WatchedOpenAI(WatchedBy, OpenAI): ...

    class WatchedAsyncOpenAI(WatchedBy, AsyncOpenAI): ...

else:
    WatchedOpenAI = watched_class(OpenAI)
    WatchedAsyncOpenAI = watched_class(AsyncOpenAI)
