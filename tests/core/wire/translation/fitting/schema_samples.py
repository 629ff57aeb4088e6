"""Schemas of tools as agents and MCP servers publish them, in shape and in the words that trip providers."""

DRAFT_7 = "http://json-schema.org/draft-07/schema#"

BASH = {
    "$schema": DRAFT_7,
    "type": "object",
    "properties": {
        "command": {"type": "string", "description": "The command to execute"},
        "timeout": {"type": "number", "description": "Optional timeout in milliseconds (max 600000)"},
        "description": {"type": "string", "description": "What this command does, in 5-10 words"},
        "run_in_background": {"type": "boolean", "description": "Run it in the background", "default": False},
    },
    "required": ["command"],
    "additionalProperties": False,
}
EDIT = {
    "$schema": DRAFT_7,
    "type": "object",
    "properties": {
        "file_path": {"type": "string", "description": "The absolute path to the file"},
        "old_string": {"type": "string"},
        "new_string": {"type": "string", "description": "Must differ from old_string"},
        "replace_all": {"type": "boolean", "default": False},
    },
    "required": ["file_path", "old_string", "new_string"],
    "additionalProperties": False,
}
TODO_WRITE = {
    "$schema": DRAFT_7,
    "type": "object",
    "properties": {
        "todos": {
            "type": "array",
            "description": "The updated todo list",
            "items": {
                "type": "object",
                "properties": {
                    "content": {"type": "string", "minLength": 1},
                    "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                    "activeForm": {"type": "string", "minLength": 1},
                },
                "required": ["content", "status", "activeForm"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["todos"],
    "additionalProperties": False,
}
ASK = {
    "$schema": DRAFT_7,
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
        },
        "answers": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "string"}},
        "offset": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
    },
    "required": ["questions"],
    "additionalProperties": False,
}
GITHUB = {
    "type": "object",
    "properties": {
        "owner": {"type": "string"},
        "labels": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "perPage": {"type": "number", "minimum": 1, "maximum": 100, "multipleOf": 1},
        "state": {"anyOf": [{"const": "open"}, {"const": "closed"}, {"type": "null"}], "default": None},
        "since": {"type": "string", "format": "date-time"},
        "url": {"type": "string", "format": "uri", "pattern": "^https://"},
        "priority": {"enum": [1, 2, 3]},
        "assignee": {"type": ["string", "null"], "title": "Assignee"},
        "page": {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Page", "description": "Which page"},
        "extra": {},
    },
    "required": ["owner", "not_there"],
}
NOTION = {
    "type": "object",
    "$defs": {
        "richText": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        "block": {
            "type": "object",
            "properties": {
                "kind": {"const": "paragraph"},
                "rich_text": {"type": "array", "items": {"$ref": "#/$defs/richText"}, "maxItems": 100},
                "children": {"type": "array", "items": {"$ref": "#/$defs/block"}},
            },
            "required": ["rich_text"],
        },
    },
    "properties": {
        "parent": {
            "oneOf": [
                {"type": "object", "properties": {"page_id": {"type": "string"}}, "required": ["page_id"]},
                {"type": "object", "properties": {"database_id": {"type": "string"}}, "required": ["database_id"]},
            ],
            "description": "Where it goes",
        },
        "children": {"type": "array", "items": {"$ref": "#/$defs/block"}},
    },
    "required": ["parent"],
}
QUERY = {
    "type": "object",
    "description": "Runs a query",
    "allOf": [
        {"properties": {"sql": {"type": "string"}}, "required": ["sql"]},
        {"properties": {"limit": {"type": "integer"}}, "required": ["limit"]},
    ],
}
ACTION = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"action": {"const": "create"}, "name": {"type": "string"}},
            "required": ["action", "name"],
        },
        {
            "type": "object",
            "properties": {"action": {"const": "delete"}, "id": {"type": "integer"}},
            "required": ["action", "id"],
        },
    ]
}
NAMES = {
    "type": "object",
    "properties": {
        "const": {"type": "string"},
        "$ref": {"type": "string", "description": "A branch or tag"},
        "enum": {"type": "array", "items": {"type": "string"}},
        "properties": {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]},
        "type": {"type": "string"},
        "anyOf": {"type": "boolean"},
        "required": {"type": "boolean"},
    },
    "required": ["const", "$ref", "required"],
}
FILESYSTEM = {
    "$schema": DRAFT_7,
    "$ref": "#/definitions/Args",
    "definitions": {
        "Args": {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "range": {"type": "array", "items": [{"type": "integer"}, {"type": "integer"}]},
            },
            "required": ["path"],
            "additionalProperties": False,
        }
    },
}

ALL = {
    "bash": BASH, "edit": EDIT, "todo write": TODO_WRITE, "ask": ASK, "github": GITHUB, "notion": NOTION,
    "query": QUERY, "action": ACTION, "names": NAMES, "filesystem": FILESYSTEM, "nothing": {}, "no arguments": {"type": "object", "properties": {}},
}  # fmt: skip
