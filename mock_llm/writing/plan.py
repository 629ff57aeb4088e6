"""What a call will write, decided before its first token: reasoning, text, audio, tool calls, and
why it stops.

The plan is a pure function of the request, the script and a seed, so the same request gets the same
answer. A limit counts every token in the order they are written, reasoning first; a stop sequence
ends the text before it.
"""

from collections.abc import Iterator
from enum import IntEnum, StrEnum
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from mock_llm.selling.tokens import split_text
from mock_llm.writing.prose import write_json, write_words
from mock_llm.writing.scripts import OUTPUT_TOKENS_DEFAULT, Script

TOOL_CALL_TOKENS_DEFAULT = 12


class Channel(IntEnum):
    """What a generated token belongs to."""

    REASONING = 0
    TEXT = 1
    AUDIO = 2
    TOOL = 3


class Finish(StrEnum):
    """Why a choice ended."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOLS = "tools"


class Tool(msgspec.Struct, frozen=True):
    """A tool the request offers."""

    name: str
    schema: dict[str, object]


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool; `pieces` are its JSON arguments token by token."""

    name: str
    pieces: list[str]
    is_complete: bool = True

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class Choice(msgspec.Struct, frozen=True):
    """One answer of a call."""

    reasoning: list[str]
    text: list[str]
    audio: list[str]
    tools: list[ToolCall]
    finish: Finish
    stop_sequence: str | None = None

    def steps(self, index: int) -> Iterator["Step"]:
        for piece in self.reasoning:
            yield Step(index, Channel.REASONING, piece)
        for piece in self.text:
            yield Step(index, Channel.TEXT, piece)
        for piece in self.audio:
            yield Step(index, Channel.AUDIO, piece)
        for place, tool in enumerate(self.tools):
            last = len(tool.pieces) - 1
            for number, piece in enumerate(tool.pieces):
                yield Step(index, Channel.TOOL, piece, place, ends_tool=number == last)


class Step(NamedTuple):
    """One generated token."""

    choice: int
    channel: Channel
    text: str
    tool: int = 0
    ends_tool: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """The part of a request that shapes what is written."""

    choices: int
    tokens_max: int
    stops: tuple[str, ...]
    tools: tuple[Tool, ...]
    forced: tuple[Tool, ...]
    json_schema: dict[str, object] | None


def make_plan(wanted: Wanted, script: Script, seed: int) -> tuple[Choice, ...]:
    return tuple(_one_choice(wanted, script, seed + index) for index in range(wanted.choices))


def steps(choices: tuple[Choice, ...]) -> Iterator[Step]:
    """Every token of the call in the order it is generated: parallel choices advance together."""
    if len(choices) == 1:
        return choices[0].steps(0)
    rows = zip_longest(*(choice.steps(index) for index, choice in enumerate(choices)))
    return (step for row in rows for step in row if step is not None)


def channel_totals(choices: tuple[Choice, ...]) -> tuple[int, ...]:
    """Tokens per channel, indexed by `Channel`."""
    return (
        sum(len(choice.reasoning) for choice in choices),
        sum(len(choice.text) for choice in choices),
        sum(len(choice.audio) for choice in choices),
        sum(len(tool.pieces) for choice in choices for tool in choice.tools),
    )


def _one_choice(wanted: Wanted, script: Script, seed: int) -> Choice:
    text, stop = _cut_at_stop(_write_text(wanted, script, seed), wanted.stops)
    tools = [] if stop else _write_tool_calls(wanted, script, seed)
    whole = Choice(
        reasoning=write_words(seed + 1, script.reasoning_tokens),
        text=text,
        audio=write_words(seed + 2, script.audio_output_tokens),
        tools=tools,
        finish=_natural_finish(stop, tools),
        stop_sequence=stop,
    )
    return _cut_at_limit(whole, wanted.tokens_max)


def _natural_finish(stop: str | None, tools: list[ToolCall]) -> Finish:
    if stop is not None:
        return Finish.STOP_SEQUENCE
    return Finish.TOOLS if tools else Finish.STOP


def _write_text(wanted: Wanted, script: Script, seed: int) -> list[str]:
    if script.content is not None:
        return split_text(script.content)
    if _tool_calls(wanted, script):
        return []
    count = OUTPUT_TOKENS_DEFAULT if script.output_tokens is None else script.output_tokens
    if wanted.json_schema is not None:
        return write_json(seed, wanted.json_schema, count)
    return write_words(seed, count)


def _tool_calls(wanted: Wanted, script: Script) -> int:
    """How many tools are called: as many as the script says, else one where the request forces one.

    A text that the script tells to the letter is written in place of that.
    """
    if script.tool is not None:
        return 1
    if script.tool_calls or not wanted.forced or script.content is not None:
        return script.tool_calls
    return 1


def _write_tool_calls(wanted: Wanted, script: Script, seed: int) -> list[ToolCall]:
    calls = _tool_calls(wanted, script)
    if calls == 0:
        return []
    if script.tool is not None:
        return [ToolCall(script.tool, split_text(script.arguments))]
    each = TOOL_CALL_TOKENS_DEFAULT if script.output_tokens is None else script.output_tokens // calls
    tools = wanted.forced or wanted.tools
    called = [tools[place % len(tools)] for place in range(calls)]
    return [ToolCall(tool.name, write_json(seed + place, tool.schema, each)) for place, tool in enumerate(called)]


def _cut_at_stop(pieces: list[str], stops: tuple[str, ...]) -> tuple[list[str], str | None]:
    """The pieces before the first stop sequence, which may begin inside one, and that sequence."""
    if not stops:
        return pieces, None
    text = "".join(pieces)
    found = [(place, stop) for stop in stops if (place := text.find(stop)) >= 0]
    if not found:
        return pieces, None
    room, stop = min(found)
    kept: list[str] = []
    for piece in pieces:
        if room <= 0:
            break
        kept.append(piece[:room])
        room -= len(piece)
    return kept, stop


def _cut_at_limit(choice: Choice, tokens_max: int) -> Choice:
    total = sum(channel_totals((choice,)))
    if total <= tokens_max:
        return choice
    reasoning = choice.reasoning[:tokens_max]
    room = tokens_max - len(reasoning)
    text = choice.text[:room]
    room -= len(text)
    audio = choice.audio[:room]
    room -= len(audio)
    tools: list[ToolCall] = []
    for tool in choice.tools:
        if room <= 0:
            break
        kept = tool.pieces[:room]
        tools.append(ToolCall(tool.name, kept, is_complete=len(kept) == len(tool.pieces)))
        room -= len(kept)
    return Choice(reasoning, text, audio, tools, Finish.LENGTH)
