"""Request bytes to typed requests, with the mistake named as the providers name theirs."""

import re
from typing import TypeVar

import msgspec

from mock_llm.selling.tokens import InputCount, count_json, plus
from mock_llm.wire.failures import Failure

Decoded = TypeVar("Decoded")

_PATH = re.compile(r" - at `\$\.?(.*)`$")


def decode(body: bytes, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_field(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"We could not parse the JSON body of your request: {error}"
        raise Failure(400, message) from error


def bad_field(error: msgspec.ValidationError) -> Failure:
    found = _PATH.search(str(error))
    param = found.group(1) if found else None
    return Failure(400, f"Invalid request: {error}", param=param or None)


def missing(field: str) -> Failure:
    message = f"Missing required parameter: '{field}'."
    return Failure(400, message, code="missing_required_parameter", param=field)


def count_raw(raws: list[msgspec.Raw] | None) -> InputCount:
    """The length of tools or tool calls, which reach the model as their JSON text."""
    return plus(count_json(bytes(raw)) for raw in raws or ())
