"""Calls in the order in which they were stored: whoever follows them sees each once, however transactions commit."""

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from local.database import Database
from tests.database.conftest import as_team, as_tenant
from tests.database.rest_services import RestServices, store
from tests.queue_consumer.records import AT_MS, a_call

pytestmark = pytest.mark.stack

Ask = Callable[..., Any]

INSERT = """
    insert into llm_request_logs (
      request_id, attempt, started_at, tenant, source, outcome, path, is_streaming, input_tokens, cached_input_tokens,
      cache_write_5m_tokens, cache_write_1h_tokens, audio_input_tokens, image_input_tokens, output_tokens,
      reasoning_tokens, audio_output_tokens, image_output_tokens, web_search_calls, prompt_tokens, completion_tokens,
      cost_nanousd, overrun_nanousd, price_version, risks, tags, is_cut, is_clamped, is_fail_open, is_estimated)
    values (%s, 1, now(), 'acme', 'proxy', 'complete', 'p', false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'v',
      '{}', '{}', false, false, false, false)
"""


class Follower:
    """Asks for the calls behind the last one it has seen, as the edge Worker does."""

    def __init__(self, rest: httpx.Client, headers: dict[str, str] | None = None, **arguments: object) -> None:
        self._rest, self._headers, self._arguments = rest, headers or as_tenant("acme"), arguments
        self._behind: dict[str, object] = {"p_after_stored_at": "2000-01-01T00:00:00Z"}
        self.seen: list[str] = []

    def look(self, size: int = 1_000) -> list[str]:
        """What is new."""
        page = page_of(self._rest, self._headers, **self._arguments, **self._behind, p_rows_max=size)
        if len(page["calls"]) == size:
            names = ("stored_at", "request_id", "attempt", "started_at")
            self._behind = {f"p_after_{name}": page["calls"][-1][name] for name in names}
        elif page["stored_until"] > str(self._behind["p_after_stored_at"]):
            self._behind = {"p_after_stored_at": page["stored_until"]}
        new = [call["request_id"] for call in page["calls"]]
        self.seen += new
        return new


def page_of(rest: httpx.Client, headers: dict[str, str], **arguments: object) -> Any:
    answer = rest.post("rpc/calls_page", json=arguments, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def writers(database: Database) -> Iterator[list[psycopg.Connection]]:
    """Two transactions that are open until somebody commits them. Their tenant has been seen before: the first calls
    of a new one wait for each other."""
    with psycopg.connect(database.dsn) as connection:
        connection.execute("insert into tenants (tenant) values ('acme')")
    connections = [psycopg.connect(database.dsn) for _ in range(2)]
    yield connections
    for connection in connections:
        connection.close()


# Order --------------------------------------------------------------------------------------------------------


def test_a_call_that_is_stored_early_and_committed_late_is_seen(
    rest: httpx.Client, writers: list[psycopg.Connection]
) -> None:
    early, late = writers
    follower = Follower(rest)
    early.execute(INSERT, ("early",))
    late.execute(INSERT, ("late",))

    late.commit()
    assert follower.look() == []
    early.commit()

    assert follower.look() == ["early", "late"]
    assert follower.look() == []


def test_whoever_began_before_and_stores_after_is_seen(rest: httpx.Client, writers: list[psycopg.Connection]) -> None:
    early, late = writers
    follower = Follower(rest)
    early.execute("select now()")
    late.execute(INSERT, ("late",))
    late.commit()
    assert follower.look() == ["late"]

    early.execute(INSERT, ("early",))
    early.commit()

    assert follower.look() == ["early"]


def test_a_transaction_that_is_taken_back_holds_nobody_up(
    rest: httpx.Client, writers: list[psycopg.Connection]
) -> None:
    early, late = writers
    follower = Follower(rest)
    early.execute(INSERT, ("early",))
    late.execute(INSERT, ("late",))
    late.commit()
    early.rollback()

    assert follower.look() == ["late"]


def test_calls_of_another_tenant_that_are_being_stored_only_delay(
    rest: httpx.Client, writers: list[psycopg.Connection], services: RestServices
) -> None:
    follower = Follower(rest, as_tenant("beta"))
    writers[0].execute(INSERT, ("of acme",))
    store([a_call(1, tenant="beta")], services)
    writers[0].commit()

    assert follower.look() == ["req_1"]


def test_each_call_is_seen_once_while_writers_commit_in_any_order(rest: httpx.Client, database: Database) -> None:
    follower, dice = Follower(rest), random.Random(3)
    plans = [[dice.choice([0, 0, 0.002, 0.01]) for _ in range(25)] for _ in range(6)]

    def write(writer: int) -> None:
        with psycopg.connect(database.dsn) as connection:
            for number, pause_s in enumerate(plans[writer]):
                connection.execute(INSERT, (f"{writer}-{number}-a",))
                connection.execute("select pg_sleep(%s)", (pause_s,))
                connection.execute(INSERT, (f"{writer}-{number}-b",))
                connection.commit()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(len(plans))]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        follower.look(size=dice.choice([1, 5, 50]))
    while follower.look(size=50):
        pass

    everyone = {f"{writer}-{number}-{half}" for writer in range(6) for number in range(25) for half in "ab"}
    assert sorted(follower.seen) == sorted(everyone)


# Pages --------------------------------------------------------------------------------------------------------


def in_one_moment(sql: psycopg.Connection) -> None:
    """As batches were stored that an earlier version took in: their rows bear one moment."""
    sql.execute("update llm_request_logs set stored_at = '2026-11-18T11:06:40.123Z'")


@pytest.mark.parametrize("size", [1, 50, 99, 500])
def test_five_hundred_calls_of_one_moment_come_once_each(
    size: int, rest: httpx.Client, services: RestServices, sql: psycopg.Connection
) -> None:
    count = 500 if size > 1 else 25
    store([a_call(n, attempt=n % 3 + 1) for n in range(count)], services)
    in_one_moment(sql)
    follower = Follower(rest)

    while follower.look(size):
        pass

    assert sorted(follower.seen) == sorted(f"req_{n}" for n in range(count))


def test_one_id_twice_in_one_moment_is_two_calls(
    rest: httpx.Client, services: RestServices, sql: psycopg.Connection
) -> None:
    """An SDK may report an id again with another start."""
    store([a_call(1, started_at_ms=AT_MS + n) for n in range(3)], services)
    in_one_moment(sql)
    follower = Follower(rest)

    assert [follower.look(1) for _ in range(4)] == [["req_1"], ["req_1"], ["req_1"], []]


def test_what_is_stored_or_goes_between_pages_is_seen_or_not_and_nothing_else_changes(
    rest: httpx.Client, services: RestServices, sql: psycopg.Connection
) -> None:
    store([a_call(n) for n in range(30)], services)
    follower = Follower(rest)
    first = follower.look(10)

    gone = {first[3], first[9], *(call for call in map("req_{}".format, range(30)) if call not in first)} - {"req_29"}
    sql.execute("delete from llm_request_logs where request_id = any(%s)", (list(gone),))
    store([a_call(n, started_at_ms=1) for n in range(100, 103)], services)
    while follower.look(2):
        pass

    assert follower.seen == [*first, *(["req_29"] if "req_29" not in first else []), "req_100", "req_101", "req_102"]


def test_without_a_place_the_last_calls_come_the_oldest_first(rest: httpx.Client, services: RestServices) -> None:
    for n in range(5):
        store([a_call(n)], services)

    page = page_of(rest, as_tenant("acme"), p_rows_max=3)

    assert [call["request_id"] for call in page["calls"]] == ["req_2", "req_3", "req_4"]
    assert page["stored_until"] > page["calls"][-1]["stored_at"]


FILTERS = [("p_session_id", "session_id"), ("p_team", "team"), ("p_model", "model"), ("p_outcome", "outcome")]


@pytest.mark.parametrize(("argument", "column"), FILTERS)
@pytest.mark.parametrize("begins", [{}, {"p_after_stored_at": "2000-01-01T00:00:00Z"}], ids=["last", "behind"])
def test_a_filter_leaves_the_calls_of_that_name_only(
    argument: str, column: str, begins: dict[str, str], rest: httpx.Client, services: RestServices
) -> None:
    store([a_call(1, **{column: "cut"}), a_call(2, **{column: "failed"})], services)

    page = page_of(rest, as_tenant("acme"), **{argument: "cut"}, **begins)

    assert [call["request_id"] for call in page["calls"]] == ["req_1"]


def test_a_page_is_found_by_the_order_of_storing(sql: psycopg.Connection) -> None:
    """Following costs what is new, not what is there."""
    with sql.transaction():
        sql.execute("set local role authenticated")
        sql.execute("""select set_config('request.jwt.claims', '{"tenant":"acme"}', true)""")
        for costly in ("seqscan", "sort", "bitmapscan"):
            sql.execute(f"set local enable_{costly} = off")
        plan = sql.execute(
            "explain select * from llm_request_logs"
            " where (stored_at, request_id, attempt, started_at) > (now(), 'x', 1, now())"
            " order by stored_at, request_id, attempt, started_at limit 10"
        ).fetchall()

    words = "\n".join(line for (line,) in plan)
    assert "Index Cond: ((tenant = " in words and "ROW(stored_at, request_id, attempt, started_at)" in words
    assert "Merge Append" in words and "Sort  (" not in words


# Whose --------------------------------------------------------------------------------------------------------


def test_nobody_follows_the_calls_of_others(rest: httpx.Client, services: RestServices) -> None:
    store(
        [a_call(1, tenant="beta", team="search"), a_call(2, team="search"), a_call(3, team="ads"), a_call(4)], services
    )

    assert Follower(rest).look() == ["req_2", "req_3", "req_4"]
    assert Follower(rest, as_team("acme", "search")).look() == ["req_2"]
    assert Follower(rest, as_team("acme", "search"), p_team="ads").look() == []
    assert rest.post("rpc/calls_page", json={}).status_code == 401
