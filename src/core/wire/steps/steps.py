"""The steps at the end of a transcript, told from the request that carries it.

A step is the tool calls of one turn of the model and what came of them. The same call with another result is another
step: that is progress. Only what came after a person last spoke counts, so that whoever looks into a loop and answers
gets the agent out of it. Thoughts and texts between steps are passed over.

The rule easy to break: nothing here raises, whatever the transcript holds. A malformed part is no part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from core.wire.steps.anthropic import anthropic_message
from core.wire.steps.digests import keyed_digest
from core.wire.steps.gemini import gemini_message
from core.wire.steps.messages import Members, Message
from core.wire.steps.openai import chat_message, responses_item
from core.wire.steps.outcomes import Outcome
from core.wire.steps.outline import canonical, listed, members_of, outline
from core.wire.steps.repeats import Repeats

MESSAGES_MAX = 2_000
"""How many messages are looked at, from the end. A step has two or three, and one for each call beside another."""

TELLING_RESULT_BYTES = 64
"""What results must come to where their calls are not in the request (they are stored at the provider). "Done." follows
many different calls, and two of it are no repetition."""

_TOOLS = ("tools", "functions", "mcp_servers")


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What a request tells of its agent's steps."""

    step: str | None = None
    """A digest of the last step; None where a person has spoken since, or there is none."""
    repeated_steps: int = 0
    """How often the block of one to four steps at the end stands there in a row (`core.wire.steps.repeats`); 1 where
    nothing is repeated, 0 without a step."""
    failed_steps: int = 0
    """The same, of steps whose results are all marked as errors."""
    has_tools: bool | None = None
    """Whether the request offers the model tools; None where what is stored at the provider may."""


@dataclass(frozen=True, slots=True)
class _Transcript:
    """Where a dialect writes its transcript, and how; and what it stores that may bring tools."""

    member: str
    read: Callable[[Members], Message]
    stored: tuple[str, ...] = ()


_TRANSCRIPTS = {
    "openai_chat": _Transcript("messages", chat_message),
    "openai_responses": _Transcript("input", responses_item, stored=("prompt",)),
    "anthropic_messages": _Transcript("messages", anthropic_message),
    "gemini": _Transcript("contents", gemini_message, stored=("cachedContent", "cached_content")),
}


def read_steps(body: bytes, dialect: str, *, key: bytes) -> StepFacts:
    """What a request, after it was planned, tells of its agent's steps. Time grows with the body at most."""
    transcript = _TRANSCRIPTS.get(dialect)
    members = members_of(body)
    if transcript is None:
        return StepFacts(has_tools=False)
    repeats = Repeats()
    for step in _steps(_messages(members.get(transcript.member), transcript.read)):
        if not repeats.add(step.digest(key), has_failed=step.has_failed):
            break
    return StepFacts(
        step=repeats.last,
        repeated_steps=repeats.repeated,
        failed_steps=repeats.failed,
        has_tools=_has_tools(members, transcript.stored),
    )


@dataclass(slots=True)
class _Step:
    """A step while it is read, from its end."""

    messages: list[Message] = field(default_factory=list)
    has_calls: bool = False

    def add(self, message: Message) -> None:
        self.messages.append(message)
        self.has_calls |= bool(message.calls)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for message in reversed(self.messages) for outcome in message.outcomes]

    @property
    def has_failed(self) -> bool:
        outcomes = self.outcomes
        return bool(outcomes) and all(outcome.has_failed for outcome in outcomes)

    @property
    def is_telling(self) -> bool:
        """Whether its results, should its calls not be in the request, do not fit many other calls as well."""
        contents = [outcome.content for outcome in self.outcomes]
        return bool(contents) and (self.has_failed or len(canonical(contents)) >= TELLING_RESULT_BYTES)

    def digest(self, key: bytes) -> str:
        """Of what was called and what came of it, in the order of the calls, whatever came first."""
        calls = [call for message in reversed(self.messages) for call in message.calls]
        places = {call.id: place for place, call in enumerate(calls) if isinstance(call.id, str)}

        def place(outcome: Outcome) -> int:
            return places.get(outcome.call_id, len(places)) if isinstance(outcome.call_id, str) else len(places)

        results = [outcome.content for outcome in sorted(self.outcomes, key=place)]
        shown = [message.shown for message in reversed(self.messages) if message.shown]
        return keyed_digest(canonical(([call.says for call in calls], results, shown)), kind=b"step", key=key)


def _steps(messages: Iterator[Message]) -> Iterator[_Step]:
    """The steps after a person last spoke, the last one first."""
    step = _Step()
    for message in messages:
        if message.is_a_person:
            break
        if step.has_calls and not message.is_the_models and (message.outcomes or message.shown):
            yield step
            step = _Step()
        step.add(message)
    else:
        if not step.has_calls and step.is_telling:
            yield step
    if step.has_calls:
        yield step


def _messages(text: msgspec.Raw | None, read: Callable[[Members], Message]) -> Iterator[Message]:
    """The messages of a transcript, the last one first."""
    if text is None:
        return
    for each in reversed(listed(text)[-MESSAGES_MAX:] or [text]):
        message = outline(each)
        if isinstance(message, dict):
            yield read(message)


def _has_tools(members: dict[str, msgspec.Raw], stored: tuple[str, ...]) -> bool | None:
    if any(_holds_something(members[name]) for name in _TOOLS if name in members):
        return True
    return None if any(_holds_something(members[name]) for name in stored if name in members) else False


def _holds_something(text: msgspec.Raw) -> bool:
    return bool(listed(text) or members_of(text)) or bytes(memoryview(text)[:1]) == b'"'
