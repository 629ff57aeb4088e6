"""What a row says that its handler refuses, its handler does: each of them is brought about once. What every row is
refused for is asked of every row by `test_request_judging.py` and `test_roles.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from api.description.document import operation_id
from api.endpoint import AnyEndpoint
from api.table import ENDPOINTS
from core.bounds import KEYS_PER_TENANT_MAX
from core.refusals import Refusal
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import ADMIN, OPERATOR
from tests.support.own_routes import BODIES, NOWHERE, Asker, error_of

HOLD = BODIES["HoldRequest"]
KEY = BODIES["NewKey"]
ENDS_AT_MS = 1_900_000_000_000

REFUSED = [(endpoint, kind) for endpoint in ENDPOINTS for kind in endpoint.refuses]


def configured(asker: Asker, path: str, document: Any, token: str = ADMIN) -> Asker:
    answer = asker.ask("PUT", path, document, token, if_match="*")
    assert answer.status == 200, answer.body
    return asker


def ruled(asker: Asker, action: dict[str, Any]) -> Asker:
    return configured(asker, "/v1/rules", {"rules": [{"id": "a", "condition": {"always": True}, "action": action}]})


def held(asker: Asker, times: int = 1, **changes: Any) -> Answer:
    for number in range(times):
        answer = asker.ask("POST", "/v1/holds", {**HOLD, "hold_id": f"evt_{number}", **changes})
    return answer


def an_ending_administrator(asker: Asker) -> str:
    """The token of one whose key ends."""
    made = asker.made("POST", "/v1/keys", {"name": "for a while", "role": "admin", "expires_at": ENDS_AT_MS})
    asker.world.knows(made["token"], tenant="acme", role="admin", key_id=made["key_id"], token_number=1)
    return str(made["token"])


def an_administrator_s_key(asker: Asker) -> str:
    return str(asker.made("POST", "/v1/keys", {"name": "for ever", "role": "admin"})["key_id"])


def revoked(asker: Asker) -> str:
    key_id = asker.named("key_id")
    assert asker.ask("DELETE", f"/v1/keys/{key_id}").status == 200
    return key_id


def full_of_keys(asker: Asker, tenant: str) -> Asker:
    asker.world.ledger_of(tenant).rows.connection.execute(
        "INSERT INTO keys WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT 'k' || i, '', 0, 1, NULL FROM n",
        (KEYS_PER_TENANT_MAX,),
    )
    return asker


def another_for_the_name(asker: Asker) -> Answer:
    for name in ("one", "two"):
        answer = asker.ask("POST", "/v1/keys", {**KEY, "name": name}, idempotency_key="once")
    return answer


def of_others(asker: Asker, method: str, path: str, body: Any = None) -> Answer:
    """Of an administrator whose key ends, what only one may whose key does not."""
    token, key_id = an_ending_administrator(asker), an_administrator_s_key(asker)
    return asker.ask(method, path.format(key_id=key_id), body, token)


def of_the_last_administrator(asker: Asker) -> Answer:
    """Where no operator could help."""
    alone = Asker(isolate=Isolate(parse_settings({"OPENAI_API_KEY": "sk"})))
    made = alone.made("POST", "/v1/keys", {"name": "only", "role": "admin"})
    alone.world.knows(made["token"], tenant="acme", role="admin", key_id=made["key_id"], token_number=1)
    return alone.ask("DELETE", f"/v1/keys/{made['key_id']}", token=made["token"])


RECIPES: dict[tuple[str, str], Callable[[Asker], Answer]] = {
    ("postHolds", "budget_exhausted"): lambda asker: held(asker, session_budget_usd="0.000000001"),
    ("postHolds", "scope_paused"): lambda asker: held(paused(asker)),
    ("postHolds", "rule_blocked"): lambda asker: held(ruled(asker, {"type": "block"})),
    ("postHolds", "rule_throttled"): lambda asker: held(
        ruled(asker, {"type": "throttle", "requests_per_minute": 1, "per": "tenant"}), times=3
    ),
    ("postHolds", "unpriced_model"): lambda asker: held(
        configured(asker, "/v1/config", {"unpriced_models": "block"}), model="unheard-of"
    ),
    ("postHolds", "unmetered_path"): lambda asker: held(asker, provider_tools=["code_interpreter"]),
    ("postHolds", "session_required"): lambda asker: held(
        configured(asker, "/v1/config", {"require_session": True}), session_id=None
    ),
    ("postKeys", "grant_refused"): lambda asker: of_others(asker, "POST", "/v1/keys", {"name": "a", "role": "admin"}),
    ("postKeys", "too_many"): lambda asker: full_of_keys(asker, "acme").ask("POST", "/v1/keys", KEY),
    ("postKeys", "idempotency_key_reused"): another_for_the_name,
    ("putKeysByKeyId", "state_conflict"): lambda asker: asker.ask("PUT", f"/v1/keys/{revoked(asker)}", KEY),
    ("putKeysByKeyId", "grant_refused"): lambda asker: of_others(
        asker, "PUT", "/v1/keys/{key_id}", {"name": "a", "role": "admin"}
    ),
    ("deleteKeysByKeyId", "grant_refused"): of_the_last_administrator,
    ("postKeysByKeyIdRotate", "state_conflict"): lambda asker: asker.ask(
        "POST", f"/v1/keys/{revoked(asker)}/rotate", {}
    ),
    ("postKeysByKeyIdRotate", "grant_refused"): lambda asker: of_others(asker, "POST", "/v1/keys/{key_id}/rotate", {}),
    ("postTenants", "already_exists"): lambda asker: asker.ask(
        "POST", "/v1/tenants", {"tenant": asker.named("tenant")}, OPERATOR
    ),
    ("postTenantsByTenantAdminKey", "too_many"): lambda asker: full_of_keys(asker, asker.named("tenant")).ask(
        "POST", f"/v1/tenants/{asker.named('tenant')}/admin-key", None, OPERATOR
    ),
}
"""What only one operation refuses."""


def paused(asker: Asker) -> Asker:
    assert asker.ask("PUT", "/v1/budget", {"paused": True}).status == 200
    return asker


def brought_about(endpoint: AnyEndpoint, kind: type[Refusal], asker: Asker) -> Answer:
    recipe = RECIPES.get((operation_id(endpoint), kind.code))
    if recipe is not None:
        return recipe(asker)
    match kind.code:
        case "not_found" if endpoint.parameters:
            named = {name: NOWHERE[name] for name in endpoint.parameters} | {"provider": "nobody"}
            return asker.ask_well(endpoint, path=asker.path_of(endpoint, **named))
        case "not_found":
            return asker.ask_well(endpoint, query="version=99")
        case "version_changed":
            return asker.ask_well(endpoint, headers={"if_match": '"99"'})
        case "records_unavailable":
            asker.world.database.is_away = True
            return asker.ask_well(endpoint)
    raise AssertionError(f"say in RECIPES how {operation_id(endpoint)} comes to refuse with {kind.code}")


@pytest.mark.parametrize(
    ("endpoint", "kind"), REFUSED, ids=lambda each: each.code if isinstance(each, type) else operation_id(each)
)
def test_what_a_row_says_is_refused_can_be(endpoint: AnyEndpoint, kind: type[Refusal]) -> None:
    status, error = error_of(brought_about(endpoint, kind, Asker()))

    assert (status, error["code"]) == (kind.status, kind.code)


def test_no_recipe_is_of_what_no_row_says() -> None:
    assert set(RECIPES) <= {(operation_id(endpoint), kind.code) for endpoint, kind in REFUSED}
