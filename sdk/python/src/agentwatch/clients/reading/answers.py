"""An answer as it comes, whole or in pieces: its model, its usage, how much was written, and whether it has ended.

Numbers only, with one exception that never leaves: the text of a stream is gathered, within a bound, to look for
personal data in it when it ends. The end is the protocol's, not the transport's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...calls import CallFacts, Dialect, Usage
from .usage import Counts, estimated_usage, newer_usage, usage_of

TEXT_CHARACTERS_MAX = 256 * 1024
"""Of an answer's text that is looked through."""
_LAST_EVENTS = frozenset({"response.completed", "response.incomplete", "response.failed", "error", "message_stop"})
_UNFINISHED = frozenset({"queued", "in_progress"})
"""A background answer that is not done has no usage yet, which is not the same as none."""


@dataclass(frozen=True)
class Settled:
    """What a call is reported with."""

    usage: Usage | None
    is_estimated: bool


class AnswerReading:
    def __init__(self, dialect: Dialect) -> None:
        self.model: str | None = None
        self.response_id: str | None = None
        self.has_ended = False
        self.has_failed = False
        self.is_unfinished = False
        self.error_code: str | None = None
        self.output_bytes = 0
        self._dialect = dialect
        self._counts: Counts | None = None
        self._texts: dict[str, list[str]] = {}
        self._text_characters = 0

    @property
    def usage(self) -> Usage | None:
        return usage_of(self._counts, self._dialect)

    @property
    def has_begun(self) -> bool:
        return self.output_bytes > 0 or self.usage is not None

    @property
    def texts(self) -> list[str]:
        """What was said, one text for each choice, block or call, so that neighbours do not fuse."""
        return ["".join(parts) for parts in self._texts.values()]

    def settled(self, facts: CallFacts, output_bytes: int | None) -> Settled:
        """The provider's counts. Before the last of them the output is counted by its text, and without any all is."""
        told, estimate = self.usage, estimated_usage(facts, output_bytes)
        if told is None:
            return Settled(estimate, is_estimated=True)
        if self.has_ended:
            return Settled(told, is_estimated=False)
        written = max(told.completion_tokens, estimate.completion_tokens)
        return Settled(replace(told, completion_tokens=written), is_estimated=True)

    def whole(self, answer: Mapping[str, object]) -> None:
        """A whole answer."""
        self.has_ended = True
        self._about(answer)
        self._counts = newer_usage(None, answer.get("usage"))
        self.has_failed = answer.get("status") == "failed"

    def event(self, event: Mapping[str, object]) -> None:
        """One event of a stream."""
        kind = event.get("type")
        kind = kind if isinstance(kind, str) else ""
        if kind in _LAST_EVENTS:
            self.has_ended = True
        if kind in ("response.failed", "error"):
            self.has_failed = True
        if self._dialect == "openai_responses":
            self._responses_event(event, kind)
        elif self._dialect == "anthropic_messages":
            self._messages_event(event)
        else:
            self._chunk(event)

    def _about(self, answer: Mapping[str, object]) -> None:
        model, answer_id, status, error = (answer.get(name) for name in ("model", "id", "status", "error"))
        self.model = model if isinstance(model, str) else self.model
        self.response_id = answer_id if isinstance(answer_id, str) else self.response_id
        self.is_unfinished = status in _UNFINISHED
        if isinstance(error, Mapping) and isinstance(error.get("code"), str):
            self.error_code = str(error["code"])

    def _chunk(self, chunk: Mapping[str, object]) -> None:
        self._about(chunk)
        groq = chunk.get("x_groq")
        self._counts = newer_usage(self._counts, chunk.get("usage") or (_of(groq, "usage")))
        for choice in _list(chunk.get("choices")):
            if choice.get("finish_reason") is not None:
                self.has_ended = True
            place = str(choice.get("index") or 0)
            self._written(place, choice.get("text"))
            delta = choice.get("delta")
            if isinstance(delta, Mapping):
                self._delta(place, delta)

    def _delta(self, place: str, delta: Mapping[str, object]) -> None:
        for name in ("content", "reasoning", "reasoning_content", "refusal"):
            self._written(f"{place} {name}", delta.get(name))
        for call in _list(delta.get("tool_calls")):
            function = call.get("function")
            for name in ("arguments", "name"):
                self._written(f"{place} {name} {call.get('index') or 0}", _of(function, name))

    def _responses_event(self, event: Mapping[str, object], kind: str) -> None:
        response = event.get("response")
        if isinstance(response, Mapping):
            self._about(response)
            self._counts = newer_usage(self._counts, response.get("usage"))
        if kind.endswith(".delta"):
            part = event.get("content_index", event.get("summary_index"))
            self._written(f"{event.get('output_index')} {part} {kind}", event.get("delta"))

    def _messages_event(self, event: Mapping[str, object]) -> None:
        message = event.get("message")
        if isinstance(message, Mapping):
            self._about(message)
            self._counts = newer_usage(self._counts, message.get("usage"))
        self._counts = newer_usage(self._counts, event.get("usage"))
        for name in ("text", "partial_json", "thinking"):
            self._written(f"{event.get('index') or 0} {name}", _of(event.get("delta"), name))

    def _written(self, place: str, text: object) -> None:
        if not isinstance(text, str) or not text:
            return
        self.output_bytes += len(text.encode("utf-8", "replace"))
        kept = text[: max(0, TEXT_CHARACTERS_MAX - self._text_characters)]
        if kept:
            self._text_characters += len(kept)
            self._texts.setdefault(place, []).append(kept)


def _of(holder: object, name: str) -> object:
    return holder.get(name) if isinstance(holder, Mapping) else None


def _list(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
