"""Our own routes as an OpenAPI 3.1 document, made from their table; the schemas are msgspec's own.

What a provider's path takes is the provider's to document: those routes are named here, and no more.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from api.endpoint import AnyEndpoint, Nothing

_REFERENCES = "#/components/schemas/"
_TEXT = {"type": "string"}
_WITH_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
_REFUSED = {
    "description": "A refusal",
    "content": {"application/json": {"schema": {"$ref": _REFERENCES + "ErrorAnswer"}}},
}

PASSED_ON = {
    "/v1/chat/completions": "OpenAI's chat completions over all providers: `model` is `provider/model`, or a bare name",
    "/v1/responses": "OpenAI's Responses over all providers",
    "/v1/messages": "Anthropic's Messages over all providers",
    "/v1/messages/count_tokens": "How many tokens such a request has: by Anthropic for its own models, else estimated",
    "/v1/embeddings": "OpenAI's embeddings over the providers that have them",
    "/v1/proxy/{provider}/{path}": "The provider's own API, as its SDK calls it below this base URL",
}
"""Routes that pass a call on, and what they are."""


class Error(msgspec.Struct, frozen=True):
    """Why a request was refused. `code` is the contract, `message` is prose, `param` names the field at fault; further
    members are the numbers of the case (docs/errors.md)."""

    message: str
    type: str
    code: str
    param: str | None
    request_id: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    error: Error


class OpenApi(msgspec.Struct, frozen=True):
    """The parts of an OpenAPI document that we fill in."""

    openapi: str
    info: dict[str, str]
    paths: dict[str, dict[str, Any]]
    components: dict[str, Any]


def openapi_of(endpoints: Sequence[AnyEndpoint]) -> OpenApi:
    """The document of these routes."""
    told = (kind for each in endpoints for kind in (each.answer, each.body, each.also_answer, each.also_body))
    types = {kind for kind in told if kind is not None} | {ErrorAnswer}
    kinds = sorted(types - {Nothing, str}, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REFERENCES + "{name}")
    paths: dict[str, dict[str, Any]] = {path: {"post": _passed_on(path)} for path in PASSED_ON}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return OpenApi(
        openapi="3.1.0",
        info={"title": "AgentWatch", "version": "1", "summary": "A budget guard for LLM traffic"},
        paths=paths,
        components={
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    )


def _operation(endpoint: AnyEndpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "security": [] if endpoint.audience == "public" else _WITH_TOKEN,
        "parameters": [
            *(_in_path(name) for name in endpoint.parameters),
            *_in_query(endpoint.query),
            *({"name": name, "in": "header", "required": True, "schema": _TEXT} for name in endpoint.headers),
        ],
        "responses": {"200": _answered(endpoint), "default": _REFUSED},
    }
    if endpoint.audience == "admin":
        operation["description"] = "Needs a token with the admin role."
    if endpoint.body is not Nothing:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body, endpoint.also_body)}
    return operation


def _answered(endpoint: AnyEndpoint) -> dict[str, Any]:
    return {
        "description": "OK",
        "headers": {name: {"schema": _TEXT} for name in endpoint.answer_headers},
        "content": _content(endpoint.answer, endpoint.also_answer),
    }


def _passed_on(path: str) -> dict[str, Any]:
    return {
        "summary": PASSED_ON[path],
        "security": _WITH_TOKEN,
        "parameters": [_in_path(name) for name in ("provider", "path") if f"{{{name}}}" in path],
        "responses": {"default": {"description": "The provider's answer, or a refusal in the form of its errors"}},
    }


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _in_query(kind: type[Any]) -> list[dict[str, Any]]:
    """A query's members as parameters."""
    (schema,), members = msgspec.json.schema_components([kind], ref_template=_REFERENCES + "{name}")
    shape = members[schema["$ref"].removeprefix(_REFERENCES)]
    required = shape.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": member}
        for name, member in shape["properties"].items()
    ]


def _content(kind: type[Any], other: type[Any] | None) -> dict[str, Any]:
    shapes = [{"$ref": _REFERENCES + each.__name__} for each in (kind, other) if each is not None and each is not str]
    text = {"text/plain": {"schema": _TEXT}} if kind is str else {}
    json = {"application/json": {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}} if shapes else {}
    return {**text, **json}
