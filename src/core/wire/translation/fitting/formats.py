"""The form in which an answer is asked for, as the target takes it.

Anthropic writes answers of a schema only where that closes every object, and refuses bounds on numbers, texts and
lists. An object that says nothing of further members is closed: what comes then is still what was asked for. The rule
easy to break: an answer must be valid by the caller's own schema, so what would loosen it leaves the hop out.
"""

import re
from collections.abc import Mapping

import msgspec

from core.wire.translation.conversation import Conversation, Document, OutputFormat, Text, ToolResult, Untranslatable
from core.wire.translation.fitting.schemas import schema_for_gemini
from core.wire.translation.fitting.target import MESSAGES, Target

_BOUNDS = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "contains",
    "prefixItems", "not", "if", "oneOf", "dependentRequired", "dependentSchemas",
})  # fmt: skip
_MAPS_OF_SCHEMAS = frozenset({"properties", "$defs", "definitions"})
_LISTS_OF_SCHEMAS = frozenset({"anyOf", "allOf"})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEFAULT_NAME = "answer"


def fitted_format(conversation: Conversation, target: Target) -> OutputFormat | None:
    """The format to ask for. Raises `Untranslatable` where the target has none that is as strict."""
    asked, traits = conversation.format, target.traits
    if asked is None:
        return None
    if conversation.tools and not traits.json_beside_tools:
        raise Untranslatable("json_beside_tools")
    if asked.schema is None:
        if not traits.json_mode or (traits.names_json and not _names_json(conversation)):
            raise Untranslatable("json_mode")
        return asked
    if not traits.json_schema:
        raise Untranslatable("json_schema")
    if target.dialect == MESSAGES:
        return OutputFormat(schema=_closed(_described(asked)))
    name = asked.name if asked.name is not None and _NAME.fullmatch(asked.name) else _DEFAULT_NAME
    schema = schema_for_gemini(asked.schema, is_answer=True) if target.provider == "gemini" else asked.schema
    return msgspec.structs.replace(asked, schema=schema, name=name)


def _described(asked: OutputFormat) -> Mapping[str, object]:
    schema = asked.schema or {}
    return (
        schema if asked.description is None or "description" in schema else {**schema, "description": asked.description}
    )


def _closed(schema: Mapping[str, object]) -> Mapping[str, object]:
    """The schema with every object closed."""
    closed: dict[str, object] = {}
    for name, value in schema.items():
        if name in _BOUNDS:
            raise Untranslatable("json_schema_bounds")
        if name in _MAPS_OF_SCHEMAS and isinstance(value, Mapping):
            closed[name] = {key: _closed_inner(inner) for key, inner in value.items()}
        elif name in _LISTS_OF_SCHEMAS and isinstance(value, list | tuple):
            closed[name] = [_closed_inner(inner) for inner in value]
        elif name == "items":
            closed[name] = _closed_inner(value)
        else:
            closed[name] = value
    if closed.get("type") == "object" or "properties" in closed:
        if closed.get("additionalProperties", False) is not False or "properties" not in closed:
            raise Untranslatable("json_schema_open")
        closed["additionalProperties"] = False
    return closed


def _closed_inner(value: object) -> object:
    return _closed(value) if isinstance(value, Mapping) else value


def _names_json(conversation: Conversation) -> bool:
    """Whether the word stands anywhere in what the model reads: OpenAI and Groq refuse JSON of any shape without it."""
    for turn in conversation.turns:
        for part in turn.parts:
            for each in part.parts if isinstance(part, ToolResult) else (part,):
                if isinstance(each, Text | Document) and "json" in each.text.lower():
                    return True
    return False
