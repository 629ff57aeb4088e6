"""A provider's error inside a 200: every dialect writes `error`, and none of them writes an answer beside it."""

from typing import Any

import msgspec

from core.dialects.json_body import InvalidAnswer, decode_answer


class _Failure(msgspec.Struct):
    error: Any = None
    choices: Any = None
    output: Any = None
    content: Any = None
    candidates: Any = None
    data: Any = None


def is_failure(body: bytes) -> bool:
    """Whether a complete answer is an error and nothing else, which providers do not bill."""
    try:
        answer = decode_answer(body, _Failure)
    except InvalidAnswer:
        return False
    has_answer = any((answer.choices, answer.output, answer.content, answer.candidates, answer.data))
    return bool(answer.error) and not has_answer
