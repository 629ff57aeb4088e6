"""OpenAI's legacy completions: a prompt or several, and plain text back."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.tokens import count_content, plus
from mock_llm.wire.decode import decode, missing
from mock_llm.wire.openai.chat import FINISH_REASONS, stream_error
from mock_llm.wire.openai.chat_request import Positive, StreamOptions, as_stops
from mock_llm.wire.openai.usage import openai_usage
from mock_llm.wire.sse import DONE, data_event
from mock_llm.writing.calls import Ask, Call, Frame, Request, Wire
from mock_llm.writing.plan import steps

OUTPUT_TOKENS_DEFAULT_MAX = 16
"""What this old API writes at most when the request does not say."""


class CompletionRequest(msgspec.Struct, frozen=True):
    model: str = ""
    prompt: str | list[object] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Positive | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None


def parse_completion(request: Request) -> Ask:
    asked = decode(request.body, CompletionRequest)
    if asked.prompt is None:
        raise missing("prompt")
    prompts = as_prompts(asked.prompt)
    return Ask(
        model=asked.model,
        input=plus(map(count_content, prompts)),
        is_stream=bool(asked.stream),
        output_tokens_max=asked.max_tokens or OUTPUT_TOKENS_DEFAULT_MAX,
        stops=as_stops(asked.stop),
        choices=(asked.n or 1) * len(prompts),
        include_usage=asked.stream_options is not None and asked.stream_options.include_usage,
    )


def as_prompts(prompt: str | list[object]) -> list[object]:
    """The prompts of a request: a text, token numbers (each is a token), or a list of either."""
    if isinstance(prompt, str) or all(isinstance(one, int) for one in prompt):
        return [prompt]
    return prompt


def _answer(call: Call) -> bytes:
    document = _head(call)
    document["choices"] = [
        _choice(index, "".join(choice.text), FINISH_REASONS[choice.finish]) for index, choice in enumerate(call.choices)
    ]
    if call.reported is not None:
        document["usage"] = openai_usage(call.reported, call)
    return msgspec.json.encode(document)


def _frames(call: Call) -> Iterator[Frame]:
    empty: dict[str, object] = {"usage": None} if call.ask.include_usage else {}
    for step in steps(call.choices):
        choices = [_choice(step.choice, step.text, None)]
        yield data_event({**_head(call), "choices": choices, **empty}), step.channel
    for index, choice in enumerate(call.choices):
        choices = [_choice(index, "", FINISH_REASONS[choice.finish])]
        yield data_event({**_head(call), "choices": choices, **empty}), None
    if call.ask.include_usage and call.reported is not None:
        usage = openai_usage(call.reported, call)
        yield data_event({**_head(call), "choices": [], "usage": usage}), None
    yield DONE, None


def _head(call: Call) -> dict[str, object]:
    return {
        "id": f"cmpl-{call.unique}",
        "object": "text_completion",
        "created": call.created_s,
        "model": call.model.answers_as,
    }


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, object]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish_reason}


COMPLETIONS = Wire("completions", Kind.COMPLETION, parse_completion, _answer, _frames, stream_error)
