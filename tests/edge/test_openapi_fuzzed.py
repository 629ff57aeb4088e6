"""Schemathesis asks whatever the OpenAPI document allows, and what it does not allow: nothing comes that is not written
there, bad requests are refused, and good ones are answered.

A new row of the table is taken up by itself. What a schema cannot say, and is refused all the same, stands in `EXCUSED`
with its reason.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema

from api.description.document import PASSED_ON, operation_id
from api.endpoint import AnyEndpoint, Nothing
from api.table import ENDPOINTS
from core.wire.json_faults import faults_of
from tests.support.own_routes import MADE, Asker, token_for
from tests.support.wsgi_edge import WORLD_HEADER, WsgiEdge

CASES_MIN = 2_000
EXAMPLES = 4
"""Made up for each operation, beside the cases that its schema leads to one by one."""

REPEATED = {"postRulesTest", "postFailoverTest", "postHoldsByHoldIdSettle", "putPlatformPrices"}
"""Whose body is mostly another operation's: hundreds of cases more say nothing new."""

MADE_UP = {"phases": {"coverage": {"enabled": False}}, "generation": {"max-examples": 20}}

COVERAGE = {"generate-duplicate-query-parameters": True, "unexpected-methods": ["patch", "trace"]}


@dataclass(frozen=True)
class Excuse:
    """A request that fits its schema and is refused: of these operations, by this `code`, for this `param`."""

    operations: str
    param: str
    why: str
    code: str = "invalid_request"


EXCUSED = (
    Excuse("putRules", r"rules(\[.*)?", "members of a condition are judged beside each other, and ids are unique"),
    Excuse("putFailover", r"(chains\[.*|dollars_max)", "a chain is judged by the models and prices that there are"),
    Excuse("putConfig", r"\w*webhook_url", "a receiver has to be a name outside, and Slack's a webhook of Slack's"),
    Excuse("putConfig", r"cors_origins\[.*", "an origin is written as browsers send it"),
    Excuse(
        "put(Platform)?Prices", r"(models|aliases|free_models)\[.*", "names lead to models, of which one thing is said"
    ),
    Excuse("putConfig", r"sign_on\[.*", "an entry is about exactly one, which no other entry is about"),
    Excuse("putProviderKeysByProvider", "key", "a provider's keys begin as it makes them"),
    Excuse("(post|put)Keys.*", "origins", "no web page administers"),
    Excuse("get.*", "after", "a cursor is what the page before has said"),
    Excuse("get(Usage|Events)", "from|until", "the calendar has that day, and a span ends after it began, in 92 days"),
    Excuse("postKeys", "idempotency-key", "the name is another request's by now", code="idempotency_key_reused"),
    Excuse("put.*(Budget|SessionId)", r"(window|None)", "a team has other windows than a tenant; `{}` changes nothing"),
    Excuse(
        "postRulesTest", r"(session|call\..*|rules\[.*)", "a session is live or made up; a provider is one that we know"
    ),
    Excuse("postFailoverTest", r".*", "the call in it is a provider's own request, which no schema of ours describes"),
    Excuse("putProviderKeysByProvider", "key", "a key looks like one that its provider would issue"),
    Excuse("deleteFailoverHealth", "provider", "a model is cleared by its provider's name"),
    Excuse("postHolds", "hold_id", "the id is another call's by now"),
    Excuse(
        "(postHolds.*|postIngest)", r"event_id|prompt_tokens|completion_tokens", "a whole is not less than its parts"
    ),
    Excuse("postHolds", "provider_tools", "some tools cannot be metered", code="unmetered_path"),
)


@dataclass(frozen=True)
class Asked:
    """One case: what was sent, what came, and what Schemathesis has against it."""

    operation: str
    status: int
    sent: bytes
    answer: bytes
    failures: tuple[Failure, ...]


def document_of(edge: WsgiEdge) -> dict[str, Any]:
    """The document of what is there: ids that were made, whichever version. Answers say nothing beside it."""
    document: dict[str, Any] = json.loads(Asker().ask("GET", "/openapi.json", token=None).body)
    for path in PASSED_ON:
        del document["paths"][path]
    for endpoint in ENDPOINTS:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        asker = edge.world_of(operation_id(endpoint))
        narrowed = (narrow(each, endpoint, asker) for each in operation["parameters"])
        operation["parameters"] = [each for each in narrowed if each["name"] != "if-none-match"]
    bodies = {
        kind.__name__ for endpoint in ENDPOINTS for kind in (endpoint.body, endpoint.also_body) if kind is not None
    }
    for name, schema in document["components"]["schemas"].items():
        if name not in bodies and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def narrow(parameter: dict[str, Any], endpoint: AnyEndpoint, asker: Asker) -> dict[str, Any]:
    name = parameter["name"]
    if name == "if-match":
        return {**parameter, "required": name in endpoint.headers, "schema": {"const": "*"}}
    if parameter["in"] != "path":
        return parameter
    return (
        {**parameter, "schema": {"const": asker.named(name)}}
        if name in MADE
        else {**parameter, "example": asker.named(name)}
    )


def settings_of(endpoint: AnyEndpoint) -> dict[str, Any]:
    """Who asks an operation, and in which world."""
    name, token = operation_id(endpoint), token_for(endpoint)
    settings: dict[str, Any] = {
        "include-operation-id": name,
        "headers": {WORLD_HEADER: name} | ({} if token is None else {"Authorization": f"Bearer {token}"}),
    }
    return settings | (MADE_UP if name in REPEATED else {})


def run() -> Iterator[Asked]:
    edge = WsgiEdge()
    config = {
        "seed": 1,
        "base-url": "http://edge.example",
        "continue-on-failure": True,
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none", "no-shrink": True},
        # Without a token, or with another role's, every route is asked by `test_roles.py`.
        "checks": {
            "ignored_auth": {"enabled": False},
            "missing_required_header": {"expected-statuses": [400, 401, 428]},
        },
        "phases": {"stateful": {"enabled": False}, "coverage": COVERAGE},
        "operations": [settings_of(endpoint) for endpoint in ENDPOINTS],
    }
    schema = schemathesis.openapi.from_dict(document_of(edge), config=SchemathesisConfig.from_dict(config))
    schema.app = edge
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event.info
        if isinstance(event, events.ScenarioFinished):
            yield from asked_in(event)


def asked_in(event: events.ScenarioFinished) -> Iterator[Asked]:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        checks = recorder.checks.get(case_id, [])
        case, response = recorder.cases[case_id].value, interaction.response
        assert response is not None
        yield Asked(
            operation=case.operation.definition.raw["operationId"],
            status=response.status_code,
            sent=interaction.request.body or b"",
            answer=response.content,
            failures=tuple(each.failure_info.failure for each in checks if each.failure_info is not None),
        )


UNSAID = re.compile(r"xpected `int( \| null)?`, got `float`| a NUL in it")
"""5.0 is a whole number to JSON Schema, and none to us; and what is any text to a schema may have a NUL."""

BODIES = {operation_id(endpoint): endpoint.body for endpoint in ENDPOINTS}


def is_excused(asked: Asked) -> bool:
    """Was a good request refused for what no schema says?"""
    if {type(each).__name__ for each in asked.failures} != {"RejectedPositiveData"}:
        return False
    error = json.loads(asked.answer)["error"]
    if UNSAID.search(error["message"]):
        return True
    kind = BODIES[asked.operation]
    faults = () if kind is Nothing else faults_of(asked.sent, kind)
    return all(UNSAID.search(each.message) for each in faults) and any(
        re.fullmatch(each.operations, asked.operation)
        and re.fullmatch(each.param, str(error["param"]))
        and each.code == error["code"]
        for each in EXCUSED
    )


def test_nothing_comes_that_the_document_does_not_say() -> None:
    cases = list(run())

    found = [
        f"{each.operation}: {failure.title}: {failure.message}\n  sent {each.sent[:300]!r}, got {each.answer[:300]!r}"
        for each in cases
        for failure in each.failures
        if not is_excused(each)
    ]
    told = Counter(each.status for each in cases)
    print(f"{len(cases)} cases of {len(ENDPOINTS)} operations, by status: {dict(sorted(told.items()))}")
    assert found == [], "\n".join(found[:20])
    assert len(cases) >= CASES_MIN
    well = {each.operation for each in cases if each.status < 300}
    assert well == {operation_id(endpoint) for endpoint in ENDPOINTS}, "nobody is told of a door that never opens"
    assert all(each.status != 500 for each in cases)
