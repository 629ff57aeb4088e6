"""The Worker's environment as one frozen value, parsed once per isolate.

Vars and secrets arrive as text. A value that is missing and has no default, or that does not parse, fails naming the
key and never showing the value; secrets stay out of every `repr`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from core.bounds import HOLD_TTL_MS_MAX
from core.providers import PROVIDERS
from core.routing.addresses import InvalidBaseURL, base_url
from core.routing.forwarding import may_be_let_pass
from core.tenant.credentials import KeyRecord, TenantId, digest, parse_token_map
from core.tenant.document_text import objects_in, repeated_member
from core.tenant.sealed.form import InvalidSealingKeys, SealingKey, parse_sealing_keys
from core.wire.json_text import InvalidJSON, read_json

_Audience = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,128}\Z")]

_OPERATOR_TOKEN = re.compile(r"aw_live_[0-9a-f]{48}")


class InvalidSetting(ValueError):
    """A var or secret of the Worker is unusable; the message names the key."""


@dataclass(frozen=True, slots=True)
class AccessTeam:
    """Whose single sign-on is believed, and for which applications."""

    domain: str
    """The issuer of its assertions, such as `https://team.cloudflareaccess.com`."""
    applications: Mapping[str, str]
    """Audience tags, and the tenant that each is for."""

    @property
    def keys_url(self) -> str:
        return f"{self.domain}/cdn-cgi/access/certs"


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
    given: frozenset[str] = frozenset()
    """The names of what the Worker was given."""
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """All that the Worker has: every isolate of a deployment knows them, and nobody else does."""
    operator_digest: bytes | None = field(default=None, repr=False)
    """SHA-256 of the operator's token; None where nobody is one."""
    supabase_url: str | None = None
    supabase_jwt_secret: bytes | None = field(default=None, repr=False)
    """What the database of records checks tokens by. Without it and the address no records are read here."""
    supabase_anon_key: str | None = field(default=None, repr=False)
    """What Supabase's gateway wants besides a token."""
    access_team: AccessTeam | None = None
    """None: nobody signs on, and whatever says that somebody has is not looked at."""
    sealing_keys: tuple[SealingKey, ...] = field(default=(), repr=False)
    """By which tenants' secrets are sealed at rest: the first seals, all of them open."""
    allows_private_receivers: bool = False
    """Tenants may have alerts sent to private networks and without encryption. The telemetry Worker has its own."""

    @property
    def first_hold_ttl_ms(self) -> int:
        """How long a hold lives before its first renewal: a call that is well may give no sign of life until its answer
        begins. Ended sooner, it would count as spent in full, and a stream would lose the money for its rest."""
        return min(HOLD_TTL_MS_MAX, self.first_byte_timeout_ms + self.hold_ttl_ms)


SECRET_NAMES = (
    "TENANT_TOKEN_MAP",
    "OPERATOR_TOKEN",
    "KEY_ENCRYPTION_KEY",
    *(provider.secret_name for provider in PROVIDERS.values()),
)

SETTING_NAMES = (
    *SECRET_NAMES,
    "HOLD_TTL_MS",
    "FIRST_BYTE_TIMEOUT_MS",
    "SDK_HOLD_TTL_MS",
    "PASSED_HEADERS",
    "ALLOW_PRIVATE_RECEIVERS",
    "SUPABASE_URL",
    "SUPABASE_JWT_SECRET",
    "SUPABASE_ANON_KEY",
    "ACCESS_TEAM_DOMAIN",
    "ACCESS_APPLICATIONS",
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
        operator_digest=_operator_digest(environment.get("OPERATOR_TOKEN", "")),
        sealing_keys=_sealing_keys(environment.get("KEY_ENCRYPTION_KEY", "")),
        given=frozenset(name for name in SETTING_NAMES if environment.get(name)),
        secrets=tuple(environment[name].encode() for name in SECRET_NAMES if environment.get(name)),
        supabase_url=_supabase_url(environment),
        supabase_jwt_secret=environment.get("SUPABASE_JWT_SECRET", "").strip().encode() or None,
        supabase_anon_key=environment.get("SUPABASE_ANON_KEY", "").strip() or None,
        allows_private_receivers=_flag(environment, "ALLOW_PRIVATE_RECEIVERS"),
        access_team=_access_team(environment),
    )


def _base_url(environment: Mapping[str, str], name: str) -> str:
    provider = PROVIDERS[name]
    try:
        return base_url(environment.get(provider.base_url_name) or provider.base_url, provider.base_url_name)
    except InvalidBaseURL as error:
        raise InvalidSetting(str(error)) from None


def _supabase_url(environment: Mapping[str, str]) -> str | None:
    text = environment.get("SUPABASE_URL")
    try:
        return base_url(text, "SUPABASE_URL") if text else None
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


def _operator_digest(token: str) -> bytes | None:
    if token and not _OPERATOR_TOKEN.fullmatch(token):
        raise InvalidSetting("OPERATOR_TOKEN must be aw_live_ and 48 hexadecimal digits, as `agentwatch init` makes it")
    return digest(token) if token else None


def _access_team(environment: Mapping[str, str]) -> AccessTeam | None:
    domain, applications = environment.get("ACCESS_TEAM_DOMAIN", ""), environment.get("ACCESS_APPLICATIONS", "")
    if not domain and not applications:
        return None
    if not domain or not applications:
        raise InvalidSetting("ACCESS_TEAM_DOMAIN and ACCESS_APPLICATIONS need each other")
    try:
        url = base_url(domain, "ACCESS_TEAM_DOMAIN")
        tenants = read_json(applications, dict[_Audience, TenantId])
    except InvalidBaseURL as error:
        raise InvalidSetting(str(error)) from None
    except InvalidJSON as error:
        raise InvalidSetting(f"ACCESS_APPLICATIONS must be JSON of audience tag to tenant: {error}") from None
    if urlsplit(url).path:
        raise InvalidSetting("ACCESS_TEAM_DOMAIN must be a host without a path: https://team.cloudflareaccess.com")
    if repeated_member(objects_in(applications)) is not None:
        raise InvalidSetting("ACCESS_APPLICATIONS must name each audience once")
    return AccessTeam(url, tenants)


def _sealing_keys(setting: str) -> tuple[SealingKey, ...]:
    try:
        return parse_sealing_keys(setting)
    except InvalidSealingKeys as error:
        raise InvalidSetting(f"KEY_ENCRYPTION_KEY {error}") from None


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
