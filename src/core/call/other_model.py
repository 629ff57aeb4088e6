"""A request as it would be for another model of the same provider's API: named in the body, or where Gemini has it, in
the path.

The rule easy to break: what comes out is planned like any request that came in. Nothing is carried over from the plan
of the model that was asked for.
"""

import msgspec

from core.money.model_names import family_of
from core.providers import canonical_provider
from core.refusals import InvalidRequest
from core.routing.paths import UpstreamPath, resolve_upstream_path
from core.wire.dialects.prepared_body import Piece, members_of, object_of

_MODEL_IN_PATH = frozenset({"gemini", "gemini_embed"})


def with_model(provider: str | None, upstream: UpstreamPath, body: bytes, model: str) -> tuple[UpstreamPath, bytes]:
    """The path and the body that ask for `model`: `provider/model`, or a bare name. `provider` is the one that the
    route names, if it names one. Raises `InvalidRequest` where that one does not serve the model."""
    named, slash, bare = model.partition("/")
    owner = canonical_provider(named) if slash else None
    if owner is not None:
        if provider not in (None, owner):
            raise InvalidRequest(
                f"the route leads to {provider}, and {model[:100]} is another provider's: name one of {provider}'s",
                param="model",
            )
        model = bare if provider is not None else f"{owner}/{bare}"
    if _embeds(upstream) != _is_embedding_model(owner or provider or "", bare if owner else model):
        makes = "makes vectors" if _embeds(upstream) else "writes answers"
        raise InvalidRequest(f"{model[:100]!r} is no model for such a call: name one that {makes}", param="model")
    members: dict[str, tuple[Piece, ...]] = {name: (value,) for name, value in members_of(body).items()}
    if upstream.dialect in _MODEL_IN_PATH:
        model = model.removeprefix("models/")
        members.pop("model", None)
        upstream = _with_path(upstream, model)
    else:
        members["model"] = (msgspec.json.encode(model),)
    return upstream, b"".join(piece for piece in object_of(members) if piece is not None)


def _embeds(upstream: UpstreamPath) -> bool:
    return upstream.dialect in ("openai_embeddings", "gemini_embed")


def _is_embedding_model(provider: str, model: str) -> bool:
    """Small models for chat cost less than some embeddings: price alone would lead from one to the other."""
    family = family_of(provider, model)
    return family is not None and family.apart == "embedding"


def _with_path(upstream: UpstreamPath, model: str) -> UpstreamPath:
    """Gemini's path to another model, classified like one that a caller writes: a name must not lead anywhere else."""
    version, method = upstream.path.partition("/")[0], upstream.path.rpartition(":")[2]
    found = resolve_upstream_path("gemini", f"{version}/models/{model}:{method}", "POST")
    if (found.billing, found.dialect) != (upstream.billing, upstream.dialect):
        raise InvalidRequest(f"{model[:100]!r} is no name of a model: write it as GET /v1/models does", param="model")
    return found
