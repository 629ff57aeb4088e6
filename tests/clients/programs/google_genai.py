"""Google's SDK for Python: an answer, a stream, a tool, an answer of a schema, embeddings."""

from google.genai import types
from pydantic import BaseModel

MODEL = "gemini-2.0-flash"


class City(BaseModel):
    name: str
    people: int


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def ask() -> str:
    return client.models.generate_content(model=MODEL, contents="hello").text


def stream() -> str:
    return "".join(piece.text or "" for piece in client.models.generate_content_stream(model=MODEL, contents="hello"))


def tools() -> str:
    config = types.GenerateContentConfig(
        tools=[multiply], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
    )
    answer = client.models.generate_content(model=MODEL, contents="6 times 7?", config=config)
    return ",".join(call.name for call in answer.function_calls or ())


def structured() -> str:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=City)
    return type(client.models.generate_content(model=MODEL, contents="a city?", config=config).parsed).__name__


def embed() -> int:
    answer = client.models.embed_content(model="gemini-embedding-001", contents="hello")
    return len(answer.embeddings[0].values)
