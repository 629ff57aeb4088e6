"""LangGraph: an answer, a stream, a tool that is called and answered, an answer of a schema."""

from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


def said(messages) -> dict:
    return {"messages": [{"role": "user", "content": messages}]}


def ask() -> str:
    return str(agent.invoke(said("hello"))["messages"][-1].content)


def stream() -> str:
    pieces = (piece for piece, _ in agent.stream(said("hello"), stream_mode="messages"))
    return "".join(str(piece.content) for piece in pieces)


def tools() -> str:
    messages = agent.invoke(said("what is 6 times 7?"))["messages"]
    return ",".join(message.name for message in messages if message.type == "tool")


def structured() -> str:
    formed = create_agent(model, tools=[], response_format=City)
    return type(formed.invoke(said("a city?"))["structured_response"]).__name__
