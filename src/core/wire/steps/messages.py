"""What all dialects' messages come to: the model's tool calls, what came of them, and whether a person speaks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.wire.steps.asides import is_aside
from core.wire.steps.outcomes import Outcome, steady
from core.wire.steps.outline import canonical, within

Members = Mapping[str, object]

_LABELS = frozenset({"description", "explanation", "justification"})
"""What a model says to a person of a command that it runs: in other words each time."""

_COMMANDS = ("command", "cmd")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `id` is what its result refers to it by; what it says is its name and its arguments."""

    id: object
    says: object


@dataclass(slots=True)
class Message:
    """One message of a transcript, as far as steps are concerned."""

    is_the_models: bool = False
    """The model wrote it; else it is the caller's."""
    calls: list[Call] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    shown: list[object] = field(default_factory=list)
    """Pictures and files in the user's place: so agents show what a tool made, where its result can hold text only."""
    is_a_person: bool = False
    """A person says something in it."""

    def add_users(self, parts: Iterable[object]) -> None:
        """Parts in the user's place that are no results of tools."""
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                self.is_a_person |= not is_aside(text)
            elif isinstance(part, dict):
                self.is_a_person |= _is_voice(part)
                self.shown.append(steady(part))


NOTHING = Message()
"""Of what is no message, or says nothing of steps."""


def parts_of(content: object) -> list[object]:
    """The parts of a message's content; one alone, or a text, is a list of one."""
    if isinstance(content, list):
        return content
    return [] if content is None else [content]


def objects_of(content: object) -> list[Members]:
    """Those of its parts that are objects."""
    return [part for part in parts_of(content) if isinstance(part, dict)]


def arguments(value: object) -> object:
    """The arguments of a call, written as JSON text or not, without what the model only says to a person."""
    if not isinstance(value, str):
        return _without_labels(value)
    said = within(value)
    return value if said is value else canonical(_without_labels(said)).decode()


def _without_labels(said: object) -> object:
    if not isinstance(said, dict) or not any(name in said for name in _COMMANDS):
        return said
    return {name: member for name, member in said.items() if name not in _LABELS}


def _is_voice(part: Members) -> bool:
    media = [value for value in part.values() if isinstance(value, dict)]
    kinds = [part.get("type"), *(each.get("mimeType") or each.get("mime_type") for each in media)]
    return any(isinstance(kind, str) and "audio" in kind for kind in kinds)
