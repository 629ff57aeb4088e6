"""OpenAI-style embeddings: unit vectors that depend on the text, as floats or base64."""

from base64 import b64encode
from struct import pack
from typing import Literal
from zlib import crc32

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.tokens import count_content, plus
from mock_llm.wire.decode import decode, missing
from mock_llm.wire.openai.chat_request import Positive
from mock_llm.wire.openai.completions import as_prompts
from mock_llm.wire.vectors import unit_vector
from mock_llm.writing.calls import Ask, Call, Request, Wire


class EmbeddingRequest(msgspec.Struct, frozen=True):
    model: str = ""
    input: str | list[object] | None = None
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None


def parse_embedding(request: Request) -> Ask:
    asked = decode(request.body, EmbeddingRequest)
    if not asked.input:
        raise missing("input")
    inputs = as_prompts(asked.input)
    return Ask(
        model=asked.model.removeprefix("models/"),
        input=plus(map(count_content, inputs)),
        choices=0,
        vectors=tuple(crc32(str(one).encode()) for one in inputs),
        dimensions=asked.dimensions,
        is_base64=asked.encoding_format == "base64",
    )


def _answer(call: Call) -> bytes:
    size = call.ask.dimensions or call.model.dimensions
    vectors = [unit_vector(seed, size) for seed in call.ask.vectors]
    document: dict[str, object] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector, call)}
            for index, vector in enumerate(vectors)
        ],
        "model": call.model.answers_as,
    }
    if call.reported is not None:
        document["usage"] = {
            "prompt_tokens": call.reported.prompt_tokens,
            "total_tokens": call.reported.prompt_tokens,
        }
    return msgspec.json.encode(document)


def _written(vector: list[float], call: Call) -> str | list[float]:
    if call.ask.is_base64:
        return b64encode(pack(f"<{len(vector)}f", *vector)).decode()
    return vector


EMBEDDINGS = Wire("embeddings", Kind.EMBEDDING, parse_embedding, _answer)
