"""Our own routes as an OpenAPI 3.1 document, made from their table.

What a provider's path takes is the provider's to document: those routes are named here, and no more.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from api.description.parameters import in_path, parameters_of
from api.description.refusals import REQUEST_ID, ErrorAnswer, refusals_of, refused, roles_of, shared_responses
from api.description.schemas import Schema, schemas_of
from api.endpoint import AnyEndpoint, Nothing
from core.refusals import Refusal

PASSED_ON = {
    "/v1/chat/completions": "OpenAI's chat completions over all providers: `model` is `provider/model`, or a bare name",
    "/v1/responses": "OpenAI's Responses over all providers",
    "/v1/messages": "Anthropic's Messages over all providers",
    "/v1/messages/count_tokens": "How many tokens such a request has: by Anthropic for its own models, else estimated",
    "/v1/embeddings": "OpenAI's embeddings over the providers that have them",
    "/v1/completions": "OpenAI's legacy completions over the providers that have them",
    "/v1/proxy/{provider}/{path}": "The provider's own API, as its SDK calls it below this base URL",
}
"""Routes that pass a call on, and what they are."""

_PASSED_ON_TAG = "calls"
_WITH_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
_SIGNED_ON: list[dict[str, list[str]]] = [*_WITH_TOKEN, {"access": []}]
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of a tenant's, or the operator's token. It may stand wherever a provider's key would, too",
}

_ACCESS = {
    "type": "apiKey",
    "in": "header",
    "name": "Cf-Access-Jwt-Assertion",
    "description": "Cloudflare Access sends it for whoever has signed on; where a token comes, too, the token decides",
}


class OpenApi(msgspec.Struct, frozen=True):
    """The parts of an OpenAPI document that we fill in."""

    openapi: str
    info: dict[str, str]
    tags: list[dict[str, str]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, Any]


class Example(msgspec.Struct, frozen=True):
    """What an operation was sent and what it answered, as `tests/golden` has seen it; nothing where that is no JSON."""

    query: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw()
    answer: msgspec.Raw = msgspec.Raw()


def openapi_of(endpoints: Sequence[AnyEndpoint]) -> OpenApi:
    """The document of these routes."""
    told = (kind for each in endpoints for kind in (each.answer, each.body, each.also_answer, each.also_body))
    references, schemas = schemas_of({kind for kind in told if kind not in (None, Nothing, str)} | {ErrorAnswer})
    examples = _examples()
    paths: dict[str, dict[str, Any]] = {path: {"post": _passed_on(path)} for path in PASSED_ON}
    refusals: set[type[Refusal]] = set()
    for each in endpoints:
        refusals |= refusals_of(each)
        operation = _operation(each, references, examples.get(operation_id(each), Example()))
        paths.setdefault(each.path, {})[each.method.lower()] = operation
    return OpenApi(
        openapi="3.1.0",
        info={"title": "AgentWatch", "version": "1", "summary": "A budget guard for LLM traffic"},
        tags=[{"name": tag} for tag in sorted({_PASSED_ON_TAG, *(_tag(each.path) for each in endpoints)})],
        paths=paths,
        components={
            "schemas": schemas,
            "responses": shared_responses(refusals),
            "securitySchemes": {"token": _TOKEN, "access": _ACCESS},
        },
    )


def operation_id(endpoint: AnyEndpoint) -> str:
    """Such as `getSessionsBySessionId`: what method and path say, so that it changes only with them."""
    words = [endpoint.method.lower()]
    for step in _steps(endpoint.path):
        words += ["by", *step[1:-1].split("_")] if step[0] == "{" else step.replace(".", "-").split("-")
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def _operation(endpoint: AnyEndpoint, references: Mapping[type, Schema], example: Example) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [_tag(endpoint.path)],
        "security": _security(endpoint),
        "parameters": [_exemplified(each, example.query) for each in parameters_of(endpoint)],
        "responses": {**_answered(endpoint, references, example), **refused(refusals_of(endpoint))},
    }
    if endpoint.audience != "public":
        roles = roles_of(endpoint)
        operation["description"] = f"For tokens with the role {' or '.join(roles)}."
        operation["x-roles"] = roles
    if endpoint.body is not Nothing:
        content = _content((endpoint.body, endpoint.also_body), references, example.body)
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _exemplified(parameter: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    is_named = parameter["in"] == "query" and parameter["name"] in query
    return {**parameter, "example": query[parameter["name"]]} if is_named else parameter


def _security(endpoint: AnyEndpoint) -> list[dict[str, list[str]]]:
    if endpoint.audience == "public":
        return []
    return _SIGNED_ON if endpoint.is_administration else _WITH_TOKEN


def _answered(endpoint: AnyEndpoint, references: Mapping[type, Schema], example: Example) -> dict[str, Any]:
    named = dict.fromkeys(endpoint.answer_headers, True) | dict.fromkeys(endpoint.optional_answer_headers, False)
    headers = {name: {"required": is_always, "schema": {"type": "string"}} for name, is_always in named.items()}
    content = _content((endpoint.answer, endpoint.also_answer), references, example.answer)
    if endpoint.as_text is not None:
        content[endpoint.as_text] = {"schema": {"type": "string"}}
    words = {
        endpoint.status: endpoint.summary,
        endpoint.also_status: "The request was answered before: nothing is done",
    }
    return {
        str(status): {"description": words[status], "headers": {**REQUEST_ID, **headers}, "content": content}
        for status in (endpoint.status, endpoint.also_status)
        if status is not None
    }


def _passed_on(path: str) -> dict[str, Any]:
    answer = {"description": "The provider's answer, or a refusal in the form of its errors"}
    return {
        "summary": PASSED_ON[path],
        "tags": [_PASSED_ON_TAG],
        "security": _WITH_TOKEN,
        "parameters": [in_path(name) for name in ("provider", "path") if f"{{{name}}}" in path],
        "responses": {"2XX": answer, "4XX": answer, "5XX": answer},
    }


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", "v1")]


def _tag(path: str) -> str:
    """What the routes of a noun have in common."""
    return _steps(path)[0].partition(".")[0]


def _content(
    kinds: tuple[type | None, type | None], references: Mapping[type, Schema], example: msgspec.Raw
) -> dict[str, Any]:
    shapes = [references[kind] for kind in kinds if kind is not None and kind is not str]
    told = {"example": example} if bytes(example) else {}
    text = {"text/plain": {"schema": {"type": "string"}}} if str in kinds else {}
    json = {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}
    return {**text, **({"application/json": {**json, **told}} if shapes else {})}


def _examples() -> dict[str, Example]:
    text = Path(__file__).with_name("examples.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Example])
