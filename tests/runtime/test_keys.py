"""Keys on the genuine runtime: the Ledger, KV, and two isolates that have cached what was true."""

import hashlib
import json

import httpx
import psycopg
import pytest

from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}


def make(admin, **terms):
    answer = admin.post("/v1/keys", {"name": "agent", **terms})
    assert answer.status_code == 201, answer.text
    return answer.json()


def statuses(stack, token):
    """What each of the two isolates says to a metered call with this token."""
    hosts = [{}, {"host": SECOND_EDGE_HOST}]
    return [
        httpx.post(
            stack.edge_url + CHAT, json=BODY, headers={"authorization": f"Bearer {token}", **host}, timeout=60
        ).status_code
        for host in hosts
    ]


def test_a_key_works_as_soon_as_it_is_told_and_ends_as_soon_as_it_is_revoked(stack, admin):
    key = make(admin, team="research", budget_usd="1")
    assert statuses(stack, key["token"]) == [200, 200]

    assert admin.delete(f"/v1/keys/{key['key_id']}").json()["state"] == "revoked"

    assert statuses(stack, key["token"]) == [401, 401]
    shown = admin.get(f"/v1/keys/{key['key_id']}").json()
    assert (shown["state"], shown["held_usd"]) == ("revoked", "0")
    assert float(shown["spent_usd"]) > 0


def test_after_a_rotation_both_tokens_are_one_key_for_as_long_as_was_said(stack, admin):
    key = make(admin)
    new = admin.post(f"/v1/keys/{key['key_id']}/rotate", {"overlap_s": 600}).json()
    assert statuses(stack, key["token"]) == statuses(stack, new["token"]) == [200, 200]

    last = admin.post(f"/v1/keys/{key['key_id']}/rotate", {}).json()

    assert [statuses(stack, each["token"]) for each in (key, new, last)] == [[401, 401], [401, 401], [200, 200]]


def test_a_revoked_administrator_s_key_administers_nothing_in_either_isolate(stack, admin):
    key = make(admin, role="admin")
    other = Edge(stack, key["token"])
    assert [other.get("/v1/keys").status_code, other.get("/v1/keys", host=SECOND_EDGE_HOST).status_code] == [200, 200]

    admin.delete(f"/v1/keys/{key['key_id']}")

    assert [other.get("/v1/keys").status_code, other.get("/v1/keys", host=SECOND_EDGE_HOST).status_code] == [401, 401]


def test_calls_that_are_open_while_their_key_is_revoked_bring_nothing_back(stack, admin):
    key = make(admin)
    headers = {"authorization": f"Bearer {key['token']}", "x-mock": "output_tokens=200;pace_ms=10"}
    with (
        httpx.Client(timeout=60) as client,
        client.stream(
            "POST", stack.edge_url + CHAT, json={**BODY, "max_tokens": 300, "stream": True}, headers=headers
        ) as stream,
    ):
        admin.delete(f"/v1/keys/{key['key_id']}")
        assert stream.status_code == 200
        stream.read()

    eventually(lambda: admin.get(f"/v1/keys/{key['key_id']}").json(), lambda each: each["held_usd"] == "0")
    assert statuses(stack, key["token"]) == [401, 401]


def test_a_token_is_stored_nowhere(stack, admin):
    key = make(admin)
    assert statuses(stack, key["token"]) == [200, 200]
    record = stack.get_kv("key:" + hashlib.sha256(key["token"].encode()).hexdigest())
    assert json.loads(record)["key_id"] == key["key_id"]

    eventually(
        lambda: rows(stack, "select count(*) from llm_request_logs where key_id = %s", key["key_id"]),
        lambda found: found == [(2,)],
    )
    secret = key["token"].removeprefix("aw_live_")
    tables = ("llm_request_logs", "api_access_log", "auth_events", "budget_events", "report_dispatches", "dead_letters")
    for table in tables:
        found = rows(stack, f"select count(*) from {table} as t where t::text like %s", f"%{secret}%")
        assert found == [(0,)], table
    assert secret not in record
    logs = b"".join(path.read_bytes() for path in stack.log_dir.glob("*"))
    assert secret.encode() not in logs


def rows(stack, query, *values):
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()
