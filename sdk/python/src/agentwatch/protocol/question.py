"""One question to AgentWatch, and what was heard, as values. How they travel is `edge`'s matter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Question:
    method: str
    path: str
    """From `/v1` on, with its query."""
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names."""
    body: bytes = field(repr=False)

    def document(self) -> object:
        """The body as JSON, None where it is none. A recursion that never ends is none either."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, kw_only=True)
class Unheard:
    """No answer came. `reason` is for people, and tells neither token nor text."""

    reason: str
    is_sent: bool
    """AgentWatch may have read the question, and may have done what it asks."""


Heard = Answer | Unheard


def encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
