"""litellm: an answer, a stream, a tool, an answer of a schema, embeddings, and a stop with its repetitions."""

import litellm
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "hello"}]
MULTIPLY = {
    "name": "multiply",
    "description": "Multiply two numbers.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
}


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return litellm.completion(model="openai/gpt-4o-mini", messages=HELLO, **through).choices[0].message.content


def stream() -> str:
    chunks = litellm.completion(model="openai/gpt-4o-mini", messages=HELLO, stream=True, **through)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def tools() -> str:
    offered = [{"type": "function", "function": MULTIPLY}]
    answer = litellm.completion(model="openai/gpt-4o-mini", messages=HELLO, tools=offered, **through)
    return ",".join(call.function.name for call in answer.choices[0].message.tool_calls or ())


def structured() -> str:
    answer = litellm.completion(model="openai/gpt-4o-mini", messages=HELLO, response_format=City, **through)
    return type(City.model_validate_json(answer.choices[0].message.content)).__name__


def embed() -> int:
    answer = litellm.embedding(model="openai/text-embedding-3-small", input=["hello"], **through)
    return len(answer.data[0]["embedding"])


def repeating() -> str:
    return litellm.completion(model="openai/gpt-4o-mini", messages=HELLO, **{**through, "num_retries": 2})
