"""What a test may tell the mock to do with a call, and the queue of such scripts waiting for
theirs.

A script comes with the request (`x-mock: output_tokens=50;pace_ms=20`, values percent-encoded) or
is queued before it through the control API. An unknown key or a value out of range is an error that
names the key: a script that is silently ignored would make a test pass for the wrong reason.
"""

from typing import Annotated, Literal
from urllib.parse import unquote

import msgspec

OUTPUT_TOKENS_DEFAULT = 30
STREAM_PACE_MS_DEFAULT = 2.0
QUEUED_MAX = 1_000

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
Status = Literal[200, 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]


class ScriptError(ValueError):
    """A script that cannot be followed; the text names the key."""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One call's instructions; the package's documentation says what each key means."""

    output_tokens: Count | None = None
    reasoning_tokens: Count = 0
    audio_output_tokens: Count = 0
    content: str | None = None
    tool_calls: Count = 0
    input_tokens: Count | None = None
    cached_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    audio_input_tokens: Count = 0
    tool_use_prompt_tokens: Count = 0
    web_searches: Count = 0
    pace_ms: Milliseconds | None = None
    first_byte_delay_ms: Milliseconds = 0.0
    chunk_bytes: Positive | None = None
    status: Status = 200
    retry_after_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    cut_after_tokens: Count | None = None
    error_after_tokens: Count | None = None
    hang_after_tokens: Count | None = None
    malformed: bool = False
    usage: Literal["real", "missing", "zero"] = "real"

    @property
    def asks_for_waiting(self) -> bool:
        """Whether answering takes time, so that the client may leave meanwhile."""
        return bool(self.pace_ms or self.first_byte_delay_ms or self.hang_after_tokens is not None)


NO_SCRIPT = Script()


class QueuedScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A script for the next `times` calls that match; a field left out matches anything."""

    script: Script
    provider: str | None = None
    model: str | None = None
    tag: str | None = None
    times: Positive = 1

    def matches(self, provider: str, model: str, tag: str | None) -> bool:
        return self.provider in (None, provider) and self.model in (None, model) and self.tag in (None, tag)


class ScriptQueue:
    """Scripts waiting for calls, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[QueuedScript] = []

    def push(self, queued: QueuedScript) -> None:
        if len(self._waiting) >= QUEUED_MAX:
            raise ScriptError(f"{QUEUED_MAX} scripts are already waiting")
        self._waiting.append(queued)

    def take(self, provider: str, model: str, tag: str | None) -> Script | None:
        """The first waiting script that matches, used up once."""
        for place, queued in enumerate(self._waiting):
            if queued.matches(provider, model, tag):
                self._use(place, queued)
                return queued.script
        return None

    def waiting(self) -> tuple[QueuedScript, ...]:
        return tuple(self._waiting)

    def clear(self) -> None:
        self._waiting.clear()

    def _use(self, place: int, queued: QueuedScript) -> None:
        if queued.times == 1:
            del self._waiting[place]
        else:
            self._waiting[place] = msgspec.structs.replace(queued, times=queued.times - 1)


def parse_header(text: str) -> Script:
    """The script of an `x-mock` header: `key=value` pairs joined by semicolons, percent-encoded."""
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(";"))):
        key, separator, value = pair.partition("=")
        values[key.strip()] = unquote(value.strip()) if separator else "true"
    try:
        return msgspec.convert(values, Script, strict=False)
    except msgspec.ValidationError as error:
        raise ScriptError(f"x-mock: {error}") from error


def parse_queued(body: bytes) -> QueuedScript:
    """The body of a queueing request; its `script` is an object, or a text as in the header."""
    try:
        document = msgspec.json.decode(body, type=dict[str, object])
        if isinstance(header := document.get("script"), str):
            document["script"] = msgspec.to_builtins(parse_header(header))
        return msgspec.convert(document, QueuedScript)
    except msgspec.MsgspecError as error:
        raise ScriptError(str(error)) from error
