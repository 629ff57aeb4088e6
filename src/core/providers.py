"""The five providers: where they are, and how each wants to be shown a key.

A base URL is what an upstream path is appended to; `{PROVIDER}_BASE_URL` replaces it. Gemini's is the bare host,
because the API version belongs to the path there.
"""

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
    "claude": "anthropic",
    "azureopenai": "openai",
    "azure": "openai",
    "google": "gemini",
    "googleai": "gemini",
    "googleaistudio": "gemini",
    "googlegemini": "gemini",
    "googlegenai": "gemini",
    "googlegenerativeai": "gemini",
    "googlevertex": "gemini",
    "vertex": "gemini",
    "vertexai": "gemini",
    "groqcloud": "groq",
    "grok": "xai",
}


def canonical_provider(name: str) -> str | None:
    """The provider that a name means in any usual spelling (`OpenAI`, `x.ai`, `vertex_ai`); None where it is none."""
    word = "".join(character for character in name.lower() if character.isalnum())
    return word if word in PROVIDERS else _SPELLINGS.get(word)
