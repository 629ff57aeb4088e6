"""The examples in the OpenAPI document are what was sent and what was answered: `src/api/description/examples.json`."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from api.description import document
from api.description.document import operation_id
from api.endpoint import AnyEndpoint
from api.table import ENDPOINTS
from core.money import price_book
from tests.support.api_client import with_administrators
from tests.support.memory_ports import World
from tests.support.own_routes import QUERIES, Asker, body_of

PATH = Path(document.__file__).with_name("examples.json")
SHOWN_MAX = 2
"""Entries of a list."""

SHOWN_ONCE = {"token": "aw_live_" + 48 * "0", "secret": "whsec_" + 43 * "A" + "="}
"""What stands in the place of a secret, by the name of its member."""


def shortened(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: shortened(each) for name, each in part.items()}
    return [shortened(each) for each in part[:SHOWN_MAX]] if isinstance(part, list) else part


class ExampleWorld(World):
    """Its ids look like real ones."""

    def new(self, prefix: str) -> str:
        return prefix + hashlib.sha256(super().new("").encode()).hexdigest()[:24]


def without_tokens(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: SHOWN_ONCE.get(name) if each and name in SHOWN_ONCE else without_tokens(each)
            for name, each in part.items()
        }
    return [without_tokens(each) for each in part] if isinstance(part, list) else part


def example_of(endpoint: AnyEndpoint) -> dict[str, Any]:
    answer = Asker(with_administrators(ExampleWorld())).lives().ask_well(endpoint)
    assert answer.status == endpoint.status, answer.body
    sent = body_of(endpoint)
    is_told = endpoint.answer is not str and endpoint.path != "/openapi.json"
    asked = dict(parse_qsl(QUERIES.get(endpoint.query.__name__, "")))
    return {
        **({"query": asked} if asked else {}),
        **({} if sent is None else {"body": sent}),
        **({"answer": without_tokens(shortened(json.loads(answer.body)))} if is_told else {}),
    }


def test_examples_are_what_is_sent_and_answered(request: pytest.FixtureRequest) -> None:
    found = {operation_id(endpoint): example_of(endpoint) for endpoint in ENDPOINTS}
    actual = json.dumps({name: found[name] for name in sorted(found)}, indent=1, ensure_ascii=False) + "\n"
    actual = actual.replace(price_book.VERSION, "2026-11-26-39f90d02")  # new prices are no news here

    if request.config.getoption("--rewrite-golden", default=False):
        PATH.write_text(actual)
    assert actual == PATH.read_text()
