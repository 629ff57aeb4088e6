"""Chains as calls are sent along them: compiled once for each version of the document, and asked in its order.

A model is matched as rules match it: by every name it goes by. The rule easy to break: embeddings have no chain,
however wide its pattern is, because the vectors of one model are none of another's.
"""

from dataclasses import dataclass

from msgspec import UNSET

from core.money.model_names import undecorated
from core.providers import canonical_provider
from core.tenant.document import Broken
from core.tenant.failover.document import ChainDocument, ChainMatch, HopDocument, InvalidChain
from core.tenant.rules.document import listed
from core.tenant.rules.facts import Models, models_called
from core.tenant.rules.globs import Globs, ascii_lower, compile_globs

DIALECTS_WITHOUT = frozenset({"openai_embeddings", "gemini_embed", "openai_compaction"})
"""Those that ask for vectors."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Within which all attempts of one call stay."""

    attempts_max: int
    deadline_ms: int
    dollars_max_nanousd: int | None


@dataclass(frozen=True, slots=True)
class Hop:
    """A model at a provider, by the provider's usual name."""

    provider: str
    model: str
    may_repeat: bool = False
    """It was given a reason, and so is tried even where it is the model that was asked for."""

    def is_model(self, provider: str, model: str) -> bool:
        return (self.provider, undecorated(self.model)) == (provider, undecorated(model))


@dataclass(frozen=True, slots=True)
class Chain:
    """What becomes of a call that fails."""

    id: str
    hops: tuple[Hop, ...]
    on: frozenset[str]
    """Out of `triggers.TRIGGERS`."""
    first_byte_ms: int | None
    attempts_max: int
    deadline_ms: int
    dollars_max_nanousd: int | None
    allows_paid: bool
    after_uncertain: bool

    def hops_from(self, provider: str, model: str) -> tuple[Hop, ...]:
        """Where a call of this model may go: a hop to itself only where the tenant has said what for."""
        return tuple(hop for hop in self.hops if hop.may_repeat or not hop.is_model(provider, model))


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which calls a chain is for."""

    bare: Globs
    full: Globs
    """Behind the provider."""
    providers: frozenset[str] | None
    """None: any."""

    def meets(self, provider: str, models: Models) -> bool:
        if self.providers is not None and provider not in self.providers:
            return False
        return self.bare.match_any(models.bare) or self.full.match_any(models.full)


@dataclass(frozen=True, slots=True)
class CompiledChain:
    """A chain, and the calls that it is for."""

    matcher: Matcher
    chain: Chain


@dataclass(frozen=True, slots=True)
class Chains:
    """All chains of a tenant, in order."""

    in_order: tuple[CompiledChain, ...] = ()
    broken: tuple[Broken, ...] = ()

    def for_model(self, provider: str, model: str, dialect: str) -> Chain | None:
        """The chain of a call of this model, as it was named, at this provider."""
        if not self.in_order or dialect in DIALECTS_WITHOUT:
            return None
        models = models_called(provider, model, model)
        return next((each.chain for each in self.in_order if each.matcher.meets(provider, models)), None)


def compile_chain(document: ChainDocument, *, chain_id: str, limits: Limits) -> CompiledChain:
    """Raises `InvalidChain`, naming the member at fault."""
    chain = Chain(
        id=chain_id,
        hops=_hops(document),
        on=frozenset(document.on),
        first_byte_ms=document.first_byte_ms,
        attempts_max=limits.attempts_max,
        deadline_ms=limits.deadline_ms,
        dollars_max_nanousd=limits.dollars_max_nanousd,
        allows_paid=document.allows_paid,
        after_uncertain=document.after_uncertain,
    )
    return CompiledChain(_matcher(document.match), chain)


def provider_called(name: str, field: str) -> str:
    """Raises `InvalidChain` for a name that no provider has."""
    provider = canonical_provider(name)
    if provider is None:
        raise InvalidChain(field, f"there is no provider {name[:64]!r}")
    return provider


def _matcher(match: ChainMatch) -> Matcher:
    patterns = listed(match.model)
    bare = compile_globs(pattern for pattern in patterns if "/" not in pattern)
    full = compile_globs(pattern for pattern in patterns if "/" in pattern)
    providers = None
    if match.provider is not UNSET:
        providers = frozenset(provider_called(name, "match.provider") for name in listed(match.provider))
    return Matcher(bare, full, providers)


def _hops(document: ChainDocument) -> tuple[Hop, ...]:
    hops: list[Hop] = []
    for place, written in enumerate(document.hops):
        hop = _hop(place, written)
        before = next((number for number, each in enumerate(hops) if each.is_model(hop.provider, hop.model)), None)
        if before is not None:
            raise InvalidChain(f"hops[{place}]", f"is hops[{before}] again: a chain goes nowhere twice")
        if not hop.may_repeat and _is_matched_by_name(document.match, hop):
            words = "is the very model that the chain is for; say in its reason what another attempt there is good for"
            raise InvalidChain(f"hops[{place}].reason", words)
        hops.append(hop)
    return tuple(hops)


def _hop(place: int, written: HopDocument) -> Hop:
    provider = provider_called(written.provider, f"hops[{place}].provider")
    return Hop(provider, written.model, may_repeat=written.reason is not None)


def _is_matched_by_name(match: ChainMatch, hop: Hop) -> bool:
    """Is it named there, other than by a pattern?"""
    providers = (hop.provider,) if match.provider is UNSET else listed(match.provider)
    if hop.provider not in map(canonical_provider, providers):
        return False
    name = ascii_lower(undecorated(hop.model))
    called = {f"{hop.provider}/{name}"} | ({name} if "/" not in name else set())
    return not called.isdisjoint(ascii_lower(pattern) for pattern in listed(match.model))
