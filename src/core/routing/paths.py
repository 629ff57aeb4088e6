"""The choke point: which provider paths there are, what each costs, and which dialect it speaks.

Every path a caller can name under a provider ends as one of three things: metered in a dialect, free, or unmetered
(refused unless the tenant allows it). The rule easy to break: what is classified here is exactly what is sent, so a
path is canonical before it is looked at, and anything with two readings is refused.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from core.refusals import MethodNotAllowed, RouteNotFound

DialectName = Literal[
    "openai_chat",
    "openai_completions",
    "openai_responses",
    "openai_embeddings",
    "openai_compaction",
    "anthropic_messages",
    "gemini",
    "gemini_embed",
]
Billing = Literal["metered", "free", "unmetered"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_CANONICAL_PATH = re.compile(r"[A-Za-z0-9._~@:+,=/-]*")
_MODELS = re.compile(r"(?:v1(?:beta|alpha)?/)?(?:openai/)?models(?:/[^/]+)?")
_GROUPED_MODELS = re.compile(r"models/[^/:]+/[^/:]+")
"""Groq names models by whose they are: `openai/gpt-oss-120b`."""

_VERSIONS = re.compile(r"(?:v1(?:/|$))*")
_GROQ_VERSIONS = re.compile(r"(?:(?:openai/)?v1(?:/|$))*")
_GEMINI_VERSIONS = re.compile(r"(?:(v1beta|v1alpha|v1)(?:/|$))*")
_GEMINI_TRANSFERS = ("upload", "download")
"""Stand before the version."""
_GEMINI_OPENAI_SEGMENTS = ("", "openai", "chat", "completions", "embeddings", "responses")

_OPENAI_STYLE: dict[str, DialectName] = {
    "chat/completions": "openai_chat",
    "completions": "openai_completions",
    "responses": "openai_responses",
    "embeddings": "openai_embeddings",
}
_COMPACTION: dict[str, DialectName] = {"responses/compact": "openai_compaction"}
_METERED: dict[str, dict[str, DialectName]] = {
    "openai": {**_OPENAI_STYLE, **_COMPACTION},
    "groq": _OPENAI_STYLE,
    "xai": {**_OPENAI_STYLE, **_COMPACTION, "messages": "anthropic_messages"},
    "anthropic": {"messages": "anthropic_messages", "chat/completions": "openai_chat"},
    "gemini": {"chat/completions": "openai_chat", "embeddings": "openai_embeddings"},
}
_TRANSLATED_TO: dict[str, DialectName] = {**_OPENAI_STYLE, "messages": "anthropic_messages"}
_FREE_POSTS = {
    "openai": ("moderations", "responses/input_tokens"),
    "anthropic": ("messages/count_tokens",),
}
"""Judge or count what they are sent, and charge nothing."""

_ACCOUNT_POSTS = {
    "openai": re.compile(
        r"(?:responses|batches|fine_tuning/jobs|uploads|vector_stores/[^/]+/file_batches)/[^/]+/cancel"
        r"|conversations(?:/[^/]+(?:/items)?)?"
    ),
    "anthropic": re.compile(r"messages/batches/[^/]+/cancel"),
    "groq": re.compile(r"batches/[^/]+/cancel"),
    "xai": re.compile(r"batches/[^/]+[:/]cancel"),
    "gemini": re.compile(
        r"v1(?:beta|alpha)?/(?:batches|(?:tunedModels/[^/:]+/)?operations)/[^/:]+:cancel"
        r"|v1beta/openai/batches/[^/]+/cancel"
    ),
}
"""End or file what is stored under the provider's account, and charge nothing: what a conversation holds is billed when
an answer goes on from it."""

_GEMINI_OPENAI_ROOT = "v1beta/openai/"
_GEMINI_METHODS: dict[str, DialectName] = {
    "generateContent": "gemini",
    "streamGenerateContent": "gemini",
    "embedContent": "gemini_embed",
    "batchEmbedContents": "gemini_embed",
}
_GEMINI_MODEL = re.compile(r"(?:models|tunedModels)/[^/:]+")
_GEMINI_FREE_METHODS = ("countTokens",)
_GEMINI_READ_METHODS = ("", "download")
"""What a GET may ask for: Google maps verbs to methods of its own (`:generateContent`), whatever HTTP's says."""


@dataclass(frozen=True, slots=True)
class UpstreamPath:
    """A provider's path in canonical form, relative to the provider's base URL, and what it costs."""

    path: str
    billing: Billing
    dialect: DialectName
    """The dialect of a metered path; of any other path the one its errors are written in."""


def resolve_upstream_path(provider: str, rest: str, method: str) -> UpstreamPath:
    """Classify what a caller wrote behind `/v1/proxy/{provider}/`.

    Raises `RouteNotFound` for a path with two readings (`..`, `//`, encoded slashes) and `MethodNotAllowed` for a
    method no provider has.
    """
    if method not in METHODS:
        raise MethodNotAllowed(
            f"{method[:20]} is not a method of any provider's API", details={"allow": ", ".join(METHODS)}
        )
    path = _canonical(rest)
    if provider == "gemini":
        return _gemini_path(path, method)
    path = _without_version(provider, path) or "chat/completions"
    dialect = _METERED[provider].get(path)
    errors_in = dialect or dialect_of_errors(provider, path)
    if _is_free(provider, path, method):
        return UpstreamPath(path, "free", errors_in)
    if dialect is not None and method == "POST":
        return UpstreamPath(path, "metered", dialect)
    return UpstreamPath(path, "unmetered", errors_in)


def is_base_url(provider: str, rest: str) -> bool:
    """Does a caller name nothing behind the address that a client is given?"""
    path = unquote(rest).strip("/")
    if provider == "gemini":
        path = _gemini_version(path)[1].removeprefix("openai").strip("/")
    return not _without_version(provider, path)


def speaks(provider: str, upstream: UpstreamPath) -> bool:
    """Whether a provider takes such a call in its own tongue. Anthropic's OpenAI-style endpoint leaves out much in
    silence: only who names it is led there."""
    if (provider, upstream.dialect) == ("anthropic", "openai_chat"):
        return False
    return _METERED[provider].get(upstream.path) == upstream.dialect


def native_path(provider: str, dialect: DialectName) -> UpstreamPath:
    """Where a provider takes calls in one of the dialects that requests are translated into."""
    (path,) = (path for path, spoken in _TRANSLATED_TO.items() if spoken == dialect)
    root = _GEMINI_OPENAI_ROOT if provider == "gemini" else ""
    return UpstreamPath(root + path, "metered", dialect)


def reaches_account(provider: str, path: UpstreamPath, method: str) -> bool:
    """Would a free request show, change or delete what is stored under the provider's account (files, batches, stored
    answers)? With a key that tenants share, that is what other tenants have stored. Models are everybody's."""
    if method == "DELETE":
        return True
    if method == "POST":
        return _ACCOUNT_POSTS[provider].fullmatch(path.path) is not None
    is_model = _MODELS.fullmatch(path.path) or (provider == "groq" and _GROUPED_MODELS.fullmatch(path.path))
    return method in ("GET", "HEAD") and not is_model


def dialect_of_errors(provider: str, rest: str) -> DialectName:
    """The dialect a caller of this path expects errors in, however wrong the path is."""
    path = unquote(rest).strip("/")
    if provider == "gemini":
        _, behind_version = _gemini_version(path)
        return "openai_chat" if behind_version.partition("/")[0] in _GEMINI_OPENAI_SEGMENTS else "gemini"
    path = _without_version(provider, path)
    if provider == "anthropic":
        return "openai_chat" if path == "chat/completions" else "anthropic_messages"
    if provider == "xai" and path.partition("/")[0] == "messages":
        return "anthropic_messages"
    return "openai_chat"


def _canonical(rest: str) -> str:
    path = unquote(rest).strip("/")
    segments = path.split("/")
    if _CANONICAL_PATH.fullmatch(path) is None or ".." in segments or "." in segments or "" in segments[1:]:
        raise RouteNotFound("the path must be a plain provider path, such as chat/completions")
    return path


def _without_version(provider: str, path: str) -> str:
    """Drop the version that some SDKs write and some leave to the base URL, and its users write there as well."""
    found = (_GROQ_VERSIONS if provider == "groq" else _VERSIONS).match(path)
    assert found is not None, "there may be none"
    return path[found.end() :]


def _is_free(provider: str, path: str, method: str) -> bool:
    if method == "POST":
        return path in _FREE_POSTS.get(provider, ()) or _ACCOUNT_POSTS[provider].fullmatch(path) is not None
    return method in ("GET", "HEAD", "DELETE")


def _gemini_version(path: str) -> tuple[str, str]:
    """The version that a path names last, or else the usual one, and what is behind."""
    found = _GEMINI_VERSIONS.match(path)
    assert found is not None, "there may be none"
    return found[1] or "v1beta", path[found.end() :]


def _gemini_path(path: str, method: str) -> UpstreamPath:
    version, behind_version = _gemini_version(path)
    first = behind_version.partition("/")[0]
    if first in _GEMINI_OPENAI_SEGMENTS:
        return _gemini_openai_path(behind_version.removeprefix("openai").strip("/"), method)
    full_path = behind_version if first in _GEMINI_TRANSFERS else f"{version}/{behind_version}"
    resource, _, method_name = behind_version.partition(":")
    if method != "POST":
        is_free = _is_free("gemini", full_path, method) and method_name in _GEMINI_READ_METHODS
    elif method_name in _GEMINI_METHODS and _GEMINI_MODEL.fullmatch(resource):
        return UpstreamPath(full_path, "metered", _GEMINI_METHODS[method_name])
    else:
        counts = method_name in _GEMINI_FREE_METHODS and _GEMINI_MODEL.fullmatch(resource) is not None
        is_free = counts or _is_free("gemini", full_path, method)
    return UpstreamPath(full_path, "free" if is_free else "unmetered", "gemini")


def _gemini_openai_path(path: str, method: str) -> UpstreamPath:
    path = _without_version("gemini", path) or "chat/completions"
    dialect = _METERED["gemini"].get(path)
    full_path = _GEMINI_OPENAI_ROOT + path
    if _is_free("gemini", full_path, method):
        return UpstreamPath(full_path, "free", dialect or "openai_chat")
    if dialect is not None and method == "POST":
        return UpstreamPath(full_path, "metered", dialect)
    return UpstreamPath(full_path, "unmetered", dialect or "openai_chat")
