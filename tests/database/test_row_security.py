"""A tenant's token reads its own rows and nothing else; nobody without one reads anything."""

import asyncio

import httpx
import psycopg
import pytest

from core.telemetry import to_wire
from local.database import signed_token
from sink import take
from tests.database.conftest import SECRET, as_service, as_tenant
from tests.database.rest_services import RestServices
from tests.queue_consumer.records import ACCESS, AT_MS, AUTH, BUDGET, a_call, an_alert

pytestmark = pytest.mark.stack

OF_TENANTS = (
    "llm_request_logs",
    "auth_events",
    "api_access_log",
    "budget_events",
    "report_dispatches",
    "tenants",
)
FUNCTIONS = ("spend_by_session", "spend_by_team", "spend_by_model", "spend_by_day")
SPAN = {"p_from": "2026-01-01", "p_until": "2027-12-31"}


@pytest.fixture(autouse=True)
def _rows_of_two_tenants(services: RestServices) -> None:
    texts = []
    for tenant in ("acme", "beta"):
        for message in (a_call(session_id="s"), AUTH, ACCESS, BUDGET, an_alert()):
            changes = {"tenant": tenant}
            for identity in ("request_id", "event_id"):
                if identity in message.__struct_fields__:
                    changes[identity] = f"{tenant}-{identity}"
            texts.append(to_wire(type(message)(**{**_fields(message), **changes})))
    verdicts = asyncio.run(take(texts, services))
    assert services.buried == []
    assert len(verdicts) == 10


def _fields(message: object) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__struct_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", OF_TENANTS)
@pytest.mark.parametrize("tenant", ["acme", "beta"])
def test_a_tenant_reads_its_own_rows_only(table: str, tenant: str, rest: httpx.Client) -> None:
    rows = rest.get(table, headers=as_tenant(tenant)).json()

    assert [row["tenant"] for row in rows] == [tenant]


@pytest.mark.parametrize("table", OF_TENANTS)
def test_a_tenant_that_is_unknown_reads_nothing(table: str, rest: httpx.Client) -> None:
    assert rest.get(table, headers=as_tenant("gamma")).json() == []


@pytest.mark.parametrize("table", [*OF_TENANTS, "model_pricing"])
def test_without_a_token_nothing_is_read(table: str, rest: httpx.Client) -> None:
    assert rest.get(table).status_code == 401


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_tenant_that_asks_for_anothers_spend_gets_nothing(function: str, rest: httpx.Client) -> None:
    answer = rest.post(f"rpc/{function}", json={**SPAN, "p_tenant": "beta"}, headers=as_tenant("acme"))

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_tenant_that_asks_for_everybodys_spend_gets_its_own(function: str, rest: httpx.Client) -> None:
    rows = rest.post(f"rpc/{function}", json=SPAN, headers=as_tenant("acme")).json()

    assert [(row["tenant"], row["cost_nanousd"]) for row in rows] == [("acme", 4_500)]


def test_a_tenant_cannot_read_anothers_week(rest: httpx.Client) -> None:
    arguments = {"p_tenant": "beta", "p_week_start": "2026-11-16"}

    report = rest.post("rpc/weekly_report", json=arguments, headers=as_tenant("acme")).json()

    assert (report["cost_nanousd"], report["sessions"]) == (0, [])


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("make_months_ahead", {}),
        ("forget_old_records", {}),
        ("take_weekly_report_tenants", {"p_week_start": "2026-11-16", "p_rows_max": 9, "p_retry_seconds": 9}),
        (
            "claim_dispatch",
            {
                "p_tenant": "a",
                "p_kind": "alert",
                "p_key": "k",
                "p_summary": "",
                "p_lease_seconds": 1,
            },
        ),
        ("finish_dispatch", {"p_tenant": "a", "p_kind": "alert", "p_key": "k", "p_result": "sent"}),
    ],
)
def test_only_the_service_runs_the_services_functions(
    function: str, arguments: dict[str, object], rest: httpx.Client
) -> None:
    answers = {
        who: rest.post(f"rpc/{function}", json=arguments, headers=headers).status_code
        for who, headers in (("anon", {}), ("tenant", as_tenant("acme")), ("service", as_service()))
    }

    assert (answers["anon"], answers["tenant"]) == (401, 403)
    assert answers["service"] in (200, 204)


@pytest.mark.parametrize("table", OF_TENANTS)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_tenant_writes_nothing(table: str, method: str, rest: httpx.Client) -> None:
    answer = rest.request(method, f"{table}?tenant=eq.acme", json={"tenant": "acme"}, headers=as_tenant("acme"))

    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_services_key_cannot_rewrite_what_was_recorded(method: str, rest: httpx.Client) -> None:
    for table in ("llm_request_logs", "auth_events", "api_access_log", "budget_events"):
        answer = rest.request(method, f"{table}?tenant=eq.acme", json={"tenant": "beta"}, headers=as_service())
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("claims", "tenants"),
    [
        ('{"role":"authenticated","app_metadata":{"tenant":"beta"}}', ["beta"]),
        ('{"role":"authenticated","user_metadata":{"tenant":"beta"}}', []),
        ('{"role":"authenticated"}', []),
        ("", []),
    ],
    ids=["app_metadata", "user_metadata", "no tenant", "no claims"],
)
def test_only_claims_that_a_user_cannot_write_name_the_tenant(
    claims: str, tenants: list[str], sql: psycopg.Connection
) -> None:
    with sql.transaction():
        sql.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        sql.execute("set local role authenticated")
        rows = sql.execute("select tenant from public.llm_request_logs").fetchall()

    assert [tenant for (tenant,) in rows] == tenants


def test_a_partition_named_directly_is_closed(rest: httpx.Client, sql: psycopg.Connection) -> None:
    (partition,) = sql.execute("select tableoid::regclass::text from llm_request_logs limit 1").fetchone() or ("",)

    with pytest.raises(psycopg.errors.InsufficientPrivilege), sql.transaction():
        sql.execute("set local role authenticated")
        sql.execute(f"select * from {partition}")
    over_rest = rest.get(
        partition.partition(".")[2],
        headers={**as_service(), "accept-profile": "agentwatch"},
    )
    assert over_rest.status_code == 406


def test_a_forged_token_is_refused(rest: httpx.Client) -> None:
    forged = signed_token("service_role", SECRET + "x")

    answer = rest.get("llm_request_logs", headers={"authorization": f"Bearer {forged}"})

    assert answer.status_code == 401


def test_prices_are_everybodys_who_signed_in(rest: httpx.Client) -> None:
    assert rest.get("model_pricing", headers=as_tenant("acme")).status_code == 200


def test_the_records_of_both_tenants_are_there(sql: psycopg.Connection) -> None:
    rows = sql.execute(
        "select tenant, extract(epoch from started_at) * 1000 from llm_request_logs order by 1"
    ).fetchall()

    assert rows == [("acme", AT_MS), ("beta", AT_MS)]
