"""OpenAI Agents: an answer, a stream, a tool that is called and answered, an answer of a schema."""

import asyncio

from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return str(Runner.run_sync(agent, "hello").final_output)


def stream() -> str:
    async def streamed() -> str:
        result = Runner.run_streamed(agent, "hello")
        return "".join([event.type[0] async for event in result.stream_events()]) and str(result.final_output)

    return asyncio.run(streamed())


def tools() -> str:
    items = Runner.run_sync(agent, "what is 6 times 7?").new_items
    return ",".join("multiply" for item in items if item.type == "tool_call_output_item")


def structured() -> str:
    return type(Runner.run_sync(agent.clone(output_type=City, tools=[]), "a city?").final_output).__name__
