"""Claims: one winner, a failed one is handed back, a dead one's lease runs out, the end is the end."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from local.database import Database

pytestmark = pytest.mark.stack


def claim(sql: psycopg.Connection, *, lease_s: int = 120, tenant: str = "acme", kind: str = "alert") -> str:
    row = sql.execute("select claim_dispatch(%s, %s, 'k', 'Told.', %s)", (tenant, kind, lease_s)).fetchone()
    assert row is not None
    return str(row[0])


def finish(sql: psycopg.Connection, result: str | None) -> None:
    sql.execute("select finish_dispatch('acme', 'alert', 'k', %s)", (result,))


def test_of_many_claims_at_once_one_wins(database: Database, sql: psycopg.Connection) -> None:
    def claim_alone(_: int) -> str:
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            return claim(connection)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(claim_alone, range(16)))

    assert sorted(answers) == ["busy"] * 15 + ["claimed"]


def test_tenants_do_not_take_each_others_claims(sql: psycopg.Connection) -> None:
    assert [claim(sql, tenant="acme"), claim(sql, tenant="beta")] == ["claimed", "claimed"]


def test_a_finished_dispatch_stays_finished(sql: psycopg.Connection) -> None:
    claim(sql)
    finish(sql, "sent")

    assert claim(sql, lease_s=0) == "finished"


def test_a_claim_handed_back_is_free_at_once(sql: psycopg.Connection) -> None:
    claim(sql)
    finish(sql, None)

    assert claim(sql) == "claimed"


def test_the_claim_of_a_dead_worker_is_taken_over_after_its_lease(sql: psycopg.Connection) -> None:
    claim(sql)
    assert claim(sql) == "busy"
    sql.execute("update report_dispatches set claimed_at = now() - interval '121 seconds'")

    assert claim(sql) == "claimed"
    assert sql.execute("select attempts from report_dispatches").fetchone() == (2,)


def test_a_result_is_written_once(sql: psycopg.Connection) -> None:
    claim(sql)
    finish(sql, "sent")
    finish(sql, "no_webhook")

    assert sql.execute("select result from report_dispatches").fetchone() == ("sent",)


def test_slack_and_the_webhook_have_claims_of_their_own(sql: psycopg.Connection) -> None:
    assert [claim(sql, kind=kind) for kind in ("alert", "alert_webhook")] == ["claimed", "claimed"]
    finish(sql, "sent")

    assert [claim(sql, kind=kind) for kind in ("alert", "alert_webhook")] == ["finished", "busy"]


def test_what_is_no_kind_of_telling_is_refused(sql: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        claim(sql, kind="alert_pigeon")
