"""A provider's error said in the caller's dialect: its kind, its words and its status survive.

The rule easy to break: what a provider sends as an error may be a page of HTML, a list, or nothing; it is read for what
it has, and is never passed on as the JSON that it is not.
"""

import msgspec

from core.wire.json_depth import is_too_deep
from core.wire.json_members import NO_MEMBERS, Members, members_of
from core.wire.translation.answer import ErrorKind, ProviderError

_KINDS: dict[int, ErrorKind] = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_ANTHROPIC_TYPES: dict[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "billing": "billing_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "api": "api_error",
}
_OPENAI_TYPES: dict[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "billing": "insufficient_quota",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "overloaded": "server_error",
    "timeout": "server_error",
    "api": "server_error",
}
_GOOGLE_STATUSES: dict[ErrorKind, str] = {
    "invalid_request": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "billing": "FAILED_PRECONDITION",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "too_large": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
    "api": "INTERNAL",
}
_STATUSES_BY_WORD: dict[str, int] = {
    **{
        word: status  # the first status of a kind is the one that its word means
        for status, kind in reversed(_KINDS.items())
        for word in (_ANTHROPIC_TYPES[kind], _GOOGLE_STATUSES[kind])
    },
    "overloaded_error": 529,
    "timeout_error": 504,
    "DEADLINE_EXCEEDED": 504,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
}
MESSAGE_CHARACTERS_MAX = 4_000


def kind_of(status: int) -> ErrorKind:
    return _KINDS.get(status, "api" if status >= 500 else "invalid_request")


def read_error(body: bytes | msgspec.Raw, status: int | None = None) -> ProviderError:
    """A provider's error as its answer's body or an event has it, in any dialect. Without a `status` (in a stream) the
    error's own words tell it."""
    found = _error_in(body)
    word, code = found.word("type", "status"), found.word("code") or None
    if status is None:
        status = _status_in(found)
    if not 400 <= status <= 599:
        status = 500
    message = found.word("message", "error") or f"the provider answered with status {status}"
    return ProviderError(
        kind=kind_of(status),
        status=status,
        message=message[:MESSAGE_CHARACTERS_MAX],
        code=code or word or None,
        param=found.word("param") or None,
    )


def _status_in(error: Members) -> int:
    """Google's number counts before its word: one word stands for several."""
    number = error.count("code")
    if number is not None and 400 <= number <= 599:
        return number
    said = (_STATUSES_BY_WORD.get(error.word(name)) for name in ("type", "status", "code"))
    return next((status for status in said if status is not None), 500)


def write_error(dialect: str, error: ProviderError, request_id: str) -> bytes:
    """The error as the body of an answer in the caller's dialect."""
    if dialect == "anthropic_messages":
        said = {"type": _ANTHROPIC_TYPES[error.kind], "message": error.message, "code": error.code}
        return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id})
    if dialect.startswith("gemini"):
        return msgspec.json.encode(
            {"error": {"code": error.status, "message": error.message, "status": _GOOGLE_STATUSES[error.kind]}}
        )
    said = {
        "message": error.message,
        "type": _OPENAI_TYPES[error.kind],
        "code": error.code,
        "param": error.param,
        "request_id": request_id,
    }
    return msgspec.json.encode({"error": said})


def _error_in(body: bytes | msgspec.Raw) -> Members:
    """Anthropic and OpenAI write an object with `error`, Google's OpenAI-style endpoint a list of one, an event of
    Responses the error's own members."""
    text = bytes(body).strip()
    if is_too_deep(text):
        return NO_MEMBERS
    if text.startswith(b"[") and text.endswith(b"]"):
        text = text[1:-1]
    found = members_of(text)
    response = found.inner("response").inner("error")
    for error in (found.inner("error"), response):
        if error.has("message") or error.has("code") or error.has("type"):
            return error
    return found
