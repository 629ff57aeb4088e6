"""What stands in the paths and headers of our own routes: of each parameter its form, as a schema.

The rule easy to break: a name means the same in every path, so it is described here once.
"""

from collections.abc import Mapping
from typing import Any

from api.budgets import TEAM_CHARACTERS_MAX
from api.description.schemas import Schema, members_of
from api.endpoint import AnyEndpoint
from api.models import MODEL_CHARACTERS_MAX
from api.records.dead_letters import LETTER_ID_PATTERN
from call.admission import OWN_HOLDS_START
from core.bounds import SCOPE_ID_CHARACTERS_MAX
from core.call.context import SESSION_ID_PATTERN
from core.providers import PROVIDERS
from core.tenant.credentials import TENANT_ID
from core.tenant.etag import IF_MATCH_PATTERN
from core.tenant.sign_on.claims import EMAIL_CHARACTERS_MAX

_END = r"$(?!\n)"
"""In Python's dialect `$` alone would let a final line break through."""

_TEXT = r"[^\x00-\x1f\x7f]"

IN_PATH: Mapping[str, Schema] = {
    "session_id": {"pattern": SESSION_ID_PATTERN, "description": "A session, as its calls name it"},
    "team": {"pattern": f"^{_TEXT}{{1,{TEAM_CHARACTERS_MAX}}}{_END}", "description": "A team's name"},
    "hold_id": {
        "pattern": f"^(?!{OWN_HOLDS_START}){_TEXT}{{1,{SCOPE_ID_CHARACTERS_MAX}}}{_END}",
        "description": "The hold, as it was named where it was made",
    },
    "tenant": {"pattern": TENANT_ID, "description": "A tenant, by its id"},
    "letter_id": {"pattern": LETTER_ID_PATTERN, "description": "A letter, as their list names it"},
    "provider": {"enum": list(PROVIDERS), "description": "A provider"},
    "model": {
        "pattern": f"^{_TEXT}{{1,{MODEL_CHARACTERS_MAX}}}{_END}",
        "description": "A model, as the unified routes take it: `provider/model`, or a listed name",
    },
    "key_id": {"pattern": f"^key_[0-9a-f]{{16}}{_END}", "description": "A key, by the id that it was given"},
    "email": {
        "pattern": f"^{_TEXT}{{1,{EMAIL_CHARACTERS_MAX}}}{_END}",
        "description": "The address with which somebody has signed on",
    },
}

IN_HEADERS: Mapping[str, Schema] = {
    "if-match": {
        "pattern": IF_MATCH_PATTERN,
        "examples": ['"17"'],
        "description": "The ETag of the version that this replaces, several by commas, or `*` for whichever is there. "
        "Without it, and without If-None-Match, nothing is written (428)",
    },
    "idempotency-key": {
        "pattern": f"^[!-~]{{1,255}}{_END}",
        "examples": ["9d1c7a52-agents"],
        "description": "A name for this request: sent again within a day, it makes nothing again",
    },
    "if-none-match": {"const": "*", "description": "Write only what nobody has written yet; instead of If-Match"},
}
"""None of them is required by its schema: what is asked for without one says so."""


def parameters_of(endpoint: AnyEndpoint) -> list[dict[str, Any]]:
    return [
        *(in_path(name) for name in endpoint.parameters),
        *_in_query(endpoint),
        *(
            _parameter(name, "header", IN_HEADERS.get(name, {}), required=False)
            for name in (*endpoint.headers, *endpoint.optional_headers)
        ),
    ]


def in_path(name: str) -> dict[str, Any]:
    return _parameter(name, "path", IN_PATH.get(name, {"minLength": 1}), required=True)


def _in_query(endpoint: AnyEndpoint) -> list[dict[str, Any]]:
    members, required = members_of(endpoint.query)
    return [
        _parameter(name, "query", _without_null(schema), required=name in required) for name, schema in members.items()
    ]


def _without_null(schema: Schema) -> Schema:
    """A query has no null: what is not named is left out."""
    said = {name: value for name, value in schema.items() if (name, value) != ("default", None)}
    if isinstance(said.get("type"), list):
        said["type"] = next(each for each in said["type"] if each != "null")
    if "enum" in said:
        said["enum"] = [each for each in said["enum"] if each is not None]
    return said


def _parameter(name: str, place: str, schema: Schema, *, required: bool) -> dict[str, Any]:
    words = {"description": schema["description"]} if "description" in schema else {}
    form = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": place, "required": required, **words, "schema": {"type": "string", **form}}
