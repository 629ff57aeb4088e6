"""OpenAI's `responses/compact` (also xAI's): a conversation in, one item that only the provider can read out."""

from base64 import b64encode

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.wire.openai.responses import parse_responses
from mock_llm.wire.openai.usage import responses_usage
from mock_llm.writing.calls import Call, Wire


def _answer(call: Call) -> bytes:
    written = "".join(call.choices[0].text)
    item = {
        "id": f"cmp_{call.unique}",
        "type": "compaction",
        "encrypted_content": b64encode(written.encode()).decode(),
    }
    document: dict[str, object] = {
        "id": f"resp_{call.unique}",
        "object": "response.compaction",
        "created_at": call.created_s,
        "output": [item],
    }
    if call.reported is not None:
        document["usage"] = responses_usage(call.reported, call)
    return msgspec.json.encode(document)


COMPACTION = Wire("responses/compact", Kind.CHAT, parse_responses, _answer)
