"""Anthropic's SDK for Python: an answer, a stream, a tool, an answer of a schema."""

from pydantic import BaseModel

ASKED = {"model": "claude-haiku-4-5", "max_tokens": 16_000, "messages": [{"role": "user", "content": "hello"}]}
NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return client.messages.create(**{**ASKED, "max_tokens": 500}).content[0].text


def stream() -> str:
    with client.messages.stream(**ASKED) as answer:
        return "".join(answer.text_stream)


def tools() -> str:
    answer = client.messages.create(
        **{**ASKED, "max_tokens": 500}, tools=[{"name": "multiply", "input_schema": NUMBERS}]
    )
    return ",".join(block.name for block in answer.content if block.type == "tool_use")


def structured() -> str:
    answer = client.messages.parse(**{**ASKED, "max_tokens": 500}, output_format=City)
    return type(answer.parsed_output).__name__
