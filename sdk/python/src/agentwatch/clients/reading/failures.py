"""What an error of a client says: whether anything can have been billed, whether anything was sent, and its code.

By shape and by the names of classes, never by a class: the majors run on two libraries, and neither need be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})
"""Failures to connect, after which nothing of the request has been sent."""
_TIMED_OUT = frozenset({"APITimeoutError", "TimeoutException", "ReadTimeout", "WriteTimeout"})
_CAUSES_MAX = 6


@dataclass(frozen=True)
class FailureFacts:
    status: int | None
    code: str | None
    is_interrupted: bool
    """By the user, or by the client's time-out: the provider may have answered, and may have billed."""
    is_users: bool


def failure_of(error: BaseException) -> FailureFacts:
    is_users = not isinstance(error, Exception)
    status = getattr(error, "status_code", None)
    return FailureFacts(
        status=status if isinstance(status, int) else None,
        code=_code_of(error),
        is_interrupted=is_users or bool(_TIMED_OUT & _names(error)),
        is_users=is_users,
    )


def document_of(error: BaseException) -> object:
    """The error's document as it came over the wire, whichever part of it the client kept."""
    kept = getattr(error, "body", None)
    if not isinstance(kept, Mapping):
        return None
    return kept if "error" in kept else {"error": kept}


def is_unsent(error: BaseException) -> bool:
    """Could the request not be sent at all? A reset connection is not known to be so."""
    return any(_UNSENT & _names(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if each is None:
            return
        yield each
        # Not its context: that may be an error of another call, which the user is just handling.
        each = each.__cause__


def _names(error: BaseException) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in type(error).__mro__)


def _code_of(error: BaseException) -> str | None:
    document = document_of(error)
    inner = document.get("error") if isinstance(document, Mapping) else None
    told = (inner.get("code") or inner.get("type")) if isinstance(inner, Mapping) else None
    return str(told)[:128] if told else type(error).__name__
