"""The text of a tenant's rules as compiled rules, in two readings.

Strict is what a write gets: one thing that is wrong refuses all of it, naming the rule and its member, and after it
the first thing that is wrong with each other rule. Lenient is how a call reads what is stored: a rule that this version
cannot use is left out and named, and the others hold.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET

from core.bounds import RULES_MAX
from core.money.price_list import PriceList
from core.tenant.document import Broken, DocumentKind, DocumentWarning, InvalidDocument, raise_all
from core.tenant.document_text import IS_MISSING, characters_of, fault_in, objects_in, repeated_member
from core.tenant.rules.compiled import CompiledRule, CompiledRules, compile_rule, in_force
from core.tenant.rules.document import (
    ACTIONS,
    RULES_CHARACTERS_MAX,
    WILD_CHARACTERS_MAX,
    Condition,
    InvalidRule,
    RuleDocument,
    RulesDocument,
    listed,
)
from core.tenant.rules.warnings import warnings_of
from core.wire.json_text import InvalidJSON, read_json

_ID_CHARACTERS_MAX = 64
"""Of an id that may be none."""

_TOP = {"": RulesDocument.__struct_fields__}
_MEMBERS = {
    "": RuleDocument.__struct_fields__,
    "condition": Condition.__struct_fields__,
    "action": ("type", *(member for action in ACTIONS for member in action.__struct_fields__)),
}
"""What may be written, by the place in a rule."""


class _Envelope(msgspec.Struct):
    """The document with its rules unread; a newer version's other members say nothing to this one."""

    rules: list[msgspec.Raw] = []


class _StrictEnvelope(_Envelope, forbid_unknown_fields=True):
    pass


class _Named(msgspec.Struct):
    id: str


E = TypeVar("E", bound=_Envelope)


@lru_cache(maxsize=32)
def parse_rules(text: bytes | str) -> CompiledRules:
    """The lenient reading. Cached: an isolate reads its tenants' documents again every minute, and few have changed."""
    try:
        envelope = _envelope(text, _Envelope)
    except InvalidDocument as error:
        return CompiledRules(broken=(Broken("rules", str(error), is_whole=True),))
    rules: dict[str, CompiledRule] = {}
    broken = []
    for number, raw in enumerate(envelope.rules):
        try:
            rule = _rule(number, raw)
            _refuse_known_id(number, rule, rules)
            rules[rule.id] = rule
        except InvalidDocument as error:
            broken.append(Broken((_id_in(raw) or f"rules[{number}]")[:_ID_CHARACTERS_MAX], str(error)))
    return in_force(rules.values(), broken)


def judge_rules(text: bytes | str, prices: PriceList) -> tuple[DocumentWarning, ...]:
    """The strict reading: what is odd about rules that can be used. Raises `InvalidDocument`."""
    rules = _read_strictly(text)
    return warnings_of(rules, in_force(rules, ()).in_order, prices)


def _read_strictly(text: bytes | str) -> Sequence[CompiledRule]:
    written = characters_of(text, "rules", most=RULES_CHARACTERS_MAX)
    envelope = _envelope(written, _StrictEnvelope)
    if len(envelope.rules) > RULES_MAX:
        raise InvalidDocument(f"rules: more than {RULES_MAX} of them", "rules")
    rules: dict[str, CompiledRule] = {}
    wild = 0
    faults = []
    for number, raw in enumerate(envelope.rules):
        try:
            rule = _rule(number, raw)
            _refuse_known_id(number, rule, rules)
        except InvalidDocument as error:
            faults.append(error)
            continue
        wild += _wild_characters(rule.document.condition)
        if wild > WILD_CHARACTERS_MAX:
            words = f"more than {WILD_CHARACTERS_MAX} question marks in all patterns together"
            raise _invalid(number, rule.id, "condition.model_pattern", words)
        rules[rule.id] = rule
    raise_all(faults)
    _refuse_repeated_members(written)
    return list(rules.values())


def _envelope(text: bytes | str, kind: type[E]) -> E:
    try:
        return read_json(text, kind)
    except InvalidJSON as error:
        member, words = fault_in(str(error), _TOP)
        raise InvalidDocument(f"{member or 'rules'}: {words}", member or "rules") from None


def _rule(number: int, raw: msgspec.Raw) -> CompiledRule:
    try:
        return compile_rule(read_json(raw, RuleDocument))
    except InvalidJSON as error:
        member, words = _fault(str(error))
    except InvalidRule as error:
        member, words = error.field, str(error)
    raise _invalid(number, _id_in(raw), member, words)


def _refuse_known_id(number: int, rule: CompiledRule, rules: dict[str, CompiledRule]) -> None:
    if rule.id in rules:
        raise _invalid(number, rule.id, "id", "a rule before it has this id")


def _invalid(number: int, rule_id: str | None, member: str, words: str) -> InvalidDocument:
    """The rule's place and id, and its member."""
    param = f"rules[{number}]{member and '.'}{member}"
    named = "" if rule_id is None else f" (rule {json.dumps(rule_id[:_ID_CHARACTERS_MAX])})"
    return InvalidDocument(f"{param}{named}: {words}", param)


def _id_in(raw: msgspec.Raw) -> str | None:
    try:
        return read_json(raw, _Named).id
    except InvalidJSON:
        return None


def _fault(words: str) -> tuple[str, str]:
    place, fault = fault_in(words, _MEMBERS)
    if place == "action.type" and fault != IS_MISSING:
        fault = f"must be one of {', '.join(str(action.__struct_config__.tag) for action in ACTIONS)}"
    return place, fault


def _wild_characters(condition: Condition) -> int:
    if condition.model_pattern is UNSET:
        return 0
    return sum(pattern.count("?") for pattern in listed(condition.model_pattern))


def _refuse_repeated_members(text: str) -> None:
    """The text has been read already, so it is neither deep nor of another shape."""
    document = objects_in(text)
    if document.repeated:
        raise InvalidDocument(f"{document.repeated}: given twice", document.repeated)
    for number, rule in enumerate(document.listed("rules")):
        place = repeated_member(rule)
        if place is not None:
            raise _invalid(number, str(rule["id"]), place, "given twice")


RULES: DocumentKind[CompiledRules] = DocumentKind(
    name="rules",
    summary="The tenant's rules",
    schema=RulesDocument,
    parse=parse_rules,
    default=CompiledRules(),
    judge=lambda text, writing: judge_rules(text, writing.prices),
)
