"""Single sign-on on the real stack: WebCrypto, a key server over HTTP, the tenant's Ledger, and the rows it leaves."""

import hmac
import json
import time

import httpx
import psycopg
import pytest

from tests.runtime.conftest import eventually
from tests.support.access import ABSENT, ALICE, ROBOT, claims, header, token
from tests.support.rsa import a_key, base64url

pytestmark = pytest.mark.stack

TENANT = "signed-on"
CONFIG = {
    "requests_per_minute": 1_000_000,
    "sign_on": [
        {"email": ALICE["email"], "role": "admin"},
        {"service_client_id": ROBOT["common_name"], "role": "developer", "team": "search"},
    ],
}


@pytest.fixture(scope="module", autouse=True)
def written(stack):
    stack.put_kv(f"t:{TENANT}:config", CONFIG)


@pytest.fixture
def said(key_server):
    """Claims of now and of the stack's own team."""
    now_s = int(time.time())

    def claiming(of=ALICE, **changes):
        own = {"iss": key_server.url, "iat": now_s - 10, "exp": now_s + 3_600}
        begins = {} if of is ROBOT else {"nbf": now_s - 10}
        return claims(of, **{**own, **begins, **changes})

    return claiming


@pytest.fixture
def visit(stack):
    def asking(text, method="GET", path="/v1/config", body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"cf-access-jwt-assertion": text, "content-type": "application/json", **named}
        content = None if body is None else json.dumps(body)
        return httpx.request(method, stack.edge_url + path, content=content, headers=own, timeout=60)

    return asking


def rows(stack, query, *values):
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def test_a_person_reads_and_writes_the_configuration_and_is_in_the_logs(stack, said, visit):
    assertion = token(said())

    read = visit(assertion)
    changed = {**CONFIG, "fail_closed": True}
    written = visit(assertion, "PUT", body=changed, if_match=read.headers["etag"], origin=stack.edge_url)
    foreign = visit(assertion, "PUT", body=CONFIG, if_match="*", origin="https://evil.example")
    people = visit(assertion, path="/v1/people").json()["data"]

    assert (read.status_code, read.json()) == (200, CONFIG)
    assert read.headers["cache-control"].startswith("no-store")
    assert written.status_code == 200, written.text
    assert foreign.status_code == 403
    assert visit(assertion).json() == changed
    assert [(each["email"], each["sub"], each["role"]) for each in people] == [(ALICE["email"], ALICE["sub"], "admin")]
    actor = f"access:{ALICE['sub']}"
    logins = "select distinct outcome, role, actor from auth_events where tenant = %s and actor = %s order by outcome"
    expected = [("accepted", "admin", actor), ("not_permitted", "admin", actor)]
    eventually(lambda: rows(stack, logins, TENANT, actor), lambda found: found == expected)
    access = "select method, path, status, role, key_id from api_access_log where tenant = %s and actor = %s order by occurred_at"
    eventually(
        lambda: rows(stack, access, TENANT, actor),
        lambda found: (
            [each[:3] for each in found]
            == [
                ("GET", "/v1/config", 200),
                ("PUT", "/v1/config", 200),
                ("PUT", "/v1/config", 403),
                ("GET", "/v1/people", 200),
                ("GET", "/v1/config", 200),
            ]
            and {each[3:] for each in found} == {("admin", None)}
        ),
    )


def test_a_service_is_what_is_written_of_it(said, visit):
    whoami = visit(token(said(ROBOT)), path="/v1/whoami").json()

    assert (whoami["tenant"], whoami["role"], whoami["team"]) == (TENANT, "developer", "search")
    assert whoami["actor"] == f"service:{ROBOT['common_name']}"
    assert visit(token(said(ROBOT))).status_code == 403


def test_what_proves_nothing_is_refused_and_a_row(stack, said, visit):
    now_s = int(time.time())
    good = token(said())
    signed = f"{base64url(header(alg='HS256').encode())}.{good.split('.')[1]}"
    modulus = a_key(1).n.to_bytes(256)
    bad = {
        "another audience": token(said(aud=["c3" * 32])),
        "another issuer": token(said(iss="https://other.cloudflareaccess.com")),
        "expired": token(said(exp=now_s - 61, iat=now_s - 600)),
        "not yet valid": token(said(nbf=now_s + 120)),
        "no expiry": token(said(exp=ABSENT)),
        "no algorithm": f"{base64url(header(alg='none').encode())}.{good.split('.')[1]}.",
        "HS256 by the public key": f"{signed}.{base64url(hmac.digest(modulus, signed.encode(), 'sha256'))}",
        "an unknown key": token(said(), head=header(kid="k9"), key=a_key(9)),
        "a key of one's own": token(said(), key=a_key(9)),
        "other claims": ".".join([good.split(".")[0], base64url(said(email="bob@example.com").encode()), good.split(".")[2]]),
        "a signature of another length": good[:-4],
        "another one's address": token(said(sub="another-alice")),
    }  # fmt: skip
    assert visit(good).status_code == 200

    answers = {name: visit(text) for name, text in bad.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(bad, 401)
    assert {answer.json()["error"]["message"] for answer in answers.values()} == {"this token is not valid"}
    logins = "select tenant, actor from auth_events where outcome = 'bad_assertion' and path = '/v1/config'"
    eventually(
        lambda: rows(stack, logins),
        lambda found: {(None, None), (TENANT, "access:another-alice")} <= set(found),
    )


def test_who_has_signed_on_calls_no_provider(said, visit):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}

    assert visit(token(said()), "POST", "/v1/proxy/openai/v1/chat/completions", body).status_code == 401
