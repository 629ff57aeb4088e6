"""The seven APIs of the five providers: where they are, how they take a key, how they fail, what
they head answers with.

A provider with an OpenAI-style API beside its own has two surfaces. A path is looked up in one
table; only Gemini's native paths, which carry the model, are taken apart.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from mock_llm.selling import catalogue
from mock_llm.wire import failures
from mock_llm.wire.anthropic import messages as anthropic_messages
from mock_llm.wire.anthropic import request as anthropic_request
from mock_llm.wire.failures import Renderer
from mock_llm.wire.gemini import answers as gemini
from mock_llm.wire.openai import chat as openai_chat
from mock_llm.wire.openai.chat import chat_wire
from mock_llm.wire.openai.compaction import COMPACTION
from mock_llm.wire.openai.completions import COMPLETIONS
from mock_llm.wire.openai.embeddings import EMBEDDINGS
from mock_llm.wire.openai.responses_stream import RESPONSES
from mock_llm.writing.calls import Wire

Headers = dict[bytes, bytes]
HeaderList = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Key:
    """A provider key as it arrived; `place` is the header or the query parameter it was in."""

    value: str
    place: str


@dataclass(frozen=True, slots=True)
class Surface:
    """One API of one provider."""

    provider: str
    prefix: str
    wires: dict[str, Wire]
    key_places: tuple[str, ...]
    missing_key: tuple[int, str]
    """Status and text of the answer to a call without a key."""
    render_failure: Renderer
    list_models: catalogue.Catalogue
    fixed_headers: HeaderList
    request_id_header: bytes = b"x-request-id"
    required_headers: tuple[str, ...] = ()
    methods: dict[str, Wire] = field(default_factory=dict)
    """Gemini's `models/{model}:{method}` paths."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: an endpoint, a model list, or nothing (both None and no list)."""

    surface: Surface
    wire: Wire | None = None
    path_model: str = ""
    is_stream_path: bool = False
    is_model_list: bool = False


def find_target(path: str) -> Target | None:
    """None when no provider's API lives under the path."""
    if (found := _EXACT.get(path)) is not None:
        return found
    surface = next((one for one in SURFACES if path.startswith(one.prefix)), None)
    if surface is None:
        return None
    rest = path.removeprefix(surface.prefix)
    if not rest.startswith("models/"):
        return Target(surface)
    name, _, method = rest.removeprefix("models/").rpartition(":")
    if surface.methods and name:
        is_stream = method == "streamGenerateContent"
        return Target(surface, surface.methods.get(method), unquote(name), is_stream)
    return Target(surface, path_model=unquote(rest.removeprefix("models/")), is_model_list=True)


def find_key(surface: Surface, headers: Headers, query: str) -> Key | None:
    for place in surface.key_places:
        if place == "query":
            value = parse_qs(query).get("key", [""])[0]
        else:
            value = headers.get(place.encode(), b"").decode("latin-1")
        if place == "authorization":
            scheme, _, value = value.partition(" ")
            value = value.strip() if scheme.lower() == "bearer" else ""
        if value:
            return Key(value, place)
    return None


def answer_headers(surface: Surface, unique: str, processing_ms: int) -> HeaderList:
    timing = [(b"openai-processing-ms", b"%d" % processing_ms)]
    return [
        (surface.request_id_header, f"req_{unique}".encode()),
        *(timing if surface.provider == "openai" else ()),
        *surface.fixed_headers,
    ]


def _rate_limits(prefix: str, *, requests: int, tokens: int) -> HeaderList:
    """Limits and what is left of them, in the OpenAI form that Groq and xAI share."""
    values = {
        "limit-requests": str(requests),
        "limit-tokens": str(tokens),
        "remaining-requests": str(requests - 1),
        "remaining-tokens": str(tokens - 100),
        "reset-requests": "6ms",
        "reset-tokens": "0s",
    }
    return [(f"{prefix}-{name}".encode(), value.encode()) for name, value in values.items()]


_ANTHROPIC_HEADERS: HeaderList = [
    (b"anthropic-ratelimit-requests-limit", b"4000"),
    (b"anthropic-ratelimit-requests-remaining", b"3999"),
    (b"anthropic-ratelimit-requests-reset", b"2026-12-01T00:00:00Z"),
    (b"anthropic-ratelimit-tokens-limit", b"480000"),
    (b"anthropic-ratelimit-tokens-remaining", b"480000"),
    (b"anthropic-ratelimit-tokens-reset", b"2026-12-01T00:00:00Z"),
    (b"anthropic-organization-id", b"b1a2c3d4-0000-4000-8000-000000000000"),
]

_NO_OPENAI_KEY = (
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
)

_OPENAI = Surface(
    provider="openai",
    prefix="/openai/v1/",
    wires={
        "chat/completions": chat_wire(openai_chat.OPENAI),
        "completions": COMPLETIONS,
        "responses": RESPONSES,
        "responses/compact": COMPACTION,
        "embeddings": EMBEDDINGS,
    },
    key_places=("authorization",),
    missing_key=_NO_OPENAI_KEY,
    render_failure=failures.openai_body,
    list_models=catalogue.openai_models,
    fixed_headers=[
        (b"openai-organization", b"mock-organization"),
        (b"openai-version", b"2020-10-01"),
        *_rate_limits("x-ratelimit", requests=10_000, tokens=10_000_000),
    ],
)

_ANTHROPIC_OPENAI_STYLE = Surface(
    provider="anthropic",
    prefix="/anthropic/v1/chat/",
    wires={"completions": chat_wire(openai_chat.ANTHROPIC)},
    key_places=("authorization", "x-api-key"),
    missing_key=(401, "x-api-key header is required"),
    render_failure=failures.anthropic_openai_style_body,
    list_models=catalogue.openai_models,
    fixed_headers=_ANTHROPIC_HEADERS,
    request_id_header=b"request-id",
)

_ANTHROPIC = Surface(
    provider="anthropic",
    prefix="/anthropic/v1/",
    wires={
        "messages": anthropic_messages.MESSAGES,
        "messages/count_tokens": anthropic_request.COUNT_TOKENS,
    },
    key_places=("x-api-key", "authorization"),
    missing_key=(401, "x-api-key header is required"),
    render_failure=failures.anthropic_body,
    list_models=catalogue.anthropic_models,
    fixed_headers=_ANTHROPIC_HEADERS,
    request_id_header=b"request-id",
    required_headers=("anthropic-version",),
)

_GEMINI_OPENAI_STYLE = Surface(
    provider="gemini",
    prefix="/gemini/v1beta/openai/",
    wires={"chat/completions": chat_wire(openai_chat.GEMINI), "embeddings": EMBEDDINGS},
    key_places=("authorization", "x-goog-api-key", "query"),
    missing_key=(401, "Missing or invalid Authorization header."),
    render_failure=failures.google_list_body,
    list_models=catalogue.openai_models,
    fixed_headers=[],
)


def _gemini_native(version: str) -> Surface:
    return Surface(
        provider="gemini",
        prefix=f"/gemini/{version}/",
        wires={},
        key_places=("x-goog-api-key", "query", "authorization"),
        missing_key=(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        ),
        render_failure=failures.google_body,
        list_models=catalogue.gemini_models,
        fixed_headers=[(b"x-content-type-options", b"nosniff"), (b"vary", b"Origin, Referer")],
        methods={
            "generateContent": gemini.GENERATE,
            "streamGenerateContent": gemini.GENERATE,
            "countTokens": gemini.COUNT_TOKENS,
            "embedContent": gemini.EMBED,
            "batchEmbedContents": gemini.BATCH_EMBED,
        },
    )


_GROQ = Surface(
    provider="groq",
    prefix="/groq/openai/v1/",
    wires={"chat/completions": chat_wire(openai_chat.GROQ), "responses": RESPONSES},
    key_places=("authorization",),
    missing_key=(401, "Invalid API Key"),
    render_failure=failures.groq_body,
    list_models=catalogue.openai_models,
    fixed_headers=_rate_limits("x-ratelimit", requests=14_400, tokens=300_000),
)

_XAI = Surface(
    provider="xai",
    prefix="/xai/v1/",
    wires={
        "chat/completions": chat_wire(openai_chat.XAI),
        "responses": RESPONSES,
        "responses/compact": COMPACTION,
    },
    key_places=("authorization",),
    missing_key=(401, "No API key provided. Specify it in the Authorization header."),
    render_failure=failures.xai_body,
    list_models=catalogue.openai_models,
    fixed_headers=_rate_limits("x-ratelimit", requests=480, tokens=2_000_000),
)

SURFACES: tuple[Surface, ...] = (
    _OPENAI,
    _ANTHROPIC_OPENAI_STYLE,
    _ANTHROPIC,
    _GEMINI_OPENAI_STYLE,
    _gemini_native("v1beta"),
    _gemini_native("v1"),
    _GROQ,
    _XAI,
)
"""In the order their prefixes are tried: a longer one before the one it begins with."""

PROVIDERS: tuple[str, ...] = ("openai", "anthropic", "gemini", "groq", "xai")

BASE_PATHS: dict[str, str] = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic/v1",
    "gemini": "/gemini",
    "groq": "/groq/openai/v1",
    "xai": "/xai/v1",
}
"""What stands for each provider's public base URL."""

_EXACT: dict[str, Target] = {
    surface.prefix + rest: Target(surface, wire) for surface in SURFACES for rest, wire in surface.wires.items()
} | {surface.prefix + "models": Target(surface, is_model_list=True) for surface in SURFACES}
