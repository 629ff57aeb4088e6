"""How each provider says no: one exception inside, five native error bodies outside.

Texts and types follow what the providers' APIs answer; the official clients turn them into their
own exceptions. A body is chosen by the API that was called, not by the provider: Gemini and
Anthropic also have an OpenAI-style API, and Gemini's wraps its error in a list.
"""

from collections.abc import Callable, Sequence

import msgspec

_encode = msgspec.json.encode

TOO_MANY_REQUESTS = 429

Renderer = Callable[["Failure", str], bytes]


class Failure(Exception):
    """A call the provider refuses: HTTP status, text, the provider's own code where it has one."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        body: bytes | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
        self.body = body
        """What is sent in place of the provider's own words."""
        self.headers = headers
        """Sent too, and in place of those of the same name."""


_SCRIPTED_MESSAGES = {
    400: "The request could not be processed as it was sent.",
    401: "Incorrect API key provided.",
    402: "Your credit balance is too low to access the API.",
    403: "You are not allowed to use this resource.",
    404: "The requested resource was not found.",
    408: "The request took too long to arrive.",
    413: "Request exceeds the maximum size.",
    422: "The request was well-formed but could not be followed.",
    429: "Rate limit reached. Please try again later.",
    500: "The server had an error while processing your request. Sorry about that!",
    502: "Bad gateway.",
    503: "The engine is currently overloaded, please try again later.",
    504: "The request timed out.",
    529: "Overloaded",
}

_OPENAI_TYPES = {
    402: "insufficient_quota",
    403: "permission_error",
    408: "timeout",
    429: "requests",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
    529: "server_error",
}
_OPENAI_CODES = {401: "invalid_api_key", 402: "insufficient_quota", 429: "rate_limit_exceeded"}

_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_GOOGLE_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "CANCELLED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}

_XAI_CODES = {
    401: "Unauthenticated",
    403: "The caller does not have permission to execute the specified operation",
    404: "Some requested entity was not found",
    408: "The operation was cancelled",
    429: "Some resource has been exhausted",
    500: "Internal error",
    502: "The service is currently unavailable",
    503: "The service is currently unavailable",
    504: "Deadline expired before operation could complete",
    529: "The service is currently unavailable",
}


def scripted(status: int, retry_after_s: float | None, headers: Sequence[tuple[bytes, bytes]] = ()) -> Failure:
    """The failure a script asked for, in the provider's words; a 429 says when to come back even if the script does
    not."""
    if retry_after_s is None and status == TOO_MANY_REQUESTS:
        retry_after_s = 1.0
    return Failure(status, _SCRIPTED_MESSAGES[status], retry_after_s=retry_after_s, headers=headers)


def told(status: int, retry_after_s: float | None, headers: Sequence[tuple[bytes, bytes]], body: str) -> Failure:
    """The answer a script wrote out itself, which may say 200; it says when to come back only if the script does."""
    return Failure(status, body, retry_after_s=retry_after_s, body=body.encode(), headers=headers)


def unknown_model(provider: str, name: str) -> Failure:
    match provider:
        case "anthropic":
            return Failure(404, f"model: {name}")
        case "gemini":
            message = (
                f"models/{name} is not found for API version v1beta, or is not supported for this "
                "method. Call ListModels to see the list of available models."
            )
            return Failure(404, message)
        case "xai":
            return Failure(404, f"The model {name} does not exist or your team has no access to it.")
        case _:
            message = f"The model `{name}` does not exist or you do not have access to it."
            return Failure(404, message, code="model_not_found")


def limit_too_large(provider: str, model: str, field: str, asked: int, allowed: int) -> Failure:
    match provider:
        case "anthropic":
            message = f"{field}: {asked} > {allowed}, which is the maximum allowed number of output tokens for {model}"
            return Failure(400, message)
        case "gemini":
            message = (
                f"The maxOutputTokens value of {asked} is out of the supported range from 1 "
                f"(inclusive) to {allowed + 1} (exclusive)."
            )
            return Failure(400, message)
        case "groq":
            message = f"`{field}` must be less than or equal to `{allowed}` for this model"
            return Failure(400, message, param=field)
        case _:
            message = (
                f"{field} is too large: {asked}. This model supports at most {allowed} completion "
                f"tokens, whereas you provided {asked}."
            )
            return Failure(400, message, code="invalid_value", param=field)


def openai_body(failure: Failure, request_id: str) -> bytes:
    del request_id
    error = {
        "message": failure.message,
        "type": _OPENAI_TYPES.get(failure.status, "invalid_request_error"),
        "param": failure.param,
        "code": failure.code or _OPENAI_CODES.get(failure.status),
    }
    return _encode({"error": error})


def groq_body(failure: Failure, request_id: str) -> bytes:
    del request_id
    error = {
        "message": failure.message,
        "type": _OPENAI_TYPES.get(failure.status, "invalid_request_error"),
    }
    if (code := failure.code or _OPENAI_CODES.get(failure.status)) is not None:
        error["code"] = code
    return _encode({"error": error})


def anthropic_body(failure: Failure, request_id: str) -> bytes:
    error = {
        "type": _ANTHROPIC_TYPES.get(failure.status, "invalid_request_error"),
        "message": failure.message,
    }
    return _encode({"type": "error", "error": error, "request_id": request_id})


def anthropic_openai_style_body(failure: Failure, request_id: str) -> bytes:
    del request_id
    kind = _ANTHROPIC_TYPES.get(failure.status, "invalid_request_error")
    error = {"code": kind, "message": failure.message, "type": kind, "param": failure.param}
    return _encode({"error": error})


def google_body(failure: Failure, request_id: str) -> bytes:
    del request_id
    error: dict[str, object] = {
        "code": failure.status,
        "message": failure.message,
        "status": _GOOGLE_STATUSES.get(failure.status, "INVALID_ARGUMENT"),
    }
    if failure.retry_after_s is not None:
        delay = f"{failure.retry_after_s:g}s"
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return _encode({"error": error})


def google_list_body(failure: Failure, request_id: str) -> bytes:
    return b"[" + google_body(failure, request_id) + b"]"


def xai_body(failure: Failure, request_id: str) -> bytes:
    del request_id
    code = _XAI_CODES.get(failure.status, "Client specified an invalid argument")
    return _encode({"code": code, "error": failure.message})
