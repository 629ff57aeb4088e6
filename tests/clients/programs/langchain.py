"""LangChain: an answer, a stream, a tool, a stop."""


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
