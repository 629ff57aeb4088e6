"""The providers' lists of models, each in its own form."""

from collections.abc import Callable

import msgspec

from mock_llm.selling.models import Kind, Model, models_of

_encode = msgspec.json.encode

CREATED_S = 1_735_689_600
CREATED = "2025-01-01T00:00:00Z"

Catalogue = Callable[[str, str | None], bytes | None]
"""The list of a provider's models, or one of them; None when there is no such model."""


def openai_models(provider: str, name: str | None) -> bytes | None:
    listed: list[dict[str, object]] = [
        {"id": model.name, "object": "model", "created": CREATED_S, "owned_by": provider}
        for model in models_of(provider)
    ]
    if name is None:
        return _encode({"object": "list", "data": listed})
    return _one(listed, "id", name)


def anthropic_models(provider: str, name: str | None) -> bytes | None:
    listed: list[dict[str, object]] = [
        {"type": "model", "id": model.name, "display_name": model.name, "created_at": CREATED}
        for model in models_of(provider)
    ]
    if name is not None:
        return _one(listed, "id", name)
    ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
    return _encode({"data": listed, "has_more": False, **ends})


def gemini_models(provider: str, name: str | None) -> bytes | None:
    listed = [_gemini_model(model) for model in models_of(provider)]
    if name is None:
        return _encode({"models": listed})
    return _one(listed, "name", f"models/{name}")


def _gemini_model(model: Model) -> dict[str, object]:
    methods = ["generateContent", "countTokens", "streamGenerateContent"]
    if model.kind is Kind.EMBEDDING:
        methods = ["embedContent"]
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.name,
        "outputTokenLimit": max(1, model.output_tokens_max),
        "supportedGenerationMethods": methods,
    }


def _one(listed: list[dict[str, object]], field: str, name: str) -> bytes | None:
    return next((_encode(one) for one in listed if one[field] == name), None)
