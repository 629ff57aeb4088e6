"""What a request to a path costs: metered in a dialect, free, or costly and not metered.

The rule easy to break: a path nobody has looked at yet counts as costly, never as free. A test walks both clients and
fails where they know a path that is not here.
"""

from __future__ import annotations

import re
from typing import Literal

from ...calls import Dialect

PathKind = Literal["metered", "free", "unmetered", "unknown"]

_METERED: dict[str, Dialect] = {
    "chat/completions": "openai_chat",
    "responses": "openai_responses",
    "completions": "openai_completions",
    "embeddings": "openai_embeddings",
    "messages": "anthropic_messages",
}

_FREE = (
    "chat/completions/*", "responses/*/cancel", "responses/input_tokens", "messages/count_tokens",
    "messages/batches/*/cancel", "moderations", "conversations", "conversations/**", "files", "uploads",
    "uploads/**", "batches/*/cancel", "organization/**", "organizations/**", "projects/**", "evals", "evals/*",
    "evals/*/runs/*", "evals/*/runs/*/cancel", "fine_tuning/checkpoints/**", "fine_tuning/alpha/graders/validate",
    "fine_tuning/jobs/*/cancel", "fine_tuning/jobs/*/pause", "skills", "skills/**", "vaults", "vaults/**",
    "webhook_endpoints", "webhook_endpoints/**", "content_provenance_checks", "compliance/**", "user_profiles",
    "user_profiles/**", "tunnels", "tunnels/**", "memory_stores", "memory_stores/**", "assistants", "assistants/*",
    "threads", "threads/*", "threads/*/messages", "threads/*/messages/*", "threads/*/runs/*",
    "threads/*/runs/*/cancel", "chatkit/sessions/*/cancel", "realtime/calls/*/hangup", "realtime/calls/*/reject",
    "live/sessions/*/hangup", "live/sessions/*/reject", "dreams/*/archive", "dreams/*/cancel",
    "audio/voice_consents", "audio/voice_consents/*",
)  # fmt: skip
"""`*` stands for one segment, `**` for all that follow. Nothing of these makes a model work or is billed by itself."""

_UNMETERED = (
    "responses/compact", "complete", "messages/batches", "batches", "images/**", "videos", "videos/**",
    "audio/speech", "audio/transcriptions", "audio/translations", "audio/voices", "realtime/**", "live/**",
    "containers", "containers/**", "vector_stores", "vector_stores/**", "fine_tuning/jobs",
    "fine_tuning/jobs/*/resume", "fine_tuning/alpha/graders/run", "evals/*/runs", "threads/runs", "threads/*/runs",
    "threads/*/runs/*/submit_tool_outputs", "chatkit/sessions", "agents", "agents/**", "sessions", "sessions/**",
    "deployments", "deployments/**", "dreams", "environments", "environments/**", "decisions",
)  # fmt: skip
"""A model works, a container runs, or storage is billed, and no answer says how much in a way that is read here."""


def _pattern(paths: tuple[str, ...]) -> re.Pattern[str]:
    several = (".+".join(part.replace("*", "[^/]+") for part in path.split("**")) for path in paths)
    return re.compile("|".join(f"(?:{each})" for each in several))


_IS_FREE = _pattern(_FREE)
_IS_UNMETERED = _pattern(_UNMETERED)
_VERSION = re.compile(r"(?:openai/)?v1(?:beta/openai)?/|(?:openai/)?deployments/[^/]+/(?=chat|completions|embeddings)")
_BACKGROUND = re.compile(r"responses/([^/]+)(?:/cancel)?")


def bare_path(path: str) -> str:
    """Below the provider's root: neither slashes around it, nor a version, an Azure deployment or a query."""
    without_origin = re.sub(r"^https?://[^/]*", "", path)
    bare = re.split(r"[?#]", without_origin, maxsplit=1)[0].strip("/")
    match = _VERSION.match(bare)
    return bare[match.end() :] if match else bare


def dialect_of(bare: str) -> Dialect | None:
    """In which dialect a bare path is metered; None where it is not."""
    return _METERED.get(bare)


def kind_of(method: str, bare: str) -> PathKind:
    """Reading and deleting cost nothing."""
    if method.upper() not in ("POST", "PUT", "PATCH"):
        return "free"
    if bare in _METERED:
        return "metered"
    if _IS_FREE.fullmatch(bare):
        return "free"
    return "unmetered" if _IS_UNMETERED.fullmatch(bare) else "unknown"


def background_id_of(bare: str) -> str | None:
    """The answer that a path is about: `responses/resp_1`, `responses/resp_1/cancel`."""
    match = _BACKGROUND.fullmatch(bare)
    return match[1] if match else None
