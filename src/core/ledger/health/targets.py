"""What an attempt goes to, and the circles in which what it met with may hold.

A limit of one model is not its account's, an empty account is not its provider's, and a refusal of the place that a
request leaves from says nothing of other places. The rule easy to break: an account is a credential at a provider, told
by its digest; another key is another account, the same key under another name is not.
"""

from typing import Annotated, Literal

import msgspec

NAME_CHARACTERS_MAX = 128
"""Models' names have some sixty characters. What is longer is cut, so that an entry stays small."""

PLACE_CHARACTERS_MAX = 16
"""A data centre's code has three."""

Part = Annotated[str, msgspec.Meta(max_length=NAME_CHARACTERS_MAX)]
Place = Annotated[str, msgspec.Meta(max_length=PLACE_CHARACTERS_MAX)]

Scope = Literal["provider", "account", "model", "place"]
"""How far a trouble reaches: a provider, one account there, one model of that account, a provider seen from a place."""

SCOPES: tuple[Scope, ...] = ("provider", "place", "account", "model")


class Target(msgspec.Struct, frozen=True):
    """Where an attempt goes. `account` is a digest of its credential, `place` the code of the data centre from which it
    leaves, empty where that is not known."""

    provider: Part
    account: Part
    model: Part
    place: Place = ""


class Circle(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All targets that share these parts; a part that does not count is empty."""

    scope: Scope
    provider: Part
    account: Part = ""
    model: Part = ""
    place: Place = ""

    def holds(self, target: Target) -> bool:
        return self == circle(target, self.scope)


def target(provider: str, account: str, model: str, place: str = "") -> Target:
    """The target of these names, whoever chose them: they are cut to what is kept."""
    return Target(_name(provider), _name(account), _name(model), _storable(place)[:PLACE_CHARACTERS_MAX])


def circle(target: Target, scope: Scope) -> Circle:
    """The circle around a target that a trouble of this scope fills."""
    match scope:
        case "provider":
            return Circle(scope, target.provider)
        case "place":
            return Circle(scope, target.provider, place=target.place)
        case "account":
            return Circle(scope, target.provider, target.account)
        case "model":
            return Circle(scope, target.provider, target.account, target.model)


def _name(name: str) -> str:
    return _storable(name[:NAME_CHARACTERS_MAX])


def _storable(name: str) -> str:
    """Without halves of surrogate pairs, which no text that is stored may have."""
    return name.encode("utf-8", "replace").decode()
