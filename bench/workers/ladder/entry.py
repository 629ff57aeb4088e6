"""The least that a Python Worker can do of what AgentWatch does, one rung at a time: the platform's own cost of a call.

No rung parses, prices, checks or decides anything. `x-rung` names it; each does all that the one before it does.
"""

from typing import Any

from js import JSON, Response, fetch
from pyodide.ffi import to_js
from workers import DurableObject, WorkerEntrypoint, import_from_javascript

__all__ = ["Default", "Rows"]

ROW = "x" * 600
"""About what AgentWatch writes when it holds."""

RECORD = "x" * 700
"""Likewise, when it settles."""


class Default(WorkerEntrypoint):
    """Answers by rung: `nothing`, `fetch`, `hold`, `settle`."""

    async def fetch(self, request: Any) -> Any:
        rung = request.js_object.headers.get("x-rung")
        if rung == "nothing":
            return Response.new("{}")
        return await self._pass_on(request.js_object, rung)

    async def _pass_on(self, request: Any, rung: str) -> Any:
        env = import_from_javascript("cloudflare:workers").env
        body = (await request.arrayBuffer()).to_bytes()
        if rung != "fetch":
            await env.ROWS.getByName("bench").write(ROW)
        init = JSON.parse('{"method":"POST"}')
        init.headers = request.headers
        init.body = to_js(body)
        upstream = await fetch(request.headers.get("x-baseline-upstream"), init)
        answer = (await upstream.arrayBuffer()).to_bytes()
        if rung == "settle":
            self.ctx.waitUntil(_close(env))
        return Response.new(to_js(answer), upstream)


async def _close(env: Any) -> None:
    """What has to be done after each answer: the second row, with the call's record."""
    await env.ROWS.getByName("bench").write(ROW + RECORD)


class Rows(DurableObject):
    """Writes a row a call and keeps the last thousand."""

    def __new__(cls, ctx: Any, env: Any) -> "Rows":
        # Before the SDK wraps it, as in the Ledger.
        rows = super().__new__(cls)
        rows._sql = ctx.storage.sql
        rows._sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        rows._written = 0
        return rows

    def write(self, text: str) -> str:
        self._written += 1
        self._sql.exec("INSERT OR REPLACE INTO rows VALUES (?, ?)", self._written % 1_000, text)
        return text
