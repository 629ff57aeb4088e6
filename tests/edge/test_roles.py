"""Who may ask what: every role, and whoever has none, at every route of the table. And nobody learns of another
tenant's names: what is theirs and what is nowhere get the same answer, for the same work.
"""

import pytest

from api.endpoint import AnyEndpoint
from api.table import ENDPOINTS
from core.refusals import NotPermitted, Unauthenticated
from core.roles import ROLES_OF, Role, may
from tests.support.api_client import OTHER
from tests.support.own_routes import EXPIRED, MADE, NOWHERE, TOKENS, Asker, error_of, without_request_id

IDS = [f"{each.method} {each.path}" for each in ENDPOINTS]
UNKNOWN = "aw_live_" + "99" * 24
WITH_NAMES = [each for each in ENDPOINTS if set(each.parameters) - {"model"}]
"""A model is everybody's."""


def test_there_is_a_token_for_every_role() -> None:
    assert set(TOKENS) == set(Role.__args__) | ROLES_OF["operator"]
    assert ROLES_OF["anyone"] == set(TOKENS)


@pytest.mark.parametrize("role", TOKENS)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_a_role_asks_what_it_may(endpoint: AnyEndpoint, role: str) -> None:
    answer = Asker().lives().ask_well(endpoint, TOKENS[role])

    if endpoint.audience == "public" or may(role, endpoint.audience):
        assert answer.status == endpoint.status, answer.body
    else:
        assert (answer.status, error_of(answer)[1]["code"]) == (NotPermitted.status, NotPermitted.code)


@pytest.mark.parametrize(
    "token", [None, EXPIRED, UNKNOWN, "sk-1234", ""], ids=["none", "expired", "unknown", "other", "empty"]
)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_whoever_has_no_good_token_is_told_nothing_more(endpoint: AnyEndpoint, token: str | None) -> None:
    answer = Asker().ask_well(endpoint, None) if token is None else Asker().ask_well(endpoint, token or " ")

    if endpoint.audience == "public":
        assert answer.status == endpoint.status
    else:
        assert (answer.status, error_of(answer)[1]["code"]) == (Unauthenticated.status, Unauthenticated.code)


@pytest.mark.parametrize(
    "endpoint", [each for each in ENDPOINTS if each.audience != "public"], ids=lambda each: each.path
)
def test_unknown_and_expired_tokens_get_the_same_answer(endpoint: AnyEndpoint) -> None:
    unknown, expired = (without_request_id(Asker().ask_well(endpoint, token)) for token in (UNKNOWN, EXPIRED))

    assert unknown == expired


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_another_tenant_s_administrator_administers_that_one(endpoint: AnyEndpoint) -> None:
    """What has an id of its own is nowhere to him; a name (a session, a team) is one of his own."""
    answer = Asker().ask_well(endpoint, OTHER)

    is_made_elsewhere = any(name in MADE for name in endpoint.parameters)
    if endpoint.audience != "public" and not may("admin", endpoint.audience):
        assert answer.status == NotPermitted.status
    else:
        assert answer.status == (404 if is_made_elsewhere else endpoint.status), answer.body


@pytest.mark.parametrize("endpoint", WITH_NAMES, ids=lambda each: f"{each.method} {each.path}")
def test_another_tenant_s_name_and_one_of_nobody_s_get_the_same_answer_for_the_same_work(endpoint: AnyEndpoint) -> None:
    assert set(endpoint.parameters) <= set(NOWHERE)

    found = []
    for is_theirs in (True, False):
        asker = Asker().lives()
        named = {name: asker.named(name) if is_theirs else NOWHERE[name] for name in endpoint.parameters}
        asker.ask("GET", "/v1/sessions", token=OTHER)
        before = asker.work()
        answer = asker.ask_well(endpoint, OTHER, path=asker.path_of(endpoint, **named))
        status, body, headers = without_request_id(answer)
        for name in named.values():
            body = body.replace(name.encode(), b"NAME")
        found.append((status, body, headers, asker.work() - before))

    assert found[0] == found[1]
