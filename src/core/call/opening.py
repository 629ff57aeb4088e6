"""The beginning of a streamed answer, as long as nobody has heard any of it: is there an answer, or another provider to
be asked?

Every dialect says something before it says anything: an id, a role, that a response was created. So a stream's status
and its first events tell nothing; what decides is the first event that carries content, an error, or the end. The rule
easy to break: whatever cannot be judged here counts as content, because the meter behind it is made for that.
"""

from typing import Literal

from core.money.usage import Usage
from core.wire.json_depth import is_too_deep
from core.wire.sse import EventTooLarge, SSEEvent
from core.wire.streams.observation import StreamReader

PRELUDE_BYTES_MAX = 256 * 1024
"""What is held back of a stream that says much and no content: some echo the whole request in their first event."""

HOLD_BACK_MS = 10_000
"""How long a stream may say nothing of substance before it is passed on as it is: a model that thinks out of sight may
be silent for a minute, and is no failure."""

Verdict = Literal["content", "error", "ended", "broken"]


class Opening:
    """Watches one stream until it is told what becomes of it."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._bytes = 0
        self.verdict: Verdict | None = None
        self.usage: Usage | None = None
        self.error = b""
        """The event that said so, as JSON."""

    @property
    def finish_reason(self) -> str | None:
        return self._reader.finish_reason

    def feed(self, chunk: bytes) -> bool:
        """Take some more of it. True once the verdict stands."""
        self._bytes += len(chunk)
        try:
            events = self._reader.splitter.feed(chunk)
        except EventTooLarge:
            self.verdict = "content"
            return True
        for event in events:
            if self._decides(event):
                return True
        if self._bytes > PRELUDE_BYTES_MAX:
            self.verdict = "content"
        return self.verdict is not None

    def close(self) -> None:
        """The provider has closed the stream."""
        event = self._reader.splitter.close()
        if self.verdict is None and event is not None:
            self._decides(event)
        self.verdict = self.verdict or "broken"

    def _decides(self, event: SSEEvent) -> bool:
        if event.data is not None and is_too_deep(event.data):
            self.verdict = "content"
            return True
        seen = self._reader.observe(event)
        self.usage = seen.usage or self.usage
        if seen.has_output:
            self.verdict = "content"
        elif self._reader.error_code is not None:
            self.verdict, self.error = "error", event.data or b""
        elif self._reader.is_ended:
            self.verdict = "ended"
        return self.verdict is not None
