"""What the edge knows of a request that rules are asked about, and what follows from it.

None is not known: nobody has looked, or the caller did not say. It meets no condition and fails none.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from core.money.model_names import undecorated, without_version
from core.providers import canonical_provider
from core.tenant.rules.globs import ascii_lower
from core.tenant.rules.time_zones import LocalTime, Zone, local_time

MODEL_CHARACTERS_MAX = 256
"""What rules read of a model's name. A caller may send a megabyte of it, and no provider has so long a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """A call as it is planned, before anybody asks for money."""

    asked_model: str
    """As the caller names it, or the rule that downgraded the call."""
    provider: str
    model: str
    """As it was resolved: what is sent and priced."""
    at_ms: int
    is_streaming: bool
    estimated_cost_nanousd: int | None
    team: str | None = None
    project: str | None = None
    agent: str | None = None
    key_id: str | None = None
    session_id: str | None = None
    prompt_tokens: int | None = None
    max_tokens: int | None = None
    risk_tags: tuple[str, ...] | None = None
    has_tools: bool | None = None


class Models(NamedTuple):
    """What the model of a call may be called, in lower case."""

    bare: tuple[str, ...]
    full: tuple[str, ...]
    """Behind the provider."""


class CallView:
    """The facts of one call, and what some conditions derive from them, once and only if one asks."""

    __slots__ = ("_local", "_models", "facts")

    def __init__(self, facts: RequestFacts) -> None:
        self.facts = facts
        self._models: Models | None = None
        self._local: dict[int, LocalTime] = {}

    @property
    def models(self) -> Models:
        if self._models is None:
            asked, resolved = self.facts.asked_model, self.facts.model
            self._models = models_called(self.facts.provider, asked, resolved)
        return self._models

    def local(self, zone: Zone) -> LocalTime:
        """What a clock in a zone shows."""
        found = self._local.get(id(zone))
        if found is None:
            found = self._local[id(zone)] = local_time(zone, self.facts.at_ms)
        return found


def models_called(provider: str, asked: str, resolved: str) -> Models:
    """What the model of a call may be called that was named so, and resolved so."""
    return _models(provider, asked[:MODEL_CHARACTERS_MAX], resolved[:MODEL_CHARACTERS_MAX])


@lru_cache(maxsize=256)
def _models(provider: str, asked: str, resolved: str) -> Models:
    """Cached: a tenant calls few models, and taking a version off a name is what costs most of judging it."""
    prefix = ascii_lower(provider) + "/"
    asked, resolved = ascii_lower(asked), ascii_lower(resolved)
    named, slash, behind = asked.partition("/")
    is_own = slash and canonical_provider(named) == provider  # `google/` where the route leads to Gemini
    names = {behind if is_own else asked, resolved.removeprefix(prefix), resolved}
    bare = sorted({spelling for name in names for spelling in names_called(name)})
    return Models(tuple(bare), tuple(prefix + name for name in bare))


def names_called(name: str) -> set[str]:
    """A name, and what it is listed as: a version stands for its model, as it does in the price table."""
    plain = undecorated(name)
    return {name, plain, without_version(plain) or plain}
