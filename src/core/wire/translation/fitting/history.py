"""A history made by one provider, fit to go to another, or back to its own after another spoke in between.

Signatures, sealed thinking and tool-call ids are bound to who made them, and one foreign turn is refused on every turn
from then on. So thinking goes to its maker only, and its text is not said in other words. The rule easy to break: what
a later turn repeats of an earlier one must come out the same, or every prompt cache starts anew.
"""

from collections.abc import Iterable, Mapping

import msgspec

from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.conversation import AnyPart, Conversation, Text, Thinking, ToolCall, ToolResult, Turn
from core.wire.translation.fitting.calls import answered
from core.wire.translation.fitting.target import MESSAGES, RESPONSES, Target

UNSIGNED = "agentwatch-unsigned"
"""The signature of thinking that was translated for a caller of Anthropic's dialect. Nobody made it."""

FOREIGN_CALL = "skip_thought_signature_validator"
"""What Gemini takes for the signature of a call that it did not make (its documentation of thought signatures)."""

_THINKING_TYPES = ("thinking", "redacted_thinking")

Members = dict[str, msgspec.Raw]


def repaired(conversation: Conversation, target: Target) -> Conversation:
    """The conversation with turns that the target takes. Repaired once it stays as it is."""
    turns = [Turn(turn.role, tuple(_kept(turn, target))) for turn in conversation.turns]
    if target.dialect == MESSAGES:
        turns = _systems_first(turns)
    turns = _merged(answered(_merged(turns), target.dialect))
    if target.dialect == MESSAGES and turns:
        turns[-1] = _without_trailing_space(turns[-1])
    if target.provider == "gemini" and target.traits.signatures:
        turns = [_signed(turn) for turn in turns]
    return msgspec.structs.replace(conversation, turns=tuple(turns))


def calls_unthought(turns: tuple[Turn, ...]) -> bool:
    """Whether the last assistant turn calls tools without thinking before them, which Anthropic refuses where thinking
    is given a budget."""
    last = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    if last is None or not any(isinstance(part, ToolCall) for part in last.parts):
        return False
    return not any(isinstance(part, Thinking) for part in last.parts)


def _kept(turn: Turn, target: Target) -> Iterable[AnyPart]:
    for part in turn.parts:
        match part:
            case Text(text=text):
                if text.strip() if target.dialect == MESSAGES else text:
                    yield part
            case Thinking():
                if _is_its_own(part, target):
                    yield part
            case ToolCall(signature=str()) if target.provider != "gemini":
                yield msgspec.structs.replace(part, signature=None)
            case ToolResult(parts=shown) if any(isinstance(each, Text) and not each.text.strip() for each in shown):
                said = tuple(each for each in shown if not isinstance(each, Text) or each.text.strip())
                yield msgspec.structs.replace(part, parts=said)
            case _:
                yield part


def _is_its_own(thinking: Thinking, target: Target) -> bool:
    """Whether the target made this thinking, and can be shown it."""
    if thinking.maker != target.provider or thinking.signature == UNSIGNED:
        return False
    if target.dialect == MESSAGES:
        return bool(thinking.sealed or thinking.signature)
    return target.dialect == RESPONSES and bool(thinking.sealed) and target.traits.thinking == "effort"


def _systems_first(turns: list[Turn]) -> list[Turn]:
    """Anthropic has one place for them. The sort is stable."""
    return sorted(turns, key=lambda turn: turn.role != "system")


def _merged(turns: Iterable[Turn]) -> list[Turn]:
    """Without empty turns, neighbours of one role in one, and results before whatever else a user's turn says."""
    merged: list[Turn] = []
    for turn in turns:
        if not turn.parts:
            continue
        if merged and merged[-1].role == turn.role:
            turn = Turn(turn.role, merged.pop().parts + turn.parts)
        merged.append(turn)
    return [_results_first(turn) if turn.role == "user" else turn for turn in merged]


def _results_first(turn: Turn) -> Turn:
    results = tuple(part for part in turn.parts if isinstance(part, ToolResult))
    rest = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
    return Turn(turn.role, results + rest) if results else turn


def _without_trailing_space(turn: Turn) -> Turn:
    """Anthropic goes on from the last words of an assistant turn, and refuses those that end in white space."""
    last = turn.parts[-1]
    if turn.role != "assistant" or not isinstance(last, Text):
        return turn
    return Turn(turn.role, (*turn.parts[:-1], Text(text=last.text.rstrip())))


def _signed(turn: Turn) -> Turn:
    """Gemini signs the first of a turn's calls. One of which nobody has the signature gets the word that stands for
    it."""
    calls = [part for part in turn.parts if isinstance(part, ToolCall)]
    if not calls or any(call.signature for call in calls):
        return turn
    first = msgspec.structs.replace(calls[0], signature=FOREIGN_CALL)
    return Turn(turn.role, tuple(first if part is calls[0] else part for part in turn.parts))


# Requests that go to their own provider as they are -------------------------------------------------------


def repaired_body(dialect: str, body: bytes, *, strips_all: bool) -> bytes | None:
    """The body without the thinking that we wrote into earlier answers; with `strips_all`, without any that its
    provider might refuse. None where nothing has to change: it is asked of every call, so it looks for the mark before
    it reads anything."""
    if dialect == MESSAGES:
        mark, repair = (b"thinking" if strips_all else UNSIGNED.encode()), _repaired_messages
    elif dialect == RESPONSES and strips_all:
        mark, repair = b"encrypted_content", _repaired_responses
    else:
        return None
    if mark not in body or is_too_deep(body):
        return None
    try:
        members = read_json(body, Members)
        changes = repair(members, strips_all)
    except InvalidJSON:
        return None
    return msgspec.json.encode(members | changes) if changes else None


def _repaired_messages(members: Members, strips_all: bool) -> Members:
    given = read_json(members.get("messages", b"[]"), list[msgspec.Raw])
    messages = [kept for message in given if (kept := _without_thinking(message, strips_all)) is not None]
    if not messages or messages == given:
        return {}
    changes = {"messages": msgspec.Raw(msgspec.json.encode(messages))}
    if _type_in(members.get("thinking")) == "enabled" and messages_call_unthought(messages):
        changes["thinking"] = msgspec.Raw(b'{"type":"disabled"}')
        changes |= without_thinking_edits(members)
    return changes


def _without_thinking(message: msgspec.Raw, strips_all: bool) -> msgspec.Raw | None:
    """A message without its blocks of thinking that have to go; None where nothing is left of it."""
    if b"thinking" not in bytes(message):
        return message
    try:
        members = read_json(message, Members)
        blocks = read_json(members.get("content", b"[]"), list[msgspec.Raw])
    except InvalidJSON:
        return message
    kept = [block for block in blocks if not _has_to_go(block, strips_all)]
    if len(kept) == len(blocks):
        return message
    content = msgspec.Raw(msgspec.json.encode(kept))
    return msgspec.Raw(msgspec.json.encode(members | {"content": content})) if kept else None


def _has_to_go(block: msgspec.Raw, strips_all: bool) -> bool:
    if b"thinking" not in bytes(block) or _type_in(block) not in _THINKING_TYPES:
        return False
    return strips_all or _word_in(block, "signature") == UNSIGNED


def messages_call_unthought(messages: list[msgspec.Raw]) -> bool:
    """The same of messages: those of the assistant that follow each other are one turn."""
    types: list[str] = []
    for message in reversed(messages):
        if _word_in(message, "role") == "assistant":
            types += _block_types(message)
        elif types:
            break
    return "tool_use" in types and not set(types) & set(_THINKING_TYPES)


def _block_types(message: msgspec.Raw) -> list[str]:
    try:
        return [_type_in(block) for block in read_json(read_json(message, Members)["content"], list[msgspec.Raw])]
    except (InvalidJSON, KeyError):
        return ["text"]


def without_thinking_edits(members: Mapping[str, msgspec.Raw]) -> Members:
    """The change that takes the clearing of old thinking out of a request: refused where thinking is off."""
    try:
        management = read_json(members.get("context_management", b"{}"), Members)
        edits = read_json(management.get("edits", b"[]"), list[msgspec.Raw])
    except InvalidJSON:
        return {}
    kept = [edit for edit in edits if not _type_in(edit).startswith("clear_thinking")]
    if len(kept) == len(edits):
        return {}
    managed = management | {"edits": msgspec.Raw(msgspec.json.encode(kept))}
    return {"context_management": msgspec.Raw(msgspec.json.encode(managed))}


def _repaired_responses(members: Members, strips_all: bool) -> Members:
    given = read_json(members.get("input", b"[]"), list[msgspec.Raw])
    kept = [item for item in given if not (_type_in(item) == "reasoning" and _word_in(item, "encrypted_content"))]
    return {"input": msgspec.Raw(msgspec.json.encode(kept))} if kept and len(kept) < len(given) else {}


def _type_in(text: msgspec.Raw | None) -> str:
    return "" if text is None else _word_in(text, "type")


def _word_in(text: msgspec.Raw, name: str) -> str:
    try:
        value = read_json(read_json(text, Members).get(name, b'""'), object)
    except InvalidJSON:
        return ""
    return value if isinstance(value, str) else ""
