"""Answers that came with 200 and serve nobody: the model or its provider refused, or nothing was said at all.

Both were billed, or may have been, and neither is an outage: another hop is tried only where the tenant has asked for
that. The rule easy to break: an answer is not empty because it has no text. A tool call is an answer; and one that was
cut at its length limit while the model was still thinking is what the caller's own limit bought.
"""

from typing import Literal

from core.wire.json_body import InvalidAnswer
from core.wire.json_members import Members, answer_members

Fault = Literal["verdict", "empty_answer"]

_REFUSALS = frozenset(
    {"content_filter", "refusal", "safety", "recitation", "blocklist", "prohibited_content", "spii", "image_safety"}
)
_MALFORMED = frozenset({"malformed_function_call", "unexpected_tool_call", "too_many_tool_calls", "malformed_response"})
_CUT = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "pause_turn", "compaction"}
)

_THINKING = frozenset({"thinking", "redacted_thinking", "reasoning"})


def fault_at_end(stop: str | None, *, has_said: bool) -> Fault | None:
    """Of an answer that ended for a reason, in any dialect's words. `has_said` says that it has visible text, a tool
    call or anything else but thinking."""
    reason = (stop or "").lower()
    if reason in _REFUSALS:
        return "verdict"
    if has_said or reason in _CUT:
        return None
    return "empty_answer"


def fault_in_answer(body: bytes) -> Fault | None:
    """Of a whole answer; None where it is none of a model's, or cannot be read."""
    try:
        answer = answer_members(body)
    except InvalidAnswer:
        return None
    if answer.inner("promptFeedback").word("blockReason"):
        return "verdict"
    for name, judge in _JUDGES.items():
        if answer.has(name):
            return judge(answer)
    return None


def _chat(answer: Members) -> Fault | None:
    choices = answer.each("choices")
    faults = [_choice(choice) for choice in choices]
    return faults[0] if faults and None not in faults else None


def _choice(choice: Members) -> Fault | None:
    if not choice.has("message"):
        return None
    message = choice.inner("message")
    if message.word("refusal"):
        return "verdict"
    calls = message.has("function_call") or bool(message.each("tool_calls"))
    text = bool(message.word("content").strip()) or bool(message.each("content"))
    return fault_at_end(choice.word("finish_reason"), has_said=calls or text or message.has("audio"))


def _messages(answer: Members) -> Fault | None:
    if answer.word("type") != "message":
        return None
    said = [_says(block) for block in answer.each("content")]
    return fault_at_end(answer.word("stop_reason"), has_said=any(said))


def _responses(answer: Members) -> Fault | None:
    if answer.word("object") != "response" or answer.word("status") not in ("completed", "incomplete"):
        return None
    items = answer.each("output")
    parts = [part for item in items if item.word("type") == "message" for part in item.each("content")]
    if parts and all(part.word("type") == "refusal" for part in parts):
        return "verdict"
    said = [item.word("type") != "message" and _says(item) for item in items] + [_says(part) for part in parts]
    return fault_at_end(answer.inner("incomplete_details").word("reason"), has_said=any(said))


def _gemini(answer: Members) -> Fault | None:
    faults = [_candidate(candidate) for candidate in answer.each("candidates")]
    return faults[0] if faults and None not in faults else None


def _candidate(candidate: Members) -> Fault | None:
    reason = candidate.word("finishReason")
    if reason.lower() in _MALFORMED:
        return "empty_answer"
    parts = candidate.inner("content").each("parts")
    said = [bytes(part.raw("thought")) != b"true" and _is_shown(part) for part in parts]
    return fault_at_end(reason, has_said=any(said))


def _says(block: Members) -> bool:
    kind = block.word("type")
    if kind in ("text", "output_text"):
        return bool(block.word("text").strip())
    return kind not in _THINKING


def _is_shown(part: Members) -> bool:
    if part.has("text"):
        return bool(part.word("text").strip())
    return any(part.has(name) for name in ("functionCall", "inlineData", "executableCode", "codeExecutionResult"))


_JUDGES = {"choices": _chat, "candidates": _gemini, "output": _responses, "content": _messages}
