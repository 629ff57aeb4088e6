"""Tokens for the database of records: what they say, how they are signed, and that none for a tenant sees all."""

import pytest

from core.tenant.proofs.records_token import LIFETIME_S, service_token, tenant_token
from local.database import signed_token
from tests.support.scripted_records import JWT_SECRET, claims_of

NOW_MS = 1_795_478_400_999
TIMES = {"iat": 1_795_478_400, "exp": 1_795_478_400 + LIFETIME_S}
SECRET = JWT_SECRET.encode()


@pytest.mark.parametrize(
    ("team", "claims"),
    [(None, {}), ("search", {"team": "search"}), ("", {"team": ""}), ('é"', {"team": 'é"'})],
)
def test_a_tenant_s_token_names_the_tenant_and_the_team_it_is_confined_to(
    team: str | None, claims: dict[str, str]
) -> None:
    token = tenant_token("acme", team, secret=SECRET, now_ms=NOW_MS)

    assert claims_of(token) == {"role": "authenticated", "tenant": "acme", **claims, **TIMES}


def test_the_service_s_token_is_of_no_tenant() -> None:
    assert claims_of(service_token(secret=SECRET, now_ms=NOW_MS)) == {"role": "service_role", **TIMES}


def test_it_is_signed_as_supabase_signs_its_own() -> None:
    signature = tenant_token("acme", None, secret=SECRET, now_ms=NOW_MS).split(".")[2]

    assert len(signature) == len(signed_token("authenticated", JWT_SECRET).split(".")[2])
    with pytest.raises(AssertionError):
        claims_of(tenant_token("acme", None, secret=b"another", now_ms=NOW_MS))
