"""A condition's request half, compiled: for each member one check of a call, which may come to nothing known.

A new member about the request is a member of `Condition` and a row of `_CHECKS`; one about the session is a row of
`SESSION_FIELDS`. A test says so where a second place is forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from core.ledger.loops.ruling import SessionField, SessionNeed
from core.money.amount import InvalidAmount, format_usd, parse_usd
from core.providers import canonical_provider
from core.tenant.rules.document import Condition, InvalidRule, listed
from core.tenant.rules.facts import CallView
from core.tenant.rules.globs import ascii_lower, compile_globs
from core.tenant.rules.time_zones import UTC, ZONES, Zone

DAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Test = Callable[[CallView], bool | None]
"""None: what it asks is not known."""


@dataclass(frozen=True, slots=True)
class Check:
    """One member of a condition, or those that say one thing together."""

    field: str
    test: Test
    fact: Callable[[CallView], Any]
    """What the member was compared with, as it may be shown."""


def compile_checks(condition: Condition) -> tuple[Check, ...]:
    """The request half. Raises `InvalidRule`."""
    found = [make(condition) for field, make in _CHECKS.items() if getattr(condition, field) is not UNSET]
    return (*found, *_time_checks(condition))


def compile_needs(condition: Condition) -> tuple[SessionNeed, ...]:
    """The session half. Raises `InvalidRule`."""
    return tuple(
        SessionNeed(field, _nanousd(condition, member) if member.endswith("_usd_min") else getattr(condition, member))
        for member, field in SESSION_FIELDS.items()
        if getattr(condition, member) is not UNSET
    )


def _fact(name: str) -> Callable[[CallView], Any]:
    return attrgetter(f"facts.{name}")


def _usd_fact(name: str) -> Callable[[CallView], str | None]:
    def fact(view: CallView) -> str | None:
        amount = getattr(view.facts, name)
        return None if amount is None else format_usd(amount)

    return fact


def _entries(condition: Condition, member: str) -> Sequence[str]:
    return listed(getattr(condition, member))


def _one_of(member: str, wanted: frozenset[Any]) -> Check:
    def test(view: CallView) -> bool | None:
        fact = getattr(view.facts, member)
        return None if fact is None else fact in wanted

    return Check(member, test, _fact(member))


def _named(member: str) -> Callable[[Condition], Check]:
    return lambda condition: _one_of(member, frozenset(_entries(condition, member)))


def _at_least(member: str, name: str) -> Callable[[Condition], Check]:
    def make(condition: Condition) -> Check:
        least = _nanousd(condition, member) if member.endswith("_usd_min") else getattr(condition, member)

        def test(view: CallView) -> bool | None:
            fact = getattr(view.facts, name)
            return None if fact is None else fact >= least

        return Check(member, test, _usd_fact(name) if member.endswith("_usd_min") else _fact(name))

    return make


def _at_most_prompt(condition: Condition) -> Check:
    most, least = condition.prompt_tokens_max, condition.prompt_tokens_min
    assert most is not UNSET
    if least is not UNSET and least > most:
        raise InvalidRule("condition.prompt_tokens_max", "must not be less than prompt_tokens_min")

    def test(view: CallView) -> bool | None:
        fact = view.facts.prompt_tokens
        return None if fact is None else fact <= most

    return Check("prompt_tokens_max", test, _fact("prompt_tokens"))


def _flag(member: str, name: str) -> Callable[[Condition], Check]:
    def make(condition: Condition) -> Check:
        wanted = getattr(condition, member)

        def test(view: CallView) -> bool | None:
            fact = getattr(view.facts, name)
            return None if fact is None else fact is wanted

        return Check(member, test, _fact(name))

    return make


def _model(condition: Condition) -> Check:
    names = {ascii_lower(name) for name in _entries(condition, "model")}
    full = frozenset(name for name in names if "/" in name)
    bare = names - full

    def test(view: CallView) -> bool:
        models = view.models
        return not (bare.isdisjoint(models.bare) and full.isdisjoint(models.full))

    return Check("model", test, _models_of)


def _model_pattern(condition: Condition) -> Check:
    patterns = _entries(condition, "model_pattern")
    bare = compile_globs(pattern for pattern in patterns if "/" not in pattern)
    full = compile_globs(pattern for pattern in patterns if "/" in pattern)
    has_bare, has_full = any("/" not in pattern for pattern in patterns), any("/" in pattern for pattern in patterns)

    def test(view: CallView) -> bool:
        models = view.models
        return (has_bare and bare.match_any(models.bare)) or (has_full and full.match_any(models.full))

    return Check("model_pattern", test, _models_of)


def _models_of(view: CallView) -> list[str]:
    return sorted(view.models.full)


def _provider(condition: Condition) -> Check:
    names = _entries(condition, "provider")
    return _one_of("provider", frozenset(canonical_provider(name) or ascii_lower(name) for name in names))


def _risk_tags(condition: Condition) -> Check:
    wanted = frozenset(_entries(condition, "risk_tags_any"))

    def test(view: CallView) -> bool | None:
        tags = view.facts.risk_tags
        return None if tags is None else not wanted.isdisjoint(tags)

    return Check("risk_tags_any", test, _fact("risk_tags"))


def _time_checks(condition: Condition) -> list[Check]:
    """Hours and days are read off one clock: a day is that on which its window of hours began."""
    has_hours = condition.hour_min is not UNSET or condition.hour_max is not UNSET
    if not has_hours and condition.day_of_week is UNSET:
        if condition.time_zone is not UNSET:
            raise InvalidRule("condition.time_zone", "says something only of hour_min, hour_max or day_of_week")
        return []
    zone = _zone(condition)
    first = 0 if condition.hour_min is UNSET else condition.hour_min
    end = 24 if condition.hour_max is UNSET else condition.hour_max
    if first == end:
        field = "hour_min" if condition.hour_max is UNSET else "hour_max"
        raise InvalidRule(f"condition.{field}", "must differ from the hour at which the window begins")
    checks = [_hours(zone, first, end)] if has_hours else []
    if condition.day_of_week is not UNSET:
        checks.append(_day(zone, _entries(condition, "day_of_week"), spill_hours=end if first > end else 0))
    return checks


def _hours(zone: Zone, first: int, end: int) -> Check:
    def test(view: CallView) -> bool:
        hour = view.local(zone).hour
        return first <= hour < end if first < end else hour >= first or hour < end

    return Check("hours", test, lambda view: view.local(zone).hour)


def _day(zone: Zone, days: Sequence[str], *, spill_hours: int) -> Check:
    """Until `spill_hours` it is still the window of the day before."""
    wanted = frozenset(DAYS.index(day) for day in days)

    def day_of(view: CallView) -> int:
        hour, weekday = view.local(zone)
        return (weekday - 1) % 7 if hour < spill_hours else weekday

    return Check("day_of_week", lambda view: day_of(view) in wanted, lambda view: DAYS[day_of(view)])


def _zone(condition: Condition) -> Zone:
    name = UTC if condition.time_zone is UNSET else condition.time_zone
    if name in ZONES:
        return ZONES[name]
    near = get_close_matches(name[:100], ZONES, 1)
    raise InvalidRule(
        "condition.time_zone", "is no zone of the IANA database" + (f"; did you mean {near[0]}?" if near else "")
    )


def _nanousd(condition: Condition, member: str) -> int:
    try:
        return parse_usd(getattr(condition, member))
    except InvalidAmount as error:
        raise InvalidRule(f"condition.{member}", str(error)) from None


_CHECKS: Mapping[str, Callable[[Condition], Check]] = {
    # Cheap ones first: the first that is not met ends the rule.
    "stream": _flag("stream", "is_streaming"),
    "has_tools": _flag("has_tools", "has_tools"),
    "provider": _provider,
    "team": _named("team"),
    "project": _named("project"),
    "agent": _named("agent"),
    "key_id": _named("key_id"),
    "prompt_tokens_min": _at_least("prompt_tokens_min", "prompt_tokens"),
    "prompt_tokens_max": _at_most_prompt,
    "max_tokens_min": _at_least("max_tokens_min", "max_tokens"),
    "estimated_cost_usd_min": _at_least("estimated_cost_usd_min", "estimated_cost_nanousd"),
    "risk_tags_any": _risk_tags,
    "model": _model,
    "model_pattern": _model_pattern,
}

SESSION_FIELDS: Mapping[str, SessionField] = {
    "iteration_min": "iteration",
    "session_spend_usd_min": "session_spend_nanousd",
    "spend_per_hour_usd_min": "spend_per_hour_nanousd",
    "growth_ratio_min": "growth_ratio",
    "requests_per_minute_min": "requests_per_minute",
    "requests_per_hour_min": "requests_per_hour",
    "repeated_prompt_min": "repeated_prompt",
    "repeated_step_min": "repeated_step",
    "step_errors_min": "step_errors",
    "compactions_min": "compactions",
}
"""Members of a condition that ask for the session, and the fact that each asks for."""

TIME_FIELDS = ("hour_min", "hour_max", "time_zone", "day_of_week")
REQUEST_FIELDS = (*_CHECKS, *TIME_FIELDS)
