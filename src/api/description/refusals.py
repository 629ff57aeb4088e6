"""What our own routes refuse: for each row of the table everything that can come, and the answers that rows share.

Nothing is documented that cannot come, and there is no answer for whatever else may: a status that stands nowhere is a
fault of ours.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.description.schemas import REFERENCES
from api.endpoint import AnyEndpoint, Nothing
from core.refusals import (
    BodyTooLarge,
    BudgetUnavailable,
    Fault,
    InvalidConfiguration,
    InvalidRequest,
    MethodNotAllowed,
    NotPermitted,
    RateLimited,
    Refusal,
    RouteNotFound,
    TenantsUnavailable,
    TenantSuspended,
    TooManyBytes,
    Unauthenticated,
    UnsupportedEncoding,
    UnsupportedMediaType,
    VersionChanged,
    VersionRequired,
)
from core.roles import ROLES_OF

ERROR_EXAMPLE_ID = "req_01a20efe944f000000000001"

_OPTIONAL_NUMBER = {"schema": {"type": "integer"}}
_HEADERS: Mapping[int, dict[str, Any]] = {
    405: {"allow": {"required": True, "schema": {"type": "string"}, "description": "The methods of this path"}},
    429: {"retry-after": _OPTIONAL_NUMBER, "retry-after-ms": _OPTIONAL_NUMBER},
    503: {"retry-after": _OPTIONAL_NUMBER, "retry-after-ms": _OPTIONAL_NUMBER},
}
REQUEST_ID = {
    "x-agentwatch-request-id": {
        "required": True,
        "schema": {"type": "string"},
        "description": "By which an operator finds the request",
    }
}
"""On every answer."""


class Error(msgspec.Struct, frozen=True):
    """Why a request was refused. `code` is the contract, `message` is prose, `param` names the field, parameter or
    header at fault. `errors` are all mistakes of a body, at most 50. The others are the numbers of the case."""

    message: str
    type: str
    code: str
    param: str | None
    request_id: str
    errors: list[Fault] | UnsetType = UNSET
    allow: str | UnsetType = UNSET
    present_version: int | UnsetType = UNSET
    limit_per_minute: int | UnsetType | None = UNSET
    remaining: int | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    scope_id: str | UnsetType = UNSET
    window: str | UnsetType = UNSET
    limit_usd: str | UnsetType | None = UNSET
    spent_usd: str | UnsetType = UNSET
    held_usd: str | UnsetType = UNSET
    needed_usd: str | UnsetType = UNSET
    needed_input_usd: str | UnsetType = UNSET
    needed_output_usd: str | UnsetType = UNSET
    needed_searches_usd: str | UnsetType = UNSET
    needed_thinking_usd: str | UnsetType = UNSET
    needed_references_usd: str | UnsetType = UNSET
    resets_at: int | UnsetType | None = UNSET
    rule: str | UnsetType = UNSET
    rule_name: str | UnsetType = UNSET
    fault: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    most: int | UnsetType = UNSET


class ErrorAnswer(msgspec.Struct, frozen=True):
    error: Error


def refusals_of(endpoint: AnyEndpoint) -> set[type[Refusal]]:
    """Everything that a request to this row may be refused for, its method included."""
    found: set[type[Refusal]] = {InvalidRequest, MethodNotAllowed, *endpoint.refuses}
    if endpoint.parameters:
        found.add(RouteNotFound)
    if endpoint.audience != "public":
        found |= {Unauthenticated, RateLimited, TenantsUnavailable, InvalidConfiguration, BudgetUnavailable}
    if endpoint.audience not in ("public", "anyone") or endpoint.is_administration:  # who signs on may have no role
        found.add(NotPermitted)
    if endpoint.audience not in ("public", "operator") and not endpoint.is_of_the_past:
        found.add(TenantSuspended)
    if endpoint.body is not Nothing:
        found |= {UnsupportedMediaType, UnsupportedEncoding, BodyTooLarge, TooManyBytes}
    if "if-match" in endpoint.headers:
        found |= {VersionRequired, VersionChanged}
    return found


def roles_of(endpoint: AnyEndpoint) -> list[str]:
    return sorted(ROLES_OF[endpoint.audience])


def refused(kinds: Iterable[type[Refusal]]) -> dict[str, Any]:
    """The refusals of one operation, by status."""
    return {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({kind.status for kind in kinds})
    }


def shared_responses(kinds: Iterable[type[Refusal]]) -> dict[str, Any]:
    """One answer for each status, with what it may say."""
    by_status: dict[int, list[type[Refusal]]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def _response(status: int, kinds: list[type[Refusal]]) -> dict[str, Any]:
    return {
        "description": ", ".join(f"`{kind.code}`" for kind in kinds),
        "headers": {**REQUEST_ID, **_HEADERS.get(status, {})},
        "content": {
            "application/json": {
                "schema": {"$ref": REFERENCES + ErrorAnswer.__name__},
                "examples": {kind.code: {"value": _example(kind)} for kind in kinds},
            }
        },
    }


def _example(kind: type[Refusal]) -> dict[str, Any]:
    error: dict[str, Any] = {
        "message": " ".join((kind.__doc__ or "").split()),
        "type": kind.type,
        "code": kind.code,
        "param": None,
        "request_id": ERROR_EXAMPLE_ID,
        **_SAID.get(kind.code, {}),
    }
    return {"error": error}


_SAID: Mapping[str, dict[str, Any]] = {
    InvalidRequest.code: {
        "message": "the body does not fit: Expected `int` >= 1 - at `$.alert_percent`",
        "param": "alert_percent",
        "errors": [{"pointer": "/alert_percent", "code": "wrong_value", "message": "expected `int` >= 1"}],
    },
    MethodNotAllowed.code: {"allow": "GET, HEAD"},
    VersionChanged.code: {"param": "if-match", "present_version": 18},
    VersionRequired.code: {"param": "if-match"},
}
