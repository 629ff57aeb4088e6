"""What is odd about chains that can be used.

Theory of operation of `unreachable`. A pattern covers another one that it matches as text, stars and all: each star
there is then taken by a star here. Only a question mark would take a star for one character, so a pattern that has one
covers no pattern but itself. A chain is never asked if each of its patterns is covered by a chain before it that is for
all of its providers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.money.price_book import Price
from core.tenant.document import DocumentWarning
from core.tenant.document_text import some_of
from core.tenant.failover.chains import CompiledChain
from core.tenant.failover.document import Bounds, ChainDocument
from core.tenant.failover.listed_models import ListedModel, is_free, rates_of
from core.tenant.rules.document import listed
from core.tenant.rules.facts import names_called
from core.tenant.rules.globs import ascii_lower, compile_glob

DEARER_FACTOR = 3

Oddity = tuple[str, str, str]
"""Member, code, words."""


@dataclass(frozen=True, slots=True)
class JudgedChain:
    """A chain that can be used, and what the price table says of it."""

    document: ChainDocument
    compiled: CompiledChain
    prices: tuple[Price, ...]
    """Of its hops."""
    met: tuple[ListedModel, ...]
    """The models that it is for."""


def warnings_of(bounds: Bounds, chains: Sequence[JudgedChain]) -> tuple[DocumentWarning, ...]:
    """Of the chains, in the order in which they are written."""
    found = []
    if chains and bounds.attempts_max == 1:
        words = "of one attempt there is no next: no call moves on"
        found.append(DocumentWarning("attempts_max", "never_tried", words))
    for place, judged in enumerate(chains):
        oddities = (*_never_asked(judged, chains[:place]), *_timing(judged), *_models(judged))
        found += [DocumentWarning(f"chains[{place}]{member and '.'}{member}", *odd) for member, *odd in oddities]
    return tuple(found)


def _never_asked(judged: JudgedChain, before: Sequence[JudgedChain]) -> Iterator[Oddity]:
    taken_by = [
        next((each.compiled.chain.id for each in before if _takes(each, judged, pattern)), None)
        for pattern in listed(judged.document.match.model)
    ]
    if all(chain_id is not None for chain_id in taken_by):
        chain_ids = some_of(list(dict.fromkeys(chain_id for chain_id in taken_by if chain_id is not None)))
        yield "", "unreachable", f"is never asked: {chain_ids} before it takes all of its calls"


def _takes(earlier: JudgedChain, later: JudgedChain, pattern: str) -> bool:
    """Does the chain take every call of the later one that this pattern of it is met by?"""
    own, others = earlier.compiled.matcher.providers, later.compiled.matcher.providers
    if own is not None and (others is None or not others <= own):
        return False
    return any(_covers(each, pattern) for each in listed(earlier.document.match.model))


def _covers(pattern: str, other: str) -> bool:
    pattern, other = ascii_lower(pattern), ascii_lower(other)
    prefix, slash, behind = other.partition("/")
    if slash and "/" not in pattern and not _is_wild(prefix):
        other = behind  # what stands behind the provider is what a bare pattern is compared with
    elif bool(slash) != ("/" in pattern):
        return False
    if not _is_wild(other):
        glob = compile_glob(pattern)
        return any(glob.matches(name) for name in names_called(other))
    return pattern == other or ("?" not in pattern and compile_glob(pattern).matches(other))


def _is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _timing(judged: JudgedChain) -> Iterator[Oddity]:
    chain = judged.compiled.chain
    if chain.first_byte_ms is None:
        return
    if "timeout" not in chain.on:
        yield "first_byte_ms", "unused_timeout", "says something only with timeout among on"
    elif chain.first_byte_ms >= chain.deadline_ms:
        words = "is as long as deadline_ms: when it has passed, no further attempt begins"
        yield "first_byte_ms", "timeout_beyond_deadline", words


def _models(judged: JudgedChain) -> Iterator[Oddity]:
    if not judged.met:
        yield "match.model", "unknown_model", "is met by no model in the price table"
        return
    for place, price in enumerate(judged.prices):
        yield from ((f"hops[{place}]", *odd) for odd in _about_hop(judged, price))


def _about_hop(judged: JudgedChain, price: Price) -> Iterator[tuple[str, str]]:
    window, widest = price.input_tokens_max, max(judged.met, key=lambda model: model.price.input_tokens_max or 0)
    wider = widest.price.input_tokens_max or 0
    if window is not None and window < wider:
        yield "smaller_window", f"takes {window} tokens, {widest.name} takes {wider}: longer calls are not sent there"
    cheaper = [model.name for model in judged.met if not model.is_free and _is_dearer(price, model)]
    if cheaper:
        yield "dearer", f"costs more than {DEARER_FACTOR} times as much as {some_of(cheaper)}"
    free = [model.name for model in judged.met if model.is_free]
    if free and not is_free(price) and not judged.compiled.chain.allows_paid:
        yield "paid_hop", f"is no free model as {some_of(free)}: not tried for calls of those without allows_paid"


def _is_dearer(price: Price, than: ListedModel) -> bool:
    ours, theirs = rates_of(price), than.rates
    return (
        ours.input_nanousd_per_mtok > DEARER_FACTOR * theirs.input_nanousd_per_mtok
        or ours.output_nanousd_per_mtok > DEARER_FACTOR * theirs.output_nanousd_per_mtok
    )
