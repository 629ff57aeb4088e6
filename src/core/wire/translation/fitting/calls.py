"""The tool calls of a history: ids that the target takes, arguments that are an object, and a result for each call.

Theory of operation. Every call gets an id that is its own: the caller's where it conforms and is free, else one made of
it by a hash, so that the same history is the same bytes on every turn. Results are matched to the calls of the turn
before them, in order, which is all that there is to go by where several calls bear one id. What then has no partner is
said in words: providers refuse a call without its result, and a result without its call.

The rule easy to break: a call is never dropped, because its result would stand alone.
"""

from collections.abc import Iterable

import msgspec

from core.wire.translation.call_arguments import object_text
from core.wire.translation.call_ids import conforms, made_id
from core.wire.translation.conversation import AnyPart, Text, ToolCall, ToolResult, Turn

NO_RESULT = "No result of this call was recorded."
STRAY_RESULT = "[The result of a tool call that is not part of this conversation]"


def answered(turns: Iterable[Turn], dialect: str) -> tuple[Turn, ...]:
    """The turns with calls and results in order: each call in an assistant turn, all their results in the next."""
    given = list(turns)
    ids = _Ids(dialect, given)
    done: list[Turn] = []
    for index, turn in enumerate(given):
        if turn.role == "assistant":
            calls = [part for part in turn.parts if isinstance(part, ToolCall)]
            sent = [_fitted(call, ids.next(call.id)) for call in calls]
            renamed = iter(sent)
            done.append(
                Turn("assistant", tuple(next(renamed) if isinstance(part, ToolCall) else part for part in turn.parts))
            )
            if calls:
                done.append(Turn("user", tuple(_results(calls, sent, given, index))))
        elif turn.parts:
            done.append(Turn(turn.role, tuple(_in_words(turn.parts))))
    return tuple(done)


def _results(calls: list[ToolCall], sent: list[ToolCall], turns: list[Turn], index: int) -> list[ToolResult]:
    """The results of a turn's calls, taken out of the turns up to the next assistant turn. Those turns are left with
    what else they say."""
    waiting: dict[str, list[ToolCall]] = {}
    for call, named in zip(calls, sent, strict=True):
        waiting.setdefault(call.id, []).append(named)
    found: list[ToolResult] = []
    for later in range(index + 1, len(turns)):
        turn = turns[later]
        if turn.role == "assistant":
            break
        rest: list[AnyPart] = []
        for part in turn.parts:
            if isinstance(part, ToolResult) and waiting.get(part.call_id):
                found.append(msgspec.structs.replace(part, call_id=waiting[part.call_id].pop(0).id))
            else:
                rest.append(part)
        turns[later] = Turn(turn.role, tuple(rest))
    answered_ids = {result.call_id for result in found}
    missing = [named for named in sent if named.id not in answered_ids]
    return found + [ToolResult(call_id=call.id, parts=(Text(text=NO_RESULT),), is_error=True) for call in missing]


def _in_words(parts: Iterable[AnyPart]) -> list[AnyPart]:
    """A result without a call, as what the user says. It comes after what belongs to calls."""
    said: list[AnyPart] = []
    for part in parts:
        said += (Text(text=STRAY_RESULT), *part.parts) if isinstance(part, ToolResult) else (part,)
    return said


def _fitted(call: ToolCall, call_id: str) -> ToolCall:
    arguments = object_text(call.arguments)
    if call.id == call_id and call.arguments == arguments:
        return call
    return msgspec.structs.replace(call, id=call_id, arguments=arguments)


class _Ids:
    """The ids of one conversation's calls, handed out in order."""

    def __init__(self, dialect: str, turns: list[Turn]) -> None:
        self._dialect = dialect
        parts = [part for turn in turns for part in turn.parts]
        self._conforming_ids = {part.id for part in parts if isinstance(part, ToolCall) and conforms(part.id, dialect)}
        self._taken: set[str] = set()
        self._calls = 0

    def next(self, wanted: str) -> str:
        """An id for the next call: the wanted one where it can be had."""
        self._calls += 1
        if wanted in self._conforming_ids and wanted not in self._taken:
            self._taken.add(wanted)
            return wanted
        candidate = self._made(wanted or "call", wanted or f"call {self._calls}")
        if candidate in self._taken or candidate in self._conforming_ids:
            candidate = self._made(wanted or "call", f"{wanted} of call {self._calls}")
        self._taken.add(candidate)
        return candidate

    def _made(self, visible: str, seed: str) -> str:
        return made_id(visible, seed, self._dialect)
