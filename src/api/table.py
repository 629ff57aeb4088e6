"""The table of our own routes. Resolving, 404 and 405, roles, decoding, the access log and `/openapi.json` read it.

A new route is a handler in the file of its noun and a row here; a new kind of document brings its rows along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from api import people, price_trial, teams
from api.budgets import (
    Accounts,
    BudgetChange,
    SessionPage,
    SessionsQuery,
    change_budget,
    list_sessions,
    read_budget,
    reset_session,
)
from api.description.document import OpenApi, openapi_of
from api.documents import OPERATOR_S, document_endpoints
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.failover import (
    FailoverTest,
    FailoverTried,
    HealthQuery,
    ProvidersHealth,
    clear_health,
    read_health,
    try_failover,
)
from api.health import Health, health
from api.keys import keys, whoami
from api.models import BaseUrl, Model, ModelList, list_models, read_base_url, read_model
from api.operator import doctor, tenants
from api.reading import decoded_path
from api.records import calls, dead_letters, events, usage
from api.rules import RulesTest, try_rules
from api.sdk.budget_check import BudgetCheck, BudgetCheckQuery, check_budget
from api.sdk.holds import Held, HoldRequest, Settlement, hold, settle
from api.sdk.ingest import BatchTaken, ReportBatch, ingest
from api.sdk.reports import Report
from api.sealed import provider_keys, resealing, webhooks
from core.refusals import (
    BudgetExhausted,
    RouteNotFound,
    RuleBlocked,
    RuleThrottled,
    ScopePaused,
    SessionRequired,
    UnmeteredPath,
    UnpricedModel,
)
from core.tenant.documents import DOCUMENTS
from core.tenant.prices.reading import PLATFORM_PRICES
from core.tenant.rules.explain import Explanation
from exchange import Answer, json_answer
from routes import not_allowed, undoubled


async def describe(_: ApiRequest[Nothing, Nothing]) -> Answer:
    """This table as an OpenAPI document."""
    return json_answer(_description())


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/healthz", health, "Is the Worker up, and with which prices?", Health, audience="public"),
    Endpoint("GET", "/openapi.json", describe, "This document", OpenApi, audience="public"),
    Endpoint("GET", "/v1/models", list_models, "The models that have a price", ModelList),
    Endpoint("GET", "/v1/models/{model}", read_model, "One of them", Model, takes_the_rest=True),
    Endpoint(
        "GET", "/v1/proxy/{provider}", read_base_url, "What belongs behind a base URL", BaseUrl, audience="public",
        takes_the_rest=True,
    ),
    Endpoint(
        "GET", "/v1/budget-check", check_budget, "May a session go on?", BudgetCheck, query=BudgetCheckQuery,
    ),
    Endpoint(
        "POST", "/v1/holds", hold, "Hold the money of a call that an SDK is to make", Held, body=HoldRequest,
        refuses=(
            BudgetExhausted, ScopePaused, RuleBlocked, RuleThrottled, UnpricedModel, UnmeteredPath, SessionRequired,
        ),
    ),
    Endpoint(
        "POST", "/v1/holds/{hold_id}/settle", settle, "Report such a call: its cost takes the place of its hold",
        Settlement, body=Report, is_of_the_past=True,
    ),
    Endpoint(
        "POST", "/v1/ingest", ingest, "Report calls that an SDK made by itself, one or up to 500", str, body=Report,
        also_body=ReportBatch, also_answer=BatchTaken, reads_body=True, audience="reporter",
        is_of_the_past=True,
    ),
    Endpoint(
        "GET", "/v1/sessions", list_sessions, "The tenant's live sessions", SessionPage,
        query=SessionsQuery, is_administration=True,
    ),
    Endpoint(
        "GET", "/v1/sessions/{session_id}", read_budget, "A session's budget", Accounts, is_administration=True,
    ),
    Endpoint(
        "PUT", "/v1/sessions/{session_id}", change_budget, "Change a session's limit; pause, resume or reset it",
        Accounts, audience="admin", body=BudgetChange, is_administration=True,
    ),
    Endpoint(
        "DELETE", "/v1/sessions/{session_id}", reset_session, "Forget what a session spent, and lift its pause",
        Accounts, audience="admin", is_administration=True,
    ),
    Endpoint(
        "GET", "/v1/teams/{team}/budget", read_budget, "A team's budget", Accounts, is_administration=True,
    ),
    Endpoint(
        "PUT", "/v1/teams/{team}/budget", change_budget, "Change a team's monthly budget",
        Accounts, audience="admin", body=BudgetChange, is_administration=True,
    ),
    Endpoint("GET", "/v1/budget", read_budget, "The tenant's own budget", Accounts, is_administration=True),
    Endpoint(
        "PUT", "/v1/budget", change_budget, "Change the tenant's own budget, of a day, a month or in all",
        Accounts, audience="admin", body=BudgetChange, is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/rules/test", try_rules, "Which rules would fire for a call, and why", Explanation,
        audience="admin", body=RulesTest, is_administration=True,
    ),
    Endpoint(
        "GET", "/v1/failover/health", read_health, "Which providers calls leave alone just now", ProvidersHealth,
        is_administration=True,
    ),
    Endpoint(
        "DELETE", "/v1/failover/health", clear_health, "Ask them again from now on", ProvidersHealth,
        audience="admin", query=HealthQuery, is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/failover/test", try_failover, "Who would serve a call, and who is left out", FailoverTried,
        audience="admin", body=FailoverTest, is_administration=True,
    ),
    *price_trial.ENDPOINTS,
    *whoami.ENDPOINTS,
    *keys.ENDPOINTS,
    *tenants.ENDPOINTS,
    *doctor.ENDPOINTS,
    *teams.ENDPOINTS,
    *usage.ENDPOINTS,
    *calls.ENDPOINTS,
    *events.ENDPOINTS,
    *dead_letters.ENDPOINTS,
    *people.ENDPOINTS,
    *provider_keys.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *resealing.ENDPOINTS,
    *(endpoint for kind in DOCUMENTS if kind.has_routes for endpoint in document_endpoints(kind)),
    *document_endpoints(PLATFORM_PRICES, OPERATOR_S),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The endpoint that a request is for, and the parameters in its path."""

    endpoint: AnyEndpoint
    path: Mapping[str, str]


_PATHS = {path: [each for each in ENDPOINTS if each.path == path] for path in {each.path for each in ENDPOINTS}}
_PATTERNS = [(endpoints[0].pattern, endpoints) for path, endpoints in _PATHS.items() if "{" in path]


def find(method: str, path: str) -> Found:
    """The endpoint of a request. Raises `RouteNotFound` or `MethodNotAllowed`."""
    path = undoubled(path.rstrip("/"))
    if path in _PATHS and "{" not in path:
        return Found(_of_method(method, _PATHS[path]), {})
    for pattern, endpoints in _PATTERNS:
        match = pattern.fullmatch(path)
        if match is not None:
            return Found(_of_method(method, endpoints), decoded_path(match))
    raise RouteNotFound(f"there is no route {path[:200]}: providers' own APIs are below /v1/proxy/{{provider}}/")


def _of_method(method: str, endpoints: list[AnyEndpoint]) -> AnyEndpoint:
    """A HEAD is a GET whose body nobody wants (RFC 9110, section 9.3.2): the runtime leaves it out."""
    asked = "GET" if method == "HEAD" else method
    found = next((each for each in endpoints if each.method == asked), None)
    if found is None:
        raise not_allowed(method, [each.method for each in endpoints])
    return found


@cache
def _description() -> OpenApi:
    """Made when somebody first asks: a Worker that starts has better things to do."""
    return openapi_of(ENDPOINTS)
