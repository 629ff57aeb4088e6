"""A refusal in each family's own error shape, with the details beside, and the headers that tell SDKs what to do.

Official SDKs retry 408, 409, 429 and 5xx by themselves; `x-should-retry: false` stops those that know it, and a
refusal that cannot change never carries a `Retry-After`.
"""

import msgspec

from core.refusals import MethodNotAllowed, RateLimited, Refusal

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    426: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ALREADY_EXISTS",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    424: "DATA_LOSS",
    426: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
RETRY_AFTER_S_MAX = 60


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """What SDKs read beside the body. A delay is given in whole seconds, rounded up, and in milliseconds."""
    if isinstance(refusal, MethodNotAllowed):
        return {"x-should-retry": "false", "allow": str(refusal.details["allow"])}
    if not refusal.is_retryable:
        return {"x-should-retry": "false"}
    if refusal.retry_after_ms is None:
        return {}
    delay_ms = min(refusal.retry_after_ms, RETRY_AFTER_S_MAX * 1_000)
    headers = {"retry-after": str(-(-delay_ms // 1_000)), "retry-after-ms": str(delay_ms)}
    if isinstance(refusal, RateLimited):
        limit, remaining = refusal.details.get("limit_per_minute", ""), refusal.details.get("remaining", 0)
        ours = rate_headers(limit, remaining, delay_ms)
        # No provider has answered, so there are none of its own under the names that clients know.
        headers |= ours | {name.replace("x-agentwatch-", "x-"): value for name, value in ours.items()}
    return headers


def rate_headers(limit: object, remaining: object, reset_ms: int) -> dict[str, str]:
    """How many requests the caller has left with us. Providers say their own as `x-ratelimit-…`, which passes."""
    return {
        "x-agentwatch-ratelimit-limit-requests": str(limit),
        "x-agentwatch-ratelimit-remaining-requests": str(remaining),
        "x-agentwatch-ratelimit-reset-requests": f"{reset_ms}ms",
    }


def openai_error(refusal: Refusal, request_id: str) -> bytes:
    """`{"error": {message, type, code, param, …}}`, on AgentWatch's own routes with all `errors` of a body."""
    error: dict[str, object] = {
        "message": refusal.message,
        "type": refusal.type,
        "code": refusal.code,
        "param": refusal.param,
        "request_id": request_id,
        **refusal.details,
    }
    if refusal.faults:
        error["errors"] = refusal.faults
    return msgspec.json.encode({"error": error})


def anthropic_error(refusal: Refusal, request_id: str) -> bytes:
    """`{"type": "error", "error": {type, message, …}, "request_id"}`."""
    error: dict[str, object] = {
        "type": _ANTHROPIC_TYPES.get(refusal.status, "api_error"),
        "message": refusal.message,
        "code": refusal.code,
        "param": refusal.param,
        **refusal.details,
    }
    if "error_code" in refusal.details:  # where Anthropic has it, for its own clients to go by
        error["details"] = {"error_code": refusal.details["error_code"]}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


def google_error(refusal: Refusal, request_id: str) -> bytes:
    """`{"error": {code, message, status, details: [ErrorInfo]}}`."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refusal.code,
        "metadata": {
            "request_id": request_id,
            **({} if refusal.param is None else {"param": refusal.param}),
            **{name: str(value) for name, value in refusal.details.items() if value is not None},
        },
    }
    error = {
        "code": refusal.status,
        "message": refusal.message,
        "status": _GOOGLE_STATUSES.get(refusal.status, "INTERNAL"),
        "details": [info],
    }
    return msgspec.json.encode({"error": error})
