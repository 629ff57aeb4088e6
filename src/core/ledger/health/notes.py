"""What an ended attempt tells of its target, and for how long each kind of trouble may keep callers away.

What a provider states is believed for some hours at most: one that stated days has blocked accounts that had long
recovered. What is only guessed lasts minutes, since whoever is not asked cannot show that it is well again. The rule
easy to break: an answer that is the caller's fault, ours, or a verdict makes no note; it says nothing of the target.
"""

from typing import Annotated

import msgspec

from core.ledger.health.targets import Scope, Target

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

STATED_MS_MAX = 6 * HOUR_MS
"""A provider's own word. Longer windows exist (a week, a month), and so do accounts that are refilled meanwhile: four
questions a day cost nothing."""

GUESS_MS_MAX = 15 * MINUTE_MS
EMPTY_ACCOUNT_MS_MAX = HOUR_MS
"""Nobody says when an account will be filled again. One question an hour is enough."""

OUTAGE_MS_MAX = 5 * MINUTE_MS
"""Outages, whatever their answers state: most are over before."""

OUTAGE_KINDS = frozenset({"provider", "network", "timeout", "uncertain"})

COUNTED_MS = 15_000
"""The first cool-down of what is counted; each probe that fails doubles it."""

LEAST_MS = 1
"""A cool-down is never nothing: what may be asked again at once is still asked by one call first."""

KIND_CHARACTERS_MAX = 32

Kind = Annotated[str, msgspec.Meta(max_length=KIND_CHARACTERS_MAX)]
Moment = Annotated[int, msgspec.Meta(ge=0)]
CoolMs = Annotated[int, msgspec.Meta(ge=0, le=STATED_MS_MAX)]


class CoolDown(msgspec.Struct, frozen=True):
    """What a failure asks for: how far it reaches, and for how long; None: it counts, and enough of them are one."""

    scope: Scope
    cool_ms: CoolMs | None
    is_stated: bool = False
    """The provider said when to come again."""


class HealthNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ended attempt: it was served, or it met with a trouble that is to be kept in mind."""

    target: Target
    is_served: bool
    kind: Kind = ""
    scope: Scope = "model"
    cool_ms: CoolMs | None = None
    is_stated: bool = False
    began_at_ms: Moment


def served(target: Target, began_at_ms: int) -> HealthNote:
    return HealthNote(target=target, is_served=True, began_at_ms=began_at_ms)


def failed(target: Target, kind: str, cools: CoolDown, began_at_ms: int) -> HealthNote:
    return HealthNote(
        target=target,
        is_served=False,
        kind=kind,
        scope=cools.scope,
        cool_ms=cools.cool_ms,
        is_stated=cools.is_stated,
        began_at_ms=began_at_ms,
    )


def cap_ms(kind: str, *, is_stated: bool) -> int:
    """The longest cool-down of this kind."""
    if kind in OUTAGE_KINDS:
        return OUTAGE_MS_MAX
    if is_stated:
        return STATED_MS_MAX
    return EMPTY_ACCOUNT_MS_MAX if kind == "empty_account" else GUESS_MS_MAX
