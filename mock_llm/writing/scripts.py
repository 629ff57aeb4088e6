"""What a test may tell the mock to do with a call, and the queue of such scripts waiting for
theirs.

A script comes with the request (`x-mock: output_tokens=50;pace_ms=20`, values percent-encoded) or
is queued before it through the control API. An unknown key or a value out of range is an error that
names the key: a script that is silently ignored would make a test pass for the wrong reason.
"""

import re
from typing import Annotated, Literal, get_args
from urllib.parse import unquote

import msgspec

OUTPUT_TOKENS_DEFAULT = 30
STREAM_PACE_MS_DEFAULT = 2.0
QUEUED_MAX = 1_000

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]
Worded = Literal[200, 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]
"""Statuses for which the providers have words of their own."""

HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)")
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


class ScriptError(ValueError):
    """A script that cannot be followed; the text names the key."""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One call's instructions; the package's documentation says what each key means."""

    output_tokens: Count | None = None
    reasoning_tokens: Count = 0
    audio_output_tokens: Count = 0
    content: str | None = None
    tool_calls: Count = 0
    tool: str | None = None
    arguments: str = "{}"
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
    headers: str = ""
    body: str | None = None
    cut_after_tokens: Count | None = None
    error_after_tokens: Count | None = None
    hang_after_tokens: Count | None = None
    after_prelude: bool = False
    error_event: str | None = None
    malformed: bool = False
    usage: Literal["real", "missing", "zero"] = "real"

    def __post_init__(self) -> None:
        faults = (self.cut_after_tokens, self.error_after_tokens, self.hang_after_tokens)
        if self.body is None and self.status not in get_args(Worded):
            raise ValueError(f"`status` {self.status} needs a `body`: no provider has words for it here")
        if self.after_prelude and (0 not in faults or self.output_tokens == 0):
            raise ValueError("`after_prelude` needs a cut, error or hang after 0 tokens, and a token to come before")
        if self.tool is not None and self.tool_calls:
            raise ValueError("`tool` and `tool_calls` are two ways to say what is called")
        if self.error_event is not None and self.error_after_tokens is None:
            raise ValueError("`error_event` needs `error_after_tokens`")
        self.header_list()

    def header_list(self) -> list[tuple[bytes, bytes]]:
        """The headers told, names in lower case; ValueError for what cannot be sent."""
        return [_header(line) for line in self.headers.splitlines() if line.strip()]

    @property
    def asks_for_waiting(self) -> bool:
        """Whether answering takes time, so that the client may leave meanwhile."""
        return bool(self.pace_ms or self.first_byte_delay_ms or self.hang_after_tokens is not None)


def _header(line: str) -> tuple[bytes, bytes]:
    match = HEADER.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"`headers` has a line that is no `name: value`: {line!r}")
    name = match[1].lower()
    if name in FRAMING:
        raise ValueError(f"`headers` cannot tell `{name}`, which the server does")
    return name.encode(), match[2].strip().encode()


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
