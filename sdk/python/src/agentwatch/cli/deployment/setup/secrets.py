"""The secrets of both Workers: which there are, which are made here and which only their owner knows.

A secret comes from the environment, from where it is kept on this machine, or is typed unseen; it goes to wrangler's
standard input. Two are made here, and kept before a Worker is told of them: who runs the deployment needs the one, and
both Workers the same other. The rule easy to break: one that is set is never set again, because what was sealed under
KEY_ENCRYPTION_KEY could not be opened any more, and whoever has OPERATOR_TOKEN would be locked out.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .checkout import EDGE, TELEMETRY

OPERATOR_TOKEN = "OPERATOR_TOKEN"
KEY_ENCRYPTION_KEY = "KEY_ENCRYPTION_KEY"

Ask = Callable[[str, str], str]
"""Asks for a secret by its name and what it is; what is typed is not shown. An empty text for none."""


@dataclass(frozen=True)
class Secret:
    name: str
    config: str
    """Whose it is."""
    meaning: str
    is_needed: bool = True


def new_operator_token() -> str:
    return f"aw_live_{secrets.token_hex(24)}"


def new_encryption_key() -> str:
    """`id:key`: of several, the first encrypts, so that another can take its place later."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY", "XAI_API_KEY")

SECRETS = (
    Secret(OPERATOR_TOKEN, EDGE, "the token of whoever runs the deployment"),
    Secret(KEY_ENCRYPTION_KEY, EDGE, "seals tenants' provider keys"),
    *(Secret(name, EDGE, "the Worker's own key there; empty for none", is_needed=False) for name in PROVIDER_KEYS),
    Secret("SUPABASE_URL", EDGE, "https://<project>.supabase.co"),
    Secret("SUPABASE_JWT_SECRET", EDGE, "the project's JWT secret (HS256): tenants read usage by it"),
    Secret("SUPABASE_ANON_KEY", EDGE, "the project's anon or publishable key: Supabase's gateway wants it"),
    Secret(KEY_ENCRYPTION_KEY, TELEMETRY, "seals the secrets of webhooks, too"),
    Secret("SUPABASE_URL", TELEMETRY, "https://<project>.supabase.co"),
    Secret("SUPABASE_SERVICE_ROLE_KEY", TELEMETRY, "the project's service_role or secret key: writes records"),
)  # fmt: skip


def of_config(config: str) -> tuple[Secret, ...]:
    return tuple(secret for secret in SECRETS if secret.config == config)


@dataclass
class Known:
    """What can be known here. Nobody is asked twice, and for what both Workers need only once."""

    ask: Ask | None
    """None where nobody can be asked."""
    kept: Mapping[str, Callable[[], str]]
    """What is kept on this machine, by the secret's name: read when it is wanted, empty as long as there is none."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    answers: dict[str, str] = field(default_factory=dict, repr=False)

    def is_given(self, secret: Secret) -> bool:
        """In the environment."""
        return bool(self.environment.get(secret.name, "").strip())

    def value(self, secret: Secret) -> str:
        """Empty where there is none."""
        if secret.name in self.kept:
            return self.kept[secret.name]()
        if secret.name not in self.answers:
            given = self.environment.get(secret.name, "").strip()
            if not given and self.ask is not None:
                given = self.ask(secret.name, secret.meaning).strip()
            self.answers[secret.name] = given
        return self.answers[secret.name]

    def source(self, secret: Secret) -> str:
        """Where it will come from, in words."""
        if secret.name in self.kept:
            return "made and kept here"
        if self.is_given(secret):
            return "from the environment"
        if self.ask is None:
            return "MISSING: set it in the environment" if secret.is_needed else "left out"
        return "asked for"
