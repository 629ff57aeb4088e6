"""Pydantic AI: an answer, a stream, a tool that is called and answered, an answer of a schema, embeddings."""

import asyncio

from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


def ask() -> str:
    return str(agent.run_sync("hello").output)


def stream() -> str:
    async def streamed() -> str:
        async with agent.run_stream("hello") as result:
            return "".join([text async for text in result.stream_text(delta=True)])

    return asyncio.run(streamed())


def tools() -> str:
    messages = agent.run_sync("what is 6 times 7?").all_messages()
    parts = [part for message in messages for part in message.parts]
    return ",".join(part.tool_name for part in parts if part.part_kind == "tool-return")


def structured() -> str:
    return type(Agent(agent.model, output_type=City).run_sync("a city?").output).__name__


def embed() -> int:
    from pydantic_ai import Embedder
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel

    embedder = Embedder(OpenAIEmbeddingModel("text-embedding-3-small", provider=provider))
    return len(embedder.embed_query_sync("hello").embeddings[0])
