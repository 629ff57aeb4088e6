"""`wrap`: a client that is there already becomes a watched one, the very same object."""

from __future__ import annotations

from typing import Any, TypeVar

from .classes import KEPT, made_watch, watched_class

C = TypeVar("C")


def wrap(client: C, **agentwatch: Any) -> C:
    """Watch a client of `openai` or `anthropic`, whichever of their classes it is of. It stays the object that it was,
    resources and copies made of it included, and is told `agentwatch_*` as a watched client is when it is made; wrapped
    again, it is told anew.

    Raises `TypeError` for what is no such client, or an argument that is not known.
    """
    kind: type = type(client)
    if not (hasattr(kind, "request") and hasattr(kind, "with_options") and hasattr(client, "base_url")):
        raise TypeError(f"wrap takes a client of openai or anthropic, not a {kind.__name__}")
    watch = made_watch(agentwatch)
    watch.check(str(client.base_url))
    given: Any = client
    given.__class__ = watched_class(kind)
    setattr(given, KEPT, watch)
    return client
