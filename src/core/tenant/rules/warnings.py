"""What is odd about rules that can be used: what they name may come into being later, so it is no error."""

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from core.money.price_list import PriceList
from core.providers import canonical_provider
from core.tenant.document import DocumentWarning
from core.tenant.document_text import some_of
from core.tenant.rules.compiled import CompiledRule
from core.tenant.rules.document import listed


def warnings_of(
    rules: Sequence[CompiledRule], in_order: Sequence[CompiledRule], prices: PriceList
) -> tuple[DocumentWarning, ...]:
    """`rules` as they are written, and those that are enabled as they are asked."""
    end = next((place for place, rule in enumerate(in_order) if _ends_all(rule)), len(in_order))
    unreachable = {rule.id for rule in in_order[end + 1 :]}
    found = []
    for place, rule in enumerate(rules):
        found += [_warning(place, *odd) for odd in _oddities(rule, prices)]
        if rule.id in unreachable:
            words = f"is never asked: the rule {in_order[end].id} before it ends the rules for every call"
            found.append(_warning(place, "", "unreachable", words))
    return tuple(found)


def _warning(place: int, member: str, code: str, words: str) -> DocumentWarning:
    return DocumentWarning(f"rules[{place}]{member and '.'}{member}", code, words)


def _ends_all(rule: CompiledRule) -> bool:
    return rule.ends_rules and rule.document.condition.always is not UNSET and rule.expires_at_ms is None


def _oddities(rule: CompiledRule, prices: PriceList) -> Iterator[tuple[str, str, str]]:
    condition = rule.document.condition
    if condition.model is not UNSET:
        yield from _unlisted("condition.model", listed(condition.model), prices)
    if rule.model is not None:
        yield from _unlisted("action.model", [rule.model], prices)
    if condition.provider is not UNSET:
        unknown = [name for name in listed(condition.provider) if canonical_provider(name) is None]
        if unknown:
            yield "condition.provider", "unknown_provider", f"no such provider: {some_of(unknown)}"
    if _stops_growth_alone(rule):
        words = "healthy sessions grow, too: ask for prompt_tokens_min or the session's spend as well"
        yield "condition.growth_ratio_min", "growth_alone", words


def _stops_growth_alone(rule: CompiledRule) -> bool:
    stops = rule.type in ("block", "pause_session")
    is_alone = [need.field for need in rule.needs] == ["growth_ratio"]
    return stops and is_alone and rule.document.condition.prompt_tokens_min is UNSET


def _unlisted(member: str, names: Sequence[str], prices: PriceList) -> Iterator[tuple[str, str, str]]:
    unlisted = [name for name in names if not _is_listed(name, prices)]
    if unlisted:
        yield member, "unknown_model", f"not in the price table: {some_of(unlisted)}"


def _is_listed(name: str, prices: PriceList) -> bool:
    """A name with a slash has its provider before it."""
    provider, slash, model = name.partition("/")
    if not slash:
        return bool(prices.providers_of(name))
    return canonical_provider(provider) in prices.providers_of(model)
