"""Whose a provider key is: a key of the caller's own goes to its own provider and to no other.

A key tells its provider by the place it stands in (`x-api-key` is Anthropic's), by the name beside it
(`aw_live_…:openai=sk-…`), and many by their first letters. The rule easy to break: where none of these tells, on the
unified endpoint whose model decides where a call goes, the key is refused and not tried.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.providers import PROVIDERS
from core.refusals import InvalidRequest

KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "?key")
"""Where the providers' own clients put a key; the last is the query parameter of Google's API."""

_OWNER_OF_PLACE = {"x-api-key": "anthropic", "x-goog-api-key": "gemini", "api-key": "openai", "?key": "gemini"}
"""Bearer tokens are everybody's: at Anthropic and Google they are OAuth's, and their OpenAI-style APIs take keys so."""

_ISSUER_BY_START = {"sk-ant-": "anthropic", "AIza": "gemini", "gsk_": "groq", "xai-": "xai", "sk-proj-": "openai"}
"""How the providers' keys begin (their own consoles, 2026). Plain `sk-` is OpenAI's and many a gateway's, so it tells
nothing."""

_PLACEHOLDER_CHARACTERS_MAX = 19
_CHARACTERS_LEAST = 10
_HAS_DIGIT_OR_BOTH_CASES = re.compile(r"(?s)(?=.*[0-9])|(?=.*[a-z])(?=.*[A-Z])")

NAME_THE_PROVIDER = "name the provider beside your own key: aw_live_…:openai=your-key"


KeyOwner = Literal["caller", "tenant", "worker"]
"""Who pays the provider by a key: whoever calls, its tenant, or the Worker's operator, whose key tenants share."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A provider key that came with our token."""

    value: str = field(repr=False)
    place: str | None
    """The header it stood in; None when it came behind our token (`aw_live_x:sk-y`)."""
    provider: str | None
    """Whose it says it is: by the name beside it, its first letters, or a place that one provider has alone."""


@dataclass(frozen=True, slots=True)
class KeyToShow:
    """The key that a call is made with, and how it is shown."""

    value: str = field(repr=False)
    owner: KeyOwner
    is_bearer: bool = False
    """It came as a bearer token (OAuth perhaps) and is passed on as one."""

    @property
    def is_own(self) -> bool:
        """The caller has sent it along: what is wrong with it is the caller's, and so is the choice of who pays."""
        return self.owner == "caller"

    @property
    def is_shared(self) -> bool:
        """What is stored under its account may be another tenant's."""
        return self.owner == "worker"


def own_key_behind_token(text: str) -> OwnKey:
    """The key behind our token's colon: `sk-…`, or `openai=sk-…` with its provider's name."""
    name, _, value = text.partition("=")
    if value and name.lower() in PROVIDERS:
        return OwnKey(value, None, name.lower())
    return OwnKey(text, None, None)


def own_keys_in(values: Mapping[str, str]) -> Iterator[OwnKey]:
    """The keys among what stands in the providers' places. A client that insists on a key is given a word there, such
    as `unused`, when the token stands elsewhere: what no provider would issue as a key is none."""
    for place, value in values.items():
        if not is_placeholder(value):
            yield OwnKey(value, place, issuer_of(value) or _OWNER_OF_PLACE.get(place))


def own_key_for(keys: Iterable[OwnKey], provider: str, *, is_in_path: bool) -> KeyToShow | None:
    """The caller's own key for this provider; None where it has none, and the Worker's is to be used.

    `is_in_path` says that the caller named the provider in the path. Raises `InvalidRequest` where it did not and
    nothing says whose a key is, and for a key behind the token that another provider issued.
    """
    for key in keys:
        if key.provider is None and not is_in_path:
            raise InvalidRequest(f"the model decides the provider here, so {NAME_THE_PROVIDER}", param=key.place)
        issuer = key.provider or issuer_of(key.value)
        if key.provider is None and issuer not in (None, provider):
            raise InvalidRequest(f"the key behind the token is one of {issuer}, and this path is {provider}'s")
        if issuer in (None, provider):
            return KeyToShow(key.value, "caller", is_bearer=key.place == "authorization")
    return None


def own_key_of(keys: Iterable[OwnKey], provider: str) -> KeyToShow | None:
    """The caller's own key for a provider that it has not asked itself: one that is certainly for it, or none."""
    for key in keys:
        if (key.provider or issuer_of(key.value)) == provider:
            return KeyToShow(key.value, "caller", is_bearer=key.place == "authorization")
    return None


def issuer_of(value: str) -> str | None:
    """Whose key it is by its first letters."""
    for start, provider in _ISSUER_BY_START.items():
        if value.startswith(start):
            return provider
    return None


def is_placeholder(value: str) -> bool:
    """Keys are at least 39 random characters; `dummy`, `sk-xxxxxxxxxxxxxxxxxxxxxxxx` and `your-key-goes-right-here` are
    not."""
    return (
        len(value) <= _PLACEHOLDER_CHARACTERS_MAX
        or len(set(value)) < _CHARACTERS_LEAST
        or _HAS_DIGIT_OR_BOTH_CASES.match(value) is None
    )
