"""The text of a tenant's rules as compiled rules, in two readings.

Strict is what a write gets: the first thing that is wrong refuses all of it, naming the rule and its member. Lenient is
how a call reads what is stored: a rule that this version cannot use is left out and named, and the others hold.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec import UNSET

from core.bounds import RULES_MAX
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument
from core.tenant.rules.compiled import Broken, CompiledRule, CompiledRules, compile_rule, in_force
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

_PLACE = re.compile(r" - at `\$\.?([^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_MEMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")

_ID_CHARACTERS_MAX = 64
"""Of an id that may be none."""

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
        return CompiledRules(broken=(Broken("rules", str(error)),))
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


def judge_rules(text: bytes | str) -> tuple[DocumentWarning, ...]:
    """The strict reading: what is odd about rules that can be used. Raises `InvalidDocument`."""
    rules = _read_strictly(text)
    return warnings_of(rules, in_force(rules, ()).in_order)


def _read_strictly(text: bytes | str) -> Sequence[CompiledRule]:
    written = _characters(text)
    if len(written) > RULES_CHARACTERS_MAX:
        raise InvalidDocument(f"rules: more than {RULES_CHARACTERS_MAX} characters", "rules")
    envelope = _envelope(written, _StrictEnvelope)
    if len(envelope.rules) > RULES_MAX:
        raise InvalidDocument(f"rules: more than {RULES_MAX} of them", "rules")
    rules: dict[str, CompiledRule] = {}
    wild = 0
    for number, raw in enumerate(envelope.rules):
        rule = _rule(number, raw)
        _refuse_known_id(number, rule, rules)
        wild += _wild_characters(rule.document.condition)
        if wild > WILD_CHARACTERS_MAX:
            words = f"more than {WILD_CHARACTERS_MAX} question marks in all patterns together"
            raise _invalid(number, rule.id, "condition.model_pattern", words)
        rules[rule.id] = rule
    _refuse_repeated_members(written)
    return list(rules.values())


def _characters(text: bytes | str) -> str:
    try:
        return text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        raise InvalidDocument("rules: not UTF-8", "rules") from None


def _envelope(text: bytes | str, kind: type[E]) -> E:
    try:
        return read_json(text, kind)
    except InvalidJSON as error:
        member, words = _fault(str(error), top=True)
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


def _fault(words: str, *, top: bool = False) -> tuple[str, str]:
    """The member at fault, as msgspec names it, and what is wrong with it."""
    found = _PLACE.search(words)
    place = found[1] if found else ""
    words = words[: found.start()] if found else words
    unknown, missing = _UNKNOWN.fullmatch(words), _MISSING.fullmatch(words)
    if missing:
        return _joined(place, missing[1]), "is missing"
    if unknown:
        known = RulesDocument.__struct_fields__ if top else _MEMBERS.get(place, ())
        return _unknown_member(place, unknown[1], known)
    if place == "action.type":
        words = f"must be one of {', '.join(str(action.__struct_config__.tag) for action in ACTIONS)}"
    return place, words[:1].lower() + words[1:300]


def _unknown_member(place: str, name: str, known: Sequence[str]) -> tuple[str, str]:
    near = get_close_matches(name[:64], known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if _MEMBER.fullmatch(name):
        return _joined(place, name), f"there is no such member{hint}"
    return place, f"has a member of no known name{hint}"


def _joined(place: str, member: str) -> str:
    return f"{place}.{member}" if place else member


def _wild_characters(condition: Condition) -> int:
    if condition.model_pattern is UNSET:
        return 0
    return sum(pattern.count("?") for pattern in listed(condition.model_pattern))


class _Object(dict[str, object]):
    """An object that knows which member it was given twice: decoders keep the last one and say nothing."""

    repeated: str | None = None


def _object(pairs: list[tuple[str, object]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        made.repeated = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return made


def _refuse_repeated_members(text: str) -> None:
    """The text has been read already, so it is neither deep nor of another shape."""
    document = json.loads(text, object_pairs_hook=_object, parse_int=len, parse_float=len)
    if document.repeated:
        raise InvalidDocument(f"{document.repeated}: given twice", document.repeated)
    for number, rule in enumerate(document.get("rules", ())):
        for place, part in _parts(rule):
            if part.repeated:
                raise _invalid(number, rule["id"], _joined(place, part.repeated), "given twice")


def _parts(rule: _Object) -> Iterator[tuple[str, _Object]]:
    yield "", rule
    for member in ("condition", "action"):
        part = rule[member]
        assert isinstance(part, _Object), "it was read as an object"
        yield member, part


RULES: DocumentKind[CompiledRules] = DocumentKind(
    name="rules",
    summary="The tenant's rules",
    schema=RulesDocument,
    parse=parse_rules,
    default=CompiledRules(),
    judge=lambda text, _: judge_rules(text),
)
