"""The thousand calls of the overspend experiment: five models in four dialects, streamed and whole, short and long.

The same seed gives the same calls. How much each answers is the mock provider's script; what the caller asks for as a
ceiling is more than that, or nothing at all, as real callers do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

SEED = 20_261_124
STREAMED_SHARE = 0.5
LEAVING_SHARE = 0.1
NO_CEILING_SHARE = 0.1
WORDS = "the quarterly report says that revenue grew while costs of goods fell and the board asked why so few noticed "
ANTHROPIC_VERSION = {"anthropic-version": "2023-06-01"}


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call, wherever it is sent. `leaves_after_chunks` is when its client is killed, None if it stays."""

    tag: str
    provider: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    is_streaming: bool
    leaves_after_chunks: int | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A model behind one of its provider's paths, how often it is called, and whether a ceiling may be left out."""

    share: float
    dialect: str
    provider: str
    model: str
    path: str
    needs_ceiling: bool = False


_KINDS = (
    _Kind(0.35, "anthropic", "anthropic", "claude-opus-4-1", "v1/messages", needs_ceiling=True),
    _Kind(0.25, "chat", "openai", "gpt-4o", "v1/chat/completions"),
    _Kind(0.15, "responses", "openai", "gpt-4o", "v1/responses"),
    _Kind(0.15, "chat", "xai", "grok-4", "v1/chat/completions"),
    _Kind(0.10, "gemini", "gemini", "gemini-2.5-pro", "v1beta/models/gemini-2.5-pro"),
)


def plan_calls(count: int, run: str, *, pace_ms: float) -> list[PlannedCall]:
    """`count` calls tagged `run-0` and so on; one in ten is a stream whose client goes away in the middle."""
    random = Random(SEED)
    leaving = int(count * LEAVING_SHARE)
    calls = []
    for number in range(count):
        is_streaming = number < leaving or random.random() < (STREAMED_SHARE - LEAVING_SHARE) / (1 - LEAVING_SHARE)
        kind = random.choices(_KINDS, [each.share for each in _KINDS])[0]
        calls.append(_plan_call(kind, number, run, random, is_streaming, number < leaving, pace_ms))
    random.shuffle(calls)
    return calls


def _plan_call(
    kind: _Kind, number: int, run: str, random: Random, is_streaming: bool, is_leaving: bool, pace_ms: float
) -> PlannedCall:
    prompt = WORDS * random.randint(2, 120)
    output_tokens = random.randint(20, 400)
    ceiling: int | None = round(output_tokens * random.uniform(1.0, 3.0))
    if not kind.needs_ceiling and random.random() < NO_CEILING_SHARE:
        ceiling = None
    tag = f"{run}-{number}"
    verb = ""
    if kind.dialect == "gemini":
        verb = ":streamGenerateContent?alt=sse" if is_streaming else ":generateContent"
    return PlannedCall(
        tag=tag,
        provider=kind.provider,
        path=kind.path + verb,
        body=json.dumps(_body(kind, prompt, ceiling, is_streaming)).encode(),
        headers={
            "content-type": "application/json",
            "x-mock": f"output_tokens={output_tokens};pace_ms={pace_ms}",
            "x-mock-tag": tag,
            **(ANTHROPIC_VERSION if kind.provider == "anthropic" else {}),
        },
        is_streaming=is_streaming,
        leaves_after_chunks=random.randint(1, max(2, output_tokens // 3)) if is_leaving else None,
    )


def _body(kind: _Kind, prompt: str, ceiling: int | None, is_streaming: bool) -> dict[str, Any]:
    stream = {"stream": True} if is_streaming else {}
    messages = [{"role": "user", "content": prompt}]
    match kind.dialect:
        case "responses":
            limit = {} if ceiling is None else {"max_output_tokens": ceiling}
            return {"model": kind.model, "input": prompt, **limit, **stream}
        case "gemini":
            limit = {} if ceiling is None else {"generationConfig": {"maxOutputTokens": ceiling}}
            return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **limit}
        case _:
            limit = {} if ceiling is None else {"max_tokens": ceiling}
            return {"model": kind.model, "messages": messages, **limit, **stream}
