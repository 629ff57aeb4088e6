"""Pydantic AI: an answer, a stream, a tool that is called and answered, a stop."""

import asyncio


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
