"""LlamaIndex: an answer, a stream, a tool, an answer of a schema, embeddings."""

from pydantic import BaseModel


class City(BaseModel):
    """A city."""

    name: str
    people: int


def ask() -> str:
    return str(model.complete("hello"))


def stream() -> str:
    return "".join(str(piece.delta) for piece in model.stream_complete("hello"))


def tools() -> str:
    from llama_index.core.tools import FunctionTool

    def multiply(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    answer = model.chat_with_tools([FunctionTool.from_defaults(multiply)], "what is 6 times 7?")
    return ",".join(call.tool_name for call in model.get_tool_calls_from_response(answer))


def structured() -> str:
    return type(model.as_structured_llm(City).complete("a city?").raw).__name__


def embed() -> int:
    return len(embeddings.get_text_embedding("hello"))
