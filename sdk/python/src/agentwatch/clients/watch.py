"""One call of a watched client, from its request to the one end that is reported.

Nothing here reads an answer by itself: it sees what the user's own reading brings. The rules easy to break: what is
ours may not disturb the call, so it is caught exactly around our lines; and a watch holds no response, or no abandoned
one would ever be collected and settled.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..calls import CallEnd, CallFacts, Outcome, Usage
from ..errors import AgentBudgetExceeded
from ..guard import Guard, OpenCall
from ..protocol.refusals import budget_error_of
from ..request_text import risk_tags_of, texts_of
from .background import BackgroundAnswers
from .reading.answers import AnswerReading, Settled
from .reading.failures import document_of, failure_of, is_unsent

logger = logging.getLogger("agentwatch")

R = TypeVar("R")

_UNBILLED = Settled(None, is_estimated=False)


class Watch:
    def __init__(self, guard: Guard, background: BackgroundAnswers, call: OpenCall) -> None:
        self.call = call
        self.attempts = 0
        self.has_added_usage = False
        """The client asked for the stream's usage, not the user, who must not see it."""
        self.is_background = False
        """The request said that the answer goes on without its call."""
        self.is_pulling = False
        """Somebody waits for the stream's next event, or for the whole body: who closes the response now is no user."""
        self.goes_directly = False
        """Of a call through AgentWatch: it could not be reached."""
        self.cut: AgentBudgetExceeded | None = None
        self._guard = guard
        self._background = background
        self._reading = AnswerReading(call.facts.dialect)
        self._answer: Mapping[str, object] | None = None
        self._status: int | None = None
        self._ttfb_ms: float | None = None
        self._began = time.monotonic()
        self._is_over = False

    @property
    def facts(self) -> CallFacts:
        return self.call.facts

    @property
    def has_answer(self) -> bool:
        return self._answer is not None

    # What is seen of the answer.

    def responded(self, status: int) -> None:
        self._status = status
        if self._ttfb_ms is None:
            self._ttfb_ms = (time.monotonic() - self._began) * 1000

    def data(self, data: object, *, is_stream: bool) -> None:
        """What the client is about to hand to its user: a whole answer, or one event."""
        if self._is_over or not isinstance(data, Mapping):
            return
        inner = data.get("data")
        if is_stream and "event" in data and isinstance(inner, Mapping):
            data = inner
        if not is_stream:
            self._answer = data
            self._reading.whole(data)
            return
        self._reading.event(data)
        if data.get("type") == "response.failed":
            self.cut = self._exceeded(data)

    def is_ours(self, item: object) -> bool:
        """The chunk that only came because the client asked for usage."""
        return (
            self.has_added_usage and getattr(item, "choices", None) == [] and getattr(item, "usage", None) is not None
        )

    # Its ends: the first counts.

    def answered(self) -> None:
        """The user has the whole answer."""
        if not self._is_in_background():
            self._finish("failed" if self._reading.has_failed else "complete", self._whole_bytes())

    def exhausted(self) -> None:
        """The stream is read to its end. OpenAI's chunks have no last one of their own; elsewhere a stream without its
        last event was cut on its way."""
        if self._is_in_background():
            return
        reading = self._reading
        reading.has_ended = reading.has_ended or self.facts.dialect in ("openai_chat", "openai_completions")
        if not reading.has_ended:
            reading.error_code = reading.error_code or "stream_truncated"
        self._finish("complete" if reading.has_ended and not reading.has_failed else "failed", reading.output_bytes)

    def closed(self, content: bytes | None) -> None:
        """The response is closed, by whoever; `content` is its body where it was read. Not an early exit where the
        answer had ended."""
        if self.is_pulling or self._is_over:
            return
        if content is not None and self._answer is None and not self.facts.is_streaming:
            self.data(document_in(content), is_stream=False)
        if self._is_in_background():
            return
        reading = self._reading
        if self.facts.is_streaming:
            is_whole = reading.has_ended and not reading.has_failed
            self._finish("complete" if is_whole else "client_disconnected", reading.output_bytes or None)
        else:
            self._finish("failed" if reading.has_failed else "complete", self._whole_bytes())

    def collected(self) -> None:
        """Nobody has the response any more."""
        if not self._is_in_background():
            outcome: Outcome = "client_disconnected" if self.facts.is_streaming else "complete"
            self._finish(outcome, self._reading.output_bytes or None)

    def failed(self, error: BaseException) -> BaseException:
        """What the user gets for it."""
        thrown = error
        failure = failure_of(error)
        exceeded = self._exceeded(document_of(error))
        if exceeded is not None:
            exceeded.__cause__ = error
            thrown = exceeded
        self._status = failure.status or self._status
        if exceeded is None and self._is_in_background():
            return thrown
        was_sent = self.attempts > 0 and not is_unsent(error)
        settled = self._billed_on_failure(failure.is_interrupted and was_sent and exceeded is None)
        code = "budget_exhausted" if exceeded is not None else failure.code
        self._end("client_disconnected" if failure.is_users else "failed", settled, code, ())
        return thrown

    def _billed_on_failure(self, is_interrupted: bool) -> Settled:
        """Of a stream that broke: what it had. Of a call interrupted on its way: the estimate. Else nothing."""
        if self._reading.has_begun:
            return self._reading.settled(self.facts, self._reading.output_bytes)
        return self._reading.settled(self.facts, None) if is_interrupted else _UNBILLED

    def _whole_bytes(self) -> int | None:
        """How much was written of an answer that came whole without its usage; None where nobody has seen it."""
        if self._answer is None or self._reading.usage is not None:
            return None
        said = [self._answer.get(name) for name in ("choices", "content", "output")]
        return sum(len(text.encode("utf-8", "replace")) for text in texts_of(said))

    def _is_in_background(self) -> bool:
        """An answer that goes on without its call is settled when somebody asks for it."""
        reading = self._reading
        if not self.is_background or reading.response_id is None or not reading.is_unfinished or not self.call.reports:
            return False
        self._background.keep(reading.response_id, self)
        return True

    def _exceeded(self, document: object) -> AgentBudgetExceeded | None:
        """Only AgentWatch's own word counts, so only where the call went through it."""
        if not self._guard.settings.is_proxied or self.call.reports or document is None:
            return None
        return budget_error_of(document, self.call.session.id)

    def _finish(self, outcome: Outcome, output_bytes: int | None) -> None:
        if self._is_over:
            return
        settled = self._reading.settled(self.facts, output_bytes)
        said: object = self._answer if self._answer is not None else self._reading.texts
        risks = risk_tags_of(said) if self._guard.settings.risk_tags and self.call.reports else ()
        self._end(outcome, settled, self._reading.error_code, risks)

    def _end(self, outcome: Outcome, settled: Settled, code: str | None, risks: tuple[str, ...]) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._answer = None
        usage: Usage | None = settled.usage
        self.call.end(
            CallEnd(
                outcome=outcome,
                usage=usage,
                is_estimated=settled.is_estimated,
                model=self._reading.model,
                status=self._status,
                error_code=code,
                ttfb_ms=self._ttfb_ms,
                attempts=max(1, self.attempts),
                risks=risks,
            )
        )


def quietly(ours: Callable[[], R]) -> R | None:
    """Runs what is ours. Where it fails, the user's call goes on as if it were not there."""
    try:
        return ours()
    except Exception as error:
        logger.debug("a call is not read along: %s", type(error).__name__)
        return None


def document_in(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
