"""Names of tools that every provider takes, and back.

OpenAI, Anthropic and Gemini take 64 letters, digits, `_` and `-`. A longer or odder name is cut and gets a hash of the
whole, so that two names alike in their first 64 characters stay two. The rule easy to break: a name stands in the
tools, in the choice of one, and in every call of the history, and all of them change together.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from core.wire.translation.conversation import AnyPart, Conversation, ToolCall, Turn, Untranslatable
from core.wire.translation.fitting.traits import TOOL_NAME_CHARACTERS_MAX, Traits

_CONFORMING = re.compile(rf"[A-Za-z0-9_-]{{1,{TOOL_NAME_CHARACTERS_MAX}}}")
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_HASH_CHARACTERS = 8


def with_fitted_names(conversation: Conversation, traits: Traits) -> tuple[Conversation, Mapping[str, str]]:
    """The conversation with names that the target takes, and the caller's names by those sent, where they differ."""
    offered = [tool.name for tool in conversation.tools]
    if len(set(offered)) < len(offered):
        raise Untranslatable("duplicate_tools")
    sent = _sent_names(dict.fromkeys((*offered, *_called(conversation), *_chosen(conversation))), traits)
    if not sent:
        return conversation, {}
    choice = conversation.tool_choice
    if choice is not None and choice.name is not None:
        choice = msgspec.structs.replace(choice, name=sent.get(choice.name, choice.name))
    fitted = msgspec.structs.replace(
        conversation,
        tools=tuple(
            msgspec.structs.replace(tool, name=sent[tool.name]) if tool.name in sent else tool
            for tool in conversation.tools
        ),
        tool_choice=choice,
        turns=tuple(Turn(turn.role, tuple(_renamed(part, sent) for part in turn.parts)) for turn in conversation.turns),
    )
    return fitted, {name: caller_s for caller_s, name in sent.items()}


def _called(conversation: Conversation) -> Iterable[str]:
    return (part.name for turn in conversation.turns for part in turn.parts if isinstance(part, ToolCall))


def _chosen(conversation: Conversation) -> tuple[str, ...]:
    choice = conversation.tool_choice
    return () if choice is None or choice.name is None else (choice.name,)


def _renamed(part: AnyPart, sent: Mapping[str, str]) -> AnyPart:
    if isinstance(part, ToolCall) and part.name in sent:
        return msgspec.structs.replace(part, name=sent[part.name])
    return part


def _sent_names(names: Iterable[str], traits: Traits) -> dict[str, str]:
    """A name for each that cannot be sent as it is."""
    odd = [name for name in names if not _conforms(name, traits)]
    taken = {name for name in names if _conforms(name, traits)}
    sent = {}
    for name in odd:
        digest = sha256(name.encode("utf-8", "replace")).hexdigest()
        characters = _HASH_CHARACTERS
        while (candidate := _made(name, digest[:characters])) in taken:
            characters += 1
        taken.add(candidate)
        sent[name] = candidate
    return sent


def _conforms(name: str, traits: Traits) -> bool:
    is_led = not traits.letters_first or name[:1].isalpha() or name[:1] == "_"
    return is_led and _CONFORMING.fullmatch(name) is not None


def _made(name: str, digest: str) -> str:
    visible = _ODD.sub("_", name) or "tool"
    if not visible[0].isalpha():
        visible = f"_{visible}"
    return f"{visible[: TOOL_NAME_CHARACTERS_MAX - len(digest) - 1]}_{digest}"
