"""The form in which Google's front end writes a native answer: which fields, enums by name or number,
a stream as events or as a JSON array.

Every caller may choose it by the query (`fields`, `alt`, also spelled with a leading `$`) or by the
header `x-goog-fieldmask`, whatever the method. What a mask leaves out is billed all the same.
"""

import re
from urllib.parse import parse_qsl

from mock_llm.wire.failures import Failure
from mock_llm.writing.calls import FieldTree, Form, Request

_ENUMS = {
    "finishReason": ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS"),
    "modality": ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO"),
}
"""The names of an enum's values in the order of their numbers (Google's discovery document)."""

_MASK_TOKEN = re.compile(r"[^,()/.\s]+|[,()]")


def read_form(request: Request) -> Form:
    chosen = {name.removeprefix("$"): value for name, value in parse_qsl(request.query)}
    alt, *options = chosen.get("alt", "").split(";")
    return Form(
        is_sse=alt == "sse" or not request.is_stream_path,
        fields_shown=_parse_mask(chosen.get("fields", request.field_mask)),
        has_numbered_enums="enum-encoding=int" in options,
    )


def in_form(document: object, form: Form) -> object:
    return _shown(_with_numbers(document) if form.has_numbered_enums else document, form.fields_shown)


def _parse_mask(mask: str) -> FieldTree:
    """`a/b,c(d,e)`, and with dots as in the header."""
    root = FieldTree()
    open_parents = [root]
    here = root
    for token in _MASK_TOKEN.findall(mask):
        match token:
            case "(":
                open_parents.append(here)
            case ")" if len(open_parents) == 1:
                raise Failure(400, f"Invalid field selection {mask}")
            case ")":
                here = open_parents.pop()
            case ",":
                here = open_parents[-1]
            case _:
                here = here.setdefault(token, FieldTree())
    return root


def _shown(value: object, tree: FieldTree) -> object:
    if not tree:
        return value
    if isinstance(value, list):
        return [_shown(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    wanted = {name: tree.get(name, tree.get("*")) for name in value}
    return {name: _shown(value[name], below) for name, below in wanted.items() if below is not None}


def _with_numbers(value: object) -> object:
    if isinstance(value, list):
        return [_with_numbers(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _ENUMS[name].index(str(inner)) if name in _ENUMS else _with_numbers(inner)
        for name, inner in value.items()
    }
