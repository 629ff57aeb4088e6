"""Lists, page by page: AgentWatch gives up to two hundred entries at a time and a cursor."""

from __future__ import annotations

from typing import Any

from .client import Api, Query

PAGE_MAX = 200


def read_pages(
    api: Api,
    path: str,
    query: Query | None = None,
    *,
    limit: int | None,
    names: tuple[str, str, str] = ("data", "next", "after"),
    page_max: int = PAGE_MAX,
) -> tuple[list[dict[str, Any]], str | None, dict[str, Any]]:
    """Entries up to a limit, the cursor behind them, and the last page as it came. `names` are those of the entries, of
    the cursor in the answer, and of the cursor in the question."""
    entries_name, next_name, after_name = names
    entries: list[dict[str, Any]] = []
    cursor: Any = None
    while True:
        size = page_max if limit is None else min(page_max, limit - len(entries))
        page = api.get(path, {**(query or {}), "limit": size, after_name: cursor}).document
        entries += page[entries_name]
        cursor = page.get(next_name)
        if cursor is None or (limit is not None and len(entries) >= limit):
            return entries, None if cursor is None else str(cursor), page
