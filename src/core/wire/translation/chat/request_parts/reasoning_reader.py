"""How hard to think, and whether to show it: OpenAI's member, and those that other providers put beside it.

Clients of the OpenAI-style endpoints of Anthropic and Google ask for thinking in those providers' own words, Groq's
have two members for what is shown. The rule easy to break: "not at all" is an effort too, and not the same as silence.
"""

from typing import cast, get_args

from core.wire.translation.conversation import Effort, Reasoning
from core.wire.translation.unsaid import Members, Unsaid, count_or_none, flag_or_none, members_in

MEMBERS = (
    "reasoning_effort", "reasoning_format", "include_reasoning", "thinking", "extra_body", "google",
)  # fmt: skip
_EFFORTS = frozenset(get_args(Effort))
_GROQ_S_DEFAULT = "default"
_SHOWN_BY_FORMAT = {"parsed": True, "raw": True, "hidden": False}
_HARMLESS_OF_GOOGLE = ("safety_settings", "thought_tag_marker")
_EXTRA_BODIES_MAX = 2
"""Clients unfold an `extra_body` once, so it stands in the request, within another, or is the request."""


def read_reasoning(request: Members, unsaid: Unsaid) -> Reasoning | None:
    """Raises `Untranslatable`."""
    asked = Reasoning(effort=_effort(request.get("reasoning_effort"), unsaid), is_shown=_is_shown(request))
    for said in (_by_anthropic(request, unsaid), *(_by_google(google, unsaid) for google in _extras(request, unsaid))):
        asked = Reasoning(
            effort=asked.effort or said.effort,
            budget_tokens=said.budget_tokens if asked.budget_tokens is None else asked.budget_tokens,
            is_adaptive=asked.is_adaptive or said.is_adaptive,
            is_shown=said.is_shown if asked.is_shown is None else asked.is_shown,
        )
    return None if asked == Reasoning() else asked


def _effort(said: object, unsaid: Unsaid) -> Effort | None:
    if isinstance(said, str) and said in _EFFORTS:
        return cast(Effort, said)
    if said not in (None, _GROQ_S_DEFAULT):
        unsaid.is_dropped("reasoning_effort")
    return None


def _is_shown(request: Members) -> bool | None:
    form = request.get("reasoning_format")
    if isinstance(form, str) and form in _SHOWN_BY_FORMAT:
        return _SHOWN_BY_FORMAT[form]
    return flag_or_none(request, "include_reasoning")


def _by_anthropic(request: Members, unsaid: Unsaid) -> Reasoning:
    said = members_in(request.get("thinking"))
    unsaid.rest_is_dropped(said, ("type", "budget_tokens", "display"), within="thinking")
    is_shown = {"summarized": True, "omitted": False}.get(str(said.get("display")))
    match said.get("type"):
        case "enabled":
            return Reasoning(budget_tokens=count_or_none(said, "budget_tokens"), is_shown=is_shown)
        case "adaptive":
            return Reasoning(is_adaptive=True, is_shown=is_shown)
        case "disabled":
            return Reasoning(effort="none")
    if said:
        unsaid.is_dropped("thinking")
    return Reasoning()


def _extras(request: Members, unsaid: Unsaid) -> list[Members]:
    """What stands under `google`, wherever a client put it."""
    found, body = [], request
    for depth in range(_EXTRA_BODIES_MAX + 1):
        if depth:
            unsaid.rest_is_dropped(body, ("extra_body", "google"), within="extra_body")
        found.append(members_in(body.get("google")))
        body = members_in(body.get("extra_body"))
    return found


def _by_google(google: Members, unsaid: Unsaid) -> Reasoning:
    for name in sorted(google):
        if name in _HARMLESS_OF_GOOGLE:
            unsaid.is_dropped(name)
        elif name != "thinking_config":
            unsaid.is_beyond("google", name)
    said = members_in(google.get("thinking_config"))
    unsaid.rest_is_dropped(said, ("thinking_budget", "thinking_level", "include_thoughts"), within="thinking_config")
    budget = count_or_none(said, "thinking_budget")
    level = said.get("thinking_level")
    effort = "none" if budget == 0 else _effort(level.lower() if isinstance(level, str) else level, unsaid)
    return Reasoning(
        effort=effort,
        budget_tokens=budget if budget is not None and budget > 0 else None,
        is_adaptive=budget is not None and budget < 0,
        is_shown=flag_or_none(said, "include_thoughts"),
    )
