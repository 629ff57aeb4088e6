"""Streams of Gemini's `streamGenerateContent`: each event is a partial answer with the usage of the
call so far.

Nothing marks the end but a finish reason and the close of the connection. The counts in every event
are cumulative; those before the first finish reason are a floor for what has been generated, not
yet the bill.
"""

import msgspec

from core.dialects.gemini_usage import billed_queries, served_tier
from core.refusals import Refusal
from core.sse import SSEEvent
from core.streams.gemini_framing import GeminiSplitter
from core.streams.observation import (
    NO_RAW,
    NOTHING,
    TOOL_CALL_TOKENS,
    Observation,
    Splitter,
    StreamDialect,
    decoded_base64_bytes,
    sse_raw,
    unreadable,
)


class _FunctionCall(msgspec.Struct):
    name: str | None = None
    args: msgspec.Raw = NO_RAW


class _Blob(msgspec.Struct):
    mimeType: str = ""
    data: str = ""


class _Code(msgspec.Struct):
    code: str | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    thought: bool | None = None
    functionCall: _FunctionCall | None = None
    inlineData: _Blob | None = None
    executableCode: _Code | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Grounding(msgspec.Struct):
    webSearchQueries: list[str] | None = None


class _Candidate(msgspec.Struct):
    index: int = 0
    groundingMetadata: _Grounding | None = None
    content: _Content | None = None
    finishReason: str | None = None


class _Feedback(msgspec.Struct):
    blockReason: str | None = None


class _Error(msgspec.Struct):
    status: str | None = None
    code: int | str | None = None


class _Event(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    usageMetadata: msgspec.Raw = NO_RAW
    modelVersion: str | None = None
    responseId: str | None = None
    promptFeedback: _Feedback | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Event).decode


class GeminiReader:
    """Reads one stream of partial answers and can end it, framed as it came."""

    def __init__(self, dialect: StreamDialect) -> None:
        self._framing = GeminiSplitter()
        self.splitter: Splitter = self._framing
        self.model: str | None = None
        self.service_tier: str | None = None
        self.finish_reason: str | None = None
        self.error_code: str | None = None
        self._dialect = dialect
        self._response_id: str | None = None
        self._prompt_tokens = 0
        self._open_candidates: frozenset[int] = frozenset()
        self._is_begun = False
        self._searched: frozenset[str] = frozenset()

    @property
    def is_ended(self) -> bool:
        if self.error_code is not None:
            return True
        return self.finish_reason is not None and not self._open_candidates

    def observe(self, event: SSEEvent) -> Observation:
        if not event.data:
            return NOTHING
        try:
            happened = _decode(event.data)
        except msgspec.MsgspecError:
            return unreadable(event)
        self._is_begun = True
        self.model = happened.modelVersion or self.model
        self._response_id = happened.responseId or self._response_id
        if happened.error is not None:
            self.error_code = str(happened.error.status or happened.error.code or "error")
        if happened.promptFeedback is not None and happened.promptFeedback.blockReason:
            self.finish_reason = happened.promptFeedback.blockReason
        return self._observation(happened)

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, output_tokens: int) -> bytes:
        if self.is_ended:
            return b""
        if not is_soft:
            return self._framed(self._dialect.render_refusal(refusal, request_id))
        candidates = [
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": "MAX_TOKENS",
                "index": index,
            }
            for index in sorted(self._open_candidates or {0})
        ]
        ending: dict[str, object] = {
            "candidates": candidates,
            "usageMetadata": self._usage_so_far(output_tokens),
        }
        if self.model is not None:
            ending["modelVersion"] = self.model
        if self._response_id is not None:
            ending["responseId"] = self._response_id
        return self._framed(msgspec.json.encode(ending))

    def _usage_so_far(self, output_tokens: int) -> dict[str, int]:
        if self._prompt_tokens == 0:
            return {"candidatesTokenCount": output_tokens}
        return {
            "promptTokenCount": self._prompt_tokens,
            "candidatesTokenCount": output_tokens,
            "totalTokenCount": self._prompt_tokens + output_tokens,
        }

    def _framed(self, document: bytes) -> bytes:
        if not self._framing.is_array:
            return sse_raw(document)
        return (b",\r\n" if self._is_begun else b"[") + document + b"\n]"

    def _observation(self, happened: _Event) -> Observation:
        tally = _PartTally()
        searches = 0
        for candidate in happened.candidates or ():
            for part in (candidate.content and candidate.content.parts) or ():
                tally.add(part)
            if candidate.groundingMetadata is not None:
                searches += self._new_searches(candidate.groundingMetadata)
            if candidate.finishReason is None:
                self._open_candidates |= {candidate.index}
            else:
                self.finish_reason = candidate.finishReason
                self._open_candidates -= {candidate.index}
        usage = None
        raw_usage = happened.usageMetadata
        if raw_usage and bytes(raw_usage) != b"null":
            usage = self._dialect.read_usage(raw_usage)
            self.service_tier = served_tier(raw_usage) or self.service_tier
        if usage is not None:
            self._prompt_tokens = usage.prompt_tokens
        return Observation(
            tally.text,
            tally.reasoning,
            tally.extra_tokens,
            tally.audio_bytes,
            tally.images,
            searches,
            usage=usage,
            is_final_usage=usage is not None and self.is_ended,
        )

    def _new_searches(self, grounding: _Grounding) -> int:
        """Queries not told of before: the metadata may be repeated as it grows."""
        before = len(self._searched)
        self._searched |= billed_queries(grounding.webSearchQueries or ())
        return len(self._searched) - before


class _PartTally:
    """Adds up the parts of one event by what they are billed as."""

    def __init__(self) -> None:
        self.text = self.reasoning = ""
        self.extra_tokens = self.audio_bytes = self.images = 0

    def add(self, part: _Part) -> None:
        if part.text:
            if part.thought:
                self.reasoning += part.text
            else:
                self.text += part.text
        if part.functionCall is not None:
            self.text += part.functionCall.name or ""
            self.text += bytes(part.functionCall.args or b"").decode("utf-8", "replace")
            self.extra_tokens += TOOL_CALL_TOKENS
        if part.executableCode is not None:
            self.text += part.executableCode.code or ""
        if part.inlineData is not None:
            self._add_media(part.inlineData)

    def _add_media(self, blob: _Blob) -> None:
        if blob.mimeType.startswith("image/"):
            self.images += 1
        else:
            self.audio_bytes += decoded_base64_bytes(blob.data)
