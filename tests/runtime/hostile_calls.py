"""Calls that are made to cost more than they seem to: what each sends, and a provider that bills for it.

A reply plays the provider as it is known to behave: it obeys output ceilings, honours what reaches it, and returns
what it bills beside what it answers. Rates are those of the providers' public lists, written out here in nano-dollars
a token, so that the bill owes nothing to the code under test.
"""

import base64
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.scripted_upstream import RESET, Received, Step, a_stream, an_answer, event

MUSING_TOKENS = 50_000
"""What a model reasons out of sight if nothing stops it: half a dollar of gemini-2.5-pro."""

Reply = Callable[[Received], tuple[tuple[Step, ...], int]]


@dataclass(frozen=True)
class Attack:
    """One hostile call; `reply` answers it and tells its bill in nano-dollars."""

    path: str
    body: Mapping[str, Any]
    reply: Reply
    headers: Mapping[str, str] = field(default_factory=dict)
    has_own_key: bool = False
    """The caller brings a provider key of its own, so that what is stored there is no other tenant's."""
    at_once: int = 10


# Usage that the caller keeps from being told ---------------------------------------------------------------


def _asks_for_less(request: Received) -> bool:
    target = request.target.lower().replace("%24", "$")
    return "fields=" in target or any("field" in name for name in request.headers)


def gemini_muses(request: Received) -> tuple[tuple[Step, ...], int]:
    config = json.loads(request.body).get("generationConfig") or {}
    thoughts = min(config.get("maxOutputTokens", 65_536), MUSING_TOKENS) - 10
    answer: dict[str, Any] = {"candidates": [{"content": {"parts": [{"text": "Proven."}]}, "finishReason": "STOP"}]}
    modality: str | int = 1 if "enum-encoding" in request.target else "TEXT"
    if not _asks_for_less(request):
        answer["usageMetadata"] = {
            "promptTokenCount": 9,
            "candidatesTokenCount": 10,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": 19 + thoughts,
            "promptTokensDetails": [{"modality": modality, "tokenCount": 9}],
        }
    return an_answer(answer), 9 * 1_250 + (thoughts + 10) * 10_000


def _prove(**more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "Prove it."}]}], **more}


_GENERATE = "/v1/proxy/gemini/v1beta/models/gemini-2.5-pro:generateContent"


def gemini_muses_in_openai_s_words(request: Received) -> tuple[tuple[Step, ...], int]:
    asked = json.loads(request.body)
    ceiling = asked.get("max_tokens") or asked.get("max_completion_tokens") or 65_536
    total = min(ceiling, MUSING_TOKENS)
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 9 + total}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    return an_answer(
        {"id": "1", "model": asked["model"], "choices": [choice], "usage": usage}
    ), 9 * 1_250 + total * 10_000


def _chat(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Prove it."}], **more}


# Input that is not where it is looked for -------------------------------------------------------------------


def gemini_reads_a_film(request: Received) -> tuple[tuple[Step, ...], int]:
    tokens = 600_000
    usage = {"promptTokenCount": tokens, "candidatesTokenCount": 1, "totalTokenCount": tokens + 1}
    answer = {"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}], "usageMetadata": usage}
    return an_answer(answer), tokens * 300 + 2_500


def openai_reads_what_it_stored(request: Received) -> tuple[tuple[Step, ...], int]:
    usage = {"input_tokens": 300_000, "output_tokens": 1, "total_tokens": 300_001}
    answer = {"id": "resp_x", "model": "gpt-5", "status": "completed", "output": [], "usage": usage}
    return an_answer(answer), 300_000 * 1_250 + 10_000


def a_flac_of_silence(hours: int) -> bytes:
    """STREAMINFO that states so many hours at 16 kHz, and frames of constant blocks: a few bytes for seconds."""
    samples, rate = hours * 3_600 * 16_000, 16_000
    bits = (rate << 44) | (0 << 41) | (15 << 36) | samples
    streaminfo = struct.pack(">HH", 65_535, 65_535) + bytes(6) + bits.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80\x00\x00\x22" + streaminfo + b"\xff\xf8\x79\x18\x00\xff\xff\x00\x00\x00\x00\x00" * 200


def gemini_listens(request: Received) -> tuple[tuple[Step, ...], int]:
    """Two hours at 32 tokens a second."""
    tokens = 2 * 3_600 * 32
    usage = {
        "promptTokenCount": tokens,
        "candidatesTokenCount": 1,
        "totalTokenCount": tokens + 1,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": tokens}],
    }
    answer = {"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}], "usageMetadata": usage}
    return an_answer(answer), tokens * 1_000 + 2_500


def a_pdf_of_one_page_many_times(pages: int) -> bytes:
    """All pages show the same stream of text."""
    text = b"BT /F1 6 Tf 10 780 Td 7 TL " + b"(the quick brown fox jumps over the lazy dog and on) Tj T* " * 20 + b"ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, b" ".join(b"%d 0 R" % (n + 5) for n in range(pages))),
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *[
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>"
            for _ in range(pages)
        ],
    ]
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, len(body),
    )  # fmt: skip


def claude_reads_pages(request: Received) -> tuple[tuple[Step, ...], int]:
    """A hundred pages, each as its text and as its picture: 1,800 tokens."""
    tokens = 100 * 1_800
    usage = {"input_tokens": tokens, "output_tokens": 1}
    content = [{"type": "text", "text": "."}]
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": content}
    return an_answer({**answer, "stop_reason": "end_turn", "usage": usage}), tokens * 3_000 + 15_000


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Prices that are not what the name says ----------------------------------------------------------------------


def grok_states_its_bill(request: Received) -> tuple[tuple[Step, ...], int]:
    asked = json.loads(request.body)
    reasoning = min(asked.get("max_tokens") or asked.get("max_completion_tokens") or 10**9, 30_000)
    bill = 20 * 1_250 + (reasoning + 3) * 2_500
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 3,
        "total_tokens": 23 + reasoning,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
        "cost_in_usd_ticks": bill * 10,
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    return an_answer({"id": "1", "model": "grok-4.3", "choices": [choice], "usage": usage}), bill


def gpt_speaks(request: Received) -> tuple[tuple[Step, ...], int]:
    asked = json.loads(request.body)
    spoken = min(asked.get("max_tokens") or asked.get("max_completion_tokens") or 16_384, 8_000)
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": spoken,
        "total_tokens": 20 + spoken,
        "completion_tokens_details": {"audio_tokens": spoken},
    }
    choice = {"index": 0, "message": {"role": "assistant", "audio": {"id": "a", "data": ""}}, "finish_reason": "stop"}
    answer = {"id": "1", "model": "gpt-4o-audio-preview", "choices": [choice], "usage": usage}
    return an_answer(answer), 20 * 2_500 + spoken * 80_000


def gemini_embeds_sound(request: Received) -> tuple[tuple[Step, ...], int]:
    usage = {"promptTokenCount": 2_500, "promptTokenDetails": [{"modality": "AUDIO", "tokenCount": 2_500}]}
    return an_answer({"embedding": {"values": [0.1]}, "usageMetadata": usage}), 2_500 * 6_500


# Output and input that no stream shows ------------------------------------------------------------------------


def gpt_rejects_a_prediction(request: Received) -> tuple[tuple[Step, ...], int]:
    rejected = 16_000
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": rejected + 2,
        "total_tokens": 50 + rejected + 2,
        "completion_tokens_details": {"rejected_prediction_tokens": rejected},
    }
    head = {"id": "1", "object": "chat.completion.chunk", "model": "gpt-4o"}
    said = {**head, "choices": [{"index": 0, "delta": {"content": "No."}, "finish_reason": "stop"}]}
    steps = a_stream(event(said), event({**head, "choices": [], "usage": usage}), b"data: [DONE]\n\n")
    return steps, 50 * 2_500 + (rejected + 2) * 10_000


def claude_breaks_off(request: Received) -> tuple[tuple[Step, ...], int]:
    """The input is stated and billed, then the connection goes."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    started = {"type": "message_start", "message": {**message, "usage": {"input_tokens": 30_000, "output_tokens": 1}}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Well"}}
    events = b"".join(event(each, each["type"]) for each in (started, block, said))
    return a_stream(events, RESET), 30_000 * 3_000 + 15_000


ATTACKS: dict[str, Attack] = {
    "A1 fields=": Attack(_GENERATE + "?fields=candidates", _prove(), gemini_muses),
    "A1 $fields=": Attack(_GENERATE + "?$fields=candidates", _prove(), gemini_muses),
    "A1 %24fields=": Attack(_GENERATE + "?%24fields=candidates", _prove(), gemini_muses),
    "A1 x-goog-fieldmask": Attack(_GENERATE, _prove(), gemini_muses, {"x-goog-fieldmask": "candidates"}),
    "A1 enum-encoding": Attack(_GENERATE + "?$alt=json;enum-encoding=int", _prove(), gemini_muses),
    "A2 by proxy": Attack(
        "/v1/proxy/gemini/v1beta/openai/chat/completions", _chat("gemini-2.5-pro"), gemini_muses_in_openai_s_words
    ),
    "A2 unified": Attack("/v1/chat/completions", _chat("gemini/gemini-2.5-pro"), gemini_muses_in_openai_s_words),
    "A3 parts as an object": Attack(
        "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": {"parts": {"fileData": {"fileUri": "https://www.youtube.com/watch?v=9hE5-98ZeCg"}}}},
        gemini_reads_a_film,
    ),
    "A3 null beside the other spelling": Attack(
        "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"parts": [{"fileData": None, "file_data": {"file_uri": "https://youtu.be/9hE5-98ZeCg"}}]}]},
        gemini_reads_a_film,
    ),
    "A3 an item by its id": Attack(
        "/v1/proxy/openai/v1/responses",
        {"model": "gpt-5", "input": [{"type": "compaction", "id": "cmp_1"}]},
        openai_reads_what_it_stored,
        has_own_key=True,
    ),
    "A3 a file beside a null": Attack(
        "/v1/proxy/openai/v1/responses",
        {
            "model": "gpt-5",
            "input": [{"role": "user", "content": [{"type": "input_file", "file_data": None, "file_id": "file-1"}]}],
        },
        openai_reads_what_it_stored,
        has_own_key=True,
    ),
    "A4 two hours of silence": Attack(
        "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "audio/flac", "data": _base64(a_flac_of_silence(2))}}]}]},
        gemini_listens,
    ),
    "A4 one page a hundred times": Attack(
        "/v1/proxy/anthropic/v1/messages",
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 64,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {
                                "type": "base64",
                                "media_type": "application/pdf",
                                "data": _base64(a_pdf_of_one_page_many_times(100)),
                            },
                        }
                    ],
                }
            ],
        },
        claude_reads_pages,
    ),
    "A5 a retired name": Attack(
        "/v1/proxy/xai/v1/chat/completions", _chat("grok-4-fast-reasoning"), grok_states_its_bill
    ),
    "A6 an undated name": Attack(
        "/v1/proxy/openai/v1/chat/completions",
        _chat("gpt-4o-audio-preview", modalities=["text", "audio"], audio={"voice": "alloy", "format": "pcm16"}),
        gpt_speaks,
    ),
    "A7 embedded sound": Attack(
        "/v1/proxy/gemini/v1beta/models/gemini-embedding-2:embedContent",
        {"content": {"parts": [{"inlineData": {"mimeType": "audio/wav", "data": _base64(bytes(200))}}]}},
        gemini_embeds_sound,
    ),
    "A8 a rejected prediction": Attack(
        "/v1/proxy/openai/v1/chat/completions",
        _chat(
            "gpt-4o",
            stream=True,
            max_tokens=64,
            prediction={"type": "content", "content": "the wood of a tree is a thing " * 2_000},
        ),
        gpt_rejects_a_prediction,
    ),
    "A9 an input that is stated, then a break": Attack(
        "/v1/proxy/anthropic/v1/messages",
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 64,
            "stream": True,
            "messages": [{"role": "user", "content": "Hi"}],
        },
        claude_breaks_off,
        at_once=1,
    ),
}
"""By name: the kind of fault, and this spelling of it."""
