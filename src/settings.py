"""The Worker's environment as one frozen value, parsed once per isolate.

Vars and secrets arrive as text. A value that is missing and has no default, or that does not parse, fails naming the
key and never showing the value; secrets stay out of every `repr`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.bounds import HOLD_TTL_MS_MAX
from core.providers import PROVIDERS
from core.routing.addresses import InvalidBaseURL, base_url
from core.routing.forwarding import may_be_let_pass
from core.tenant.credentials import KeyRecord, parse_token_map
from core.wire.json_text import InvalidJSON


class InvalidSetting(ValueError):
    """A var or secret of the Worker is unusable; the message names the key."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the providers are, the Worker's own provider keys, the static token map, and the time limits (ms)."""

    base_urls: Mapping[str, str]
    provider_keys: Mapping[str, str] = field(repr=False)
    static_keys: tuple[tuple[bytes, KeyRecord], ...] = field(repr=False)
    hold_ttl_ms: int
    """How long a renewed hold lives without a sign of life before the alarm ends it."""
    first_byte_timeout_ms: int
    """How long a provider may take to begin its answer. SDKs wait ten minutes by default."""
    sdk_hold_ttl_ms: int = 600_000
    """How long a hold of an SDK's lives that nobody settles: its call gives no sign of life in between."""
    passed_headers: frozenset[str] = frozenset()
    """Further headers that pass on metered paths, for gateways of the operator's own behind a `{PROVIDER}_BASE_URL`."""
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """All that the Worker has: every isolate of a deployment knows them, and nobody else does."""
    allows_private_receivers: bool = False
    """Tenants may have alerts sent to private networks and without encryption. The telemetry Worker has its own."""

    @property
    def first_hold_ttl_ms(self) -> int:
        """How long a hold lives before its first renewal: a call that is well may give no sign of life until its answer
        begins. Ended sooner, it would count as spent in full, and a stream would lose the money for its rest."""
        return min(HOLD_TTL_MS_MAX, self.first_byte_timeout_ms + self.hold_ttl_ms)


SECRET_NAMES = ("TENANT_TOKEN_MAP", *(provider.secret_name for provider in PROVIDERS.values()))

SETTING_NAMES = (
    *SECRET_NAMES,
    "HOLD_TTL_MS",
    "FIRST_BYTE_TIMEOUT_MS",
    "SDK_HOLD_TTL_MS",
    "PASSED_HEADERS",
    "ALLOW_PRIVATE_RECEIVERS",
    *(provider.base_url_name for provider in PROVIDERS.values()),
)


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from text vars and secrets. Raises `InvalidSetting`."""
    return Settings(
        base_urls={name: _base_url(environment, name) for name in PROVIDERS},
        provider_keys={
            name: environment[provider.secret_name]
            for name, provider in PROVIDERS.items()
            if environment.get(provider.secret_name)
        },
        static_keys=_static_keys(environment.get("TENANT_TOKEN_MAP", "")),
        hold_ttl_ms=_milliseconds(environment, "HOLD_TTL_MS", 120_000),
        first_byte_timeout_ms=_milliseconds(environment, "FIRST_BYTE_TIMEOUT_MS", 600_000),
        sdk_hold_ttl_ms=_milliseconds(environment, "SDK_HOLD_TTL_MS", 600_000),
        passed_headers=_header_names(environment, "PASSED_HEADERS"),
        secrets=tuple(environment[name].encode() for name in SECRET_NAMES if environment.get(name)),
        allows_private_receivers=_flag(environment, "ALLOW_PRIVATE_RECEIVERS"),
    )


def _base_url(environment: Mapping[str, str], name: str) -> str:
    provider = PROVIDERS[name]
    try:
        return base_url(environment.get(provider.base_url_name) or provider.base_url, provider.base_url_name)
    except InvalidBaseURL as error:
        raise InvalidSetting(str(error)) from None


def _header_names(environment: Mapping[str, str], name: str) -> frozenset[str]:
    names = [each.strip().lower() for each in environment.get(name, "").split(",") if each.strip()]
    for each in names:
        if not may_be_let_pass(each):
            raise InvalidSetting(f"{name} must be names of headers by commas, and {each[:60]!r} cannot be one")
    return frozenset(names)


def _static_keys(document: str) -> tuple[tuple[bytes, KeyRecord], ...]:
    try:
        return parse_token_map(document)
    except InvalidJSON as error:
        raise InvalidSetting(f"TENANT_TOKEN_MAP must be JSON of token to tenant: {error}") from None


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "false"
    if text not in ("true", "false"):
        raise InvalidSetting(f"{name} must be true or false")
    return text == "true"


def _milliseconds(environment: Mapping[str, str], name: str, default_ms: int) -> int:
    text = environment.get(name)
    if not text:
        return default_ms
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 3_600_000):
        raise InvalidSetting(f"{name} must be a whole number of milliseconds from 1 to 3600000")
    return int(text)
