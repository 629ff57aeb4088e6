"""LangChain: an answer, a stream, a tool, an answer of a schema, embeddings."""

from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return str(model.invoke("hello").content)


def stream() -> str:
    return "".join(str(chunk.content) for chunk in model.stream("hello"))


def tools() -> str:
    def multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    answer = model.bind_tools([multiply]).invoke("what is 6 times 7?")
    return ",".join(call["name"] for call in answer.tool_calls)


def structured() -> str:
    return type(model.with_structured_output(City).invoke("a city?")).__name__


def embed() -> int:
    return len(embeddings.embed_query("hello"))
