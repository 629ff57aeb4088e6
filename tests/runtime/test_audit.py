"""Who came in and who changed what, in PostgreSQL; strangers against the platform's own limiter."""

import httpx
import psycopg
import pytest

from local.stack import Stack
from local.worker_config import LocalLimits
from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/anthropic/v1/messages"


def rows(stack: Stack, query: str, *values: str) -> list[tuple]:
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def test_an_administrator_s_change_is_a_row_of_every_kind(edge, admin, run):
    path = f"/v1/sessions/{run}"
    edge.put(path, {"paused": True})
    admin.put(path, {"limit_usd": "2", "paused": True})

    def stored() -> tuple[list, list, list]:
        access = "select status, key_id, error_code from api_access_log where path = %s order by occurred_at"
        changes = "select change, limit_nanousd, key_id from budget_events where scope_id = %s order by change"
        logins = "select distinct outcome from auth_events where key_id in ('key_live', 'key_admin') order by outcome"
        return rows(edge.stack, access, path), rows(edge.stack, changes, run), rows(edge.stack, logins)

    access, changes, logins = eventually(stored, lambda found: [len(each) for each in found] == [2, 2, 2])

    assert access == [(403, "key_live", "not_permitted"), (200, "key_admin", None)]
    assert changes == [("limit_changed", 2_000_000_000, "key_admin"), ("paused", 2_000_000_000, "key_admin")]
    assert logins == [("accepted",), ("not_permitted",)]


def test_strangers_are_slowed_by_the_platform_s_limiter_and_customers_are_not(tmp_path):
    with Stack(tmp_path / "state", env={"XAI_API_KEY": ""}, limits=LocalLimits(rate_limit=3)) as stack:

        def ask(token: str, path: str = CHAT) -> httpx.Response:
            body = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
            headers = {"x-api-key": token, "anthropic-version": "2023-06-01"}
            return httpx.post(stack.edge_url + path, json=body, headers=headers, timeout=60)

        assert ask("aw_live_" + "0" * 48).status_code == 401
        # The limiter counts by the minute, and this test may run across its end.
        slowed = eventually(lambda: ask("aw_live_" + "0" * 48), lambda answer: answer.status_code == 429)
        served = [ask(stack.tokens["live"]) for _ in range(5)]
        ask(stack.tokens["live"], "/v1/proxy/xai/v1/chat/completions")

        assert slowed.json()["error"]["type"] == "rate_limit_error"
        assert [answer.status_code for answer in served] == [200] * 5
        logins = "select distinct outcome, tenant, path, client_address is not null from auth_events"
        eventually(lambda: rows(stack, logins), lambda found: found == [("unknown", None, CHAT, True)])
        alerts = "select tenant, kind, result, dispatch_key from report_dispatches"
        # A row is claimed before what became of it is known.
        ((*told, key),) = eventually(lambda: rows(stack, alerts), lambda found: found and found[0][2] is not None)
        assert told == ["demo", "alert", "no_webhook"]
        assert key.startswith("provider_key_missing:")
