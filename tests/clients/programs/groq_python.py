"""Groq's SDK for Python: an answer, a stream, a tool, an answer of a schema."""

import json

ASKED = {"model": "llama-3.1-8b-instant", "messages": [{"role": "user", "content": "hello"}]}
NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}


def ask() -> str:
    return client.chat.completions.create(**ASKED).choices[0].message.content


def stream() -> str:
    chunks = client.chat.completions.create(**ASKED, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def tools() -> str:
    offered = [{"type": "function", "function": {"name": "multiply", "parameters": NUMBERS}}]
    calls = client.chat.completions.create(**ASKED, tools=offered).choices[0].message.tool_calls
    return ",".join(call.function.name for call in calls or ())


def structured() -> str:
    form = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}
    answer = client.chat.completions.create(**ASKED, response_format=form)
    return ",".join(json.loads(answer.choices[0].message.content))
