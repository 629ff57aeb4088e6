"""Streams of Gemini's `streamGenerateContent`: each event is a partial answer with the usage of the
call so far.

Nothing marks the end but a finish reason and the close of the connection. The counts in every event
are cumulative; those before the first finish reason are a floor for what has been generated, not
yet the bill.
"""

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.dialects.gemini_usage import billed_queries, tier_in, usage_in
from core.wire.json_members import NO_RAW, members_apart, members_of
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import SSEEvent
from core.wire.streams.gemini_framing import GeminiSplitter
from core.wire.streams.observation import (
    NOTHING,
    TOOL_CALL_TOKENS,
    Observation,
    Splitter,
    StreamDialect,
    StreamReader,
    decoded_base64_bytes,
    error_code_of,
    sse_raw,
    text_or_none,
    word_or_none,
)


class _FunctionCall(msgspec.Struct):
    name: str | None = None
    args: msgspec.Raw = NO_RAW


class _Blob(msgspec.Struct):
    mimeType: str = ""
    data: str = ""


class _Code(msgspec.Struct):
    code: str | None = None


class _CodeResult(msgspec.Struct):
    output: str | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    thought: object = None
    functionCall: _FunctionCall | None = None
    inlineData: _Blob | None = None
    executableCode: _Code | None = None
    codeExecutionResult: _CodeResult | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


_Index = int | float | str | None


class _Candidate(msgspec.Struct):
    index: _Index = 0
    groundingMetadata: msgspec.Raw = NO_RAW
    content: _Content | None = None
    finishReason: object = None


class _Event(msgspec.Struct):
    """What may be odd without costing the event its meaning is of any type."""

    candidates: list[_Candidate] | None = None
    usageMetadata: msgspec.Raw = NO_RAW
    modelVersion: object = None
    responseId: object = None
    promptFeedback: msgspec.Raw = NO_RAW
    error: object = None


_decode = msgspec.json.Decoder(_Event).decode


class GeminiReader(StreamReader):
    """Reads one stream of partial answers and can end it, framed as it came."""

    def __init__(self, dialect: StreamDialect) -> None:
        self._framing = GeminiSplitter()
        self.splitter: Splitter = self._framing
        self._dialect = dialect
        self._prompt_tokens = 0
        self._is_blocked = False
        self._open_candidates: frozenset[_Index] = frozenset()
        self._finished_candidates: frozenset[_Index] = frozenset()
        self._is_begun = False
        self._searched: frozenset[str] = frozenset()

    @property
    def is_ended(self) -> bool:
        if self.error_code is not None:
            return True
        return bool(self._finished_candidates or self._is_blocked) and not self._open_candidates

    def reopen(self) -> None:
        self._open_candidates |= self._finished_candidates

    def observe(self, event: SSEEvent) -> Observation:
        if not event.data:
            return NOTHING
        try:
            happened = read_leniently(event.data, _decode)
        except InvalidJSON:
            return self.observe_unread(event)
        self._is_begun = True
        self.model = text_or_none(happened.modelVersion) or self.model
        self.answer_id = text_or_none(happened.responseId) or self.answer_id
        if happened.error is not None:
            self.error_code = error_code_of(happened.error, "status", "code")
        if block_reason := members_apart(happened.promptFeedback).word("blockReason"):
            self.finish_reason = block_reason
            self._is_blocked = True
        return self._observation(happened)

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, usage: Usage) -> bytes:
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
            for index in sorted(self._open_candidates or {0}, key=str)
        ]
        ending: dict[str, object] = {
            "candidates": candidates,
            "usageMetadata": self._usage_so_far(usage.completion_tokens),
        }
        if self.model is not None:
            ending["modelVersion"] = self.model
        if self.answer_id is not None:
            ending["responseId"] = self.answer_id
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
            written = False
            for part in (candidate.content and candidate.content.parts) or ():
                written |= tally.add(part)
            if candidate.groundingMetadata:
                searches += self._new_searches(candidate.groundingMetadata)
            if candidate.finishReason:
                self.finish_reason = word_or_none(candidate.finishReason) or self.finish_reason
                self._open_candidates -= {candidate.index}
                self._finished_candidates |= {candidate.index}
            elif written or candidate.index not in self._finished_candidates:
                self._open_candidates |= {candidate.index}
        usage = None
        if happened.usageMetadata:
            counted = members_of(happened.usageMetadata)
            usage = usage_in(counted)
            self.service_tier = tier_in(counted) or self.service_tier
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
            is_blocked=self._is_blocked,
        )

    def _new_searches(self, grounding: msgspec.Raw) -> int:
        """Queries not told of before: the metadata may be repeated as it grows."""
        before = len(self._searched)
        self._searched |= billed_queries(members_apart(grounding).texts("webSearchQueries"))
        return len(self._searched) - before


class _PartTally:
    """Adds up the parts of one event by what they are billed as."""

    def __init__(self) -> None:
        self.text = self.reasoning = ""
        self.extra_tokens = self.audio_bytes = self.images = 0

    def add(self, part: _Part) -> bool:
        """Whether anything was written in it."""
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
        if part.codeExecutionResult is not None:
            self.text += part.codeExecutionResult.output or ""
        if part.inlineData is not None:
            self._add_media(part.inlineData)
        ran = part.executableCode or part.codeExecutionResult
        return bool(part.text or part.functionCall or ran or part.inlineData)

    def _add_media(self, blob: _Blob) -> None:
        if blob.mimeType.startswith("image/"):
            self.images += 1
        else:
            self.audio_bytes += decoded_base64_bytes(blob.data)
