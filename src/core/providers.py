"""The five providers: where they are, how each wants to be shown a key, and what else they are called.

A base URL is what an upstream path is appended to; `{PROVIDER}_BASE_URL` replaces it. Gemini's is the bare host,
because the API version belongs to the path there.
"""

import re
from dataclasses import dataclass
from typing import Literal

KeyPlace = Literal["authorization", "x-api-key", "x-goog-api-key"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's name, default base URL, and the header in which its own API takes the key."""

    name: str
    base_url: str
    key_place: KeyPlace
    openai_root: str = ""
    """Where its OpenAI-compatible API begins, below the base URL."""

    @property
    def secret_name(self) -> str:
        return f"{self.name.upper()}_API_KEY"

    @property
    def base_url_name(self) -> str:
        return f"{self.name.upper()}_BASE_URL"


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider("openai", "https://api.openai.com/v1", "authorization"),
        Provider("anthropic", "https://api.anthropic.com/v1", "x-api-key"),
        Provider("gemini", "https://generativelanguage.googleapis.com", "x-goog-api-key", "v1beta/openai/"),
        Provider("groq", "https://api.groq.com/openai/v1", "authorization"),
        Provider("xai", "https://api.x.ai/v1", "authorization"),
    )
}

_SPELLINGS = {
    "openai": ("openai", "chatgpt", "gpt", "azure", "azureopenai", "azureaiopenai", "azaiopenai"),
    "anthropic": ("anthropic", "claude"),
    "gemini": (
        "gemini", "google", "googlegemini", "googlegenai", "googleai", "googleaistudio", "googlegenerativeai",
        "googlegla", "googlevertex", "googlevertexai", "vertex", "vertexai", "gcpgemini", "gcpgenai", "gcpvertexai",
    ),
    "groq": ("groq", "groqcloud"),
    "xai": ("xai", "grok"),
}  # fmt: skip
"""What SDKs, gateways and OpenTelemetry's conventions call them, letters and digits alone. Clouds that sell one
maker's models at that maker's prices count as the maker."""

_BY_SPELLING = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}

_SURFACE = re.compile("(?:chat|responses?|messages?|completions?|embeddings?)$")
"""`openai.responses`, `xai-chat`: some SDKs name the API besides."""


def canonical_provider(name: str) -> str | None:
    """The provider that a name means in any usual spelling (`OpenAI`, `x.ai`, `google-genai`), None for any other."""
    letters = re.sub("[^a-z0-9]", "", name.lower()[:64])
    return _BY_SPELLING.get(letters) or _BY_SPELLING.get(_SURFACE.sub("", letters))
