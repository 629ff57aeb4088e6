"""OpenAI's SDK for Python: an answer, a stream, a tool, an answer of a schema, embeddings."""

import openai
from pydantic import BaseModel

ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


class City(BaseModel):
    name: str
    people: int


class Multiply(BaseModel):
    a: int
    b: int


def ask() -> str:
    return client.chat.completions.create(**ASKED).choices[0].message.content


def stream() -> str:
    chunks = client.chat.completions.create(**ASKED, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def tools() -> str:
    offered = [openai.pydantic_function_tool(Multiply)]
    calls = client.chat.completions.create(**ASKED, tools=offered).choices[0].message.tool_calls
    return ",".join(call.function.name for call in calls or ())


def structured() -> str:
    return type(client.chat.completions.parse(**ASKED, response_format=City).choices[0].message.parsed).__name__


def embed() -> int:
    return len(client.embeddings.create(model="text-embedding-3-small", input="hello").data[0].embedding)
