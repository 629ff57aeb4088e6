"""Usage in groups: sums that equal a naive one's, and pages that lose and double nothing."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import httpx
import psycopg
import pytest

from core.money.usage import Usage
from core.telemetry import CallRecord
from tests.database.conftest import as_service, as_team, as_tenant
from tests.database.rest_services import RestServices, store
from tests.queue_consumer.records import AT_MS, a_call

pytestmark = pytest.mark.stack

SPAN = {"p_from": "2026-11-01", "p_until": "2026-12-01"}
DAY_MS = 86_400_000
MEMBERS = ("session", "team", "key", "model", "provider", "outcome", "project", "agent")
COLUMNS = {"session": "session_id", "key": "key_id"}

Ask = Callable[..., Any]


@pytest.fixture
def usage(rest: httpx.Client) -> Ask:
    def ask(headers: dict[str, str] | None = None, **arguments: object) -> Any:
        answer = rest.post("rpc/usage_grouped", json={**SPAN, **arguments}, headers=headers or as_tenant("acme"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def pages(usage: Ask, size: int, between: Callable[[], None] = lambda: None, **arguments: object) -> Iterator[Any]:
    """Every page, read as the edge Worker reads them, with something going on between them."""
    behind: dict[str, object] = {}
    while True:
        page = usage(**arguments, **behind, p_rows_max=size)
        yield page
        if len(page["groups"]) < size:
            return
        last = page["groups"][-1]
        behind = {
            "p_as_of": page["as_of"],
            "p_after_day": last["day"],
            "p_after_cost_nanousd": last["cost_nanousd"],
            "p_after_members": last["members"],
        }
        between()


def groups_of(read: Iterator[Any]) -> list[Any]:
    return [group for page in read for group in page["groups"]]


def names_of(groups: list[Any]) -> list[tuple[object, ...]]:
    return [(group["day"], *group["members"]) for group in groups]


def random_calls(dice: random.Random, count: int) -> list[CallRecord]:
    """Few names, many of them missing, and few costs: equal sums and nulls are the rule."""

    def name(kind: str) -> str | None:
        return dice.choice([None, "", f"{kind}-a", f"{kind}-b"])

    return [
        a_call(
            n,
            attempt=dice.choice([1, 1, 2]),
            started_at_ms=AT_MS + dice.randrange(-3, 3) * DAY_MS,
            usage=Usage(input_tokens=dice.randrange(10), output_tokens=dice.randrange(10)),
            cost_nanousd=dice.choice([0, 1, 1, 2**53 - 1]),
            outcome=dice.choice(["complete", "refused"]),
            **{column: name(column) for column in ("session_id", "team", "key_id", "project", "agent", "provider")},
        )
        for n in range(count)
    ]


def naive_sums(calls: list[CallRecord], group_by: tuple[str, ...]) -> dict[tuple[object, ...], tuple[int, ...]]:
    sums: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * 5)
    for call in calls:
        day = datetime.fromtimestamp(call.started_at_ms / 1000, UTC).date().isoformat() if "day" in group_by else None
        members = (getattr(call, COLUMNS.get(name, name)) if name in group_by else None for name in MEMBERS)
        counts = (
            int(call.attempt == 1), 1, call.usage.prompt_tokens, call.usage.completion_tokens, call.cost_nanousd,
        )  # fmt: skip
        group = sums[(day, *members)]
        for place, count in enumerate(counts):
            group[place] += count
    return {name: tuple(group) for name, group in sums.items()}


def sums_of(groups: list[Any]) -> dict[tuple[object, ...], tuple[int, ...]]:
    counts = ("requests", "attempts", "prompt_tokens", "completion_tokens", "cost_nanousd")
    return {name: tuple(group[count] for count in counts) for name, group in zip(names_of(groups), groups, strict=True)}


# Sums ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_those_of_a_naive_count_by_whatever_they_are_grouped(
    seed: int, usage: Ask, services: RestServices
) -> None:
    dice = random.Random(seed)
    calls = random_calls(dice, 300)
    store(calls, services)
    every_way = [*combinations(("day", *MEMBERS), 1), *combinations(("day", *MEMBERS), 2), ("day", *MEMBERS), ()]

    for group_by in [*dice.sample(every_way, 12), ("day", *MEMBERS), ()]:
        groups = usage(p_group_by=list(group_by), p_rows_max=1_000)["groups"]
        assert sums_of(groups) == naive_sums(calls, group_by), group_by
        assert len(groups) == len(set(names_of(groups)))


FILTERS = [("p_team", "team"), ("p_session_id", "session_id"), ("p_key_id", "key_id"), ("p_provider", "provider")]


@pytest.mark.parametrize(("argument", "column"), FILTERS)
def test_a_filter_leaves_the_calls_of_that_name_only(
    argument: str, column: str, usage: Ask, services: RestServices
) -> None:
    calls = random_calls(random.Random(5), 200)
    store(calls, services)
    wanted = [call for call in calls if getattr(call, column) == f"{column}-a"]

    groups = usage(p_group_by=["model"], **{argument: f"{column}-a"})["groups"]

    assert wanted
    assert sums_of(groups) == naive_sums(wanted, ("model",))


def test_a_group_that_nobody_knows_is_refused(rest: httpx.Client) -> None:
    arguments = {**SPAN, "p_group_by": ["tenant; drop table tenants"]}

    answer = rest.post("rpc/usage_grouped", json=arguments, headers=as_tenant("acme"))

    assert (answer.status_code, answer.json()["code"]) == (400, "22023")


def test_a_span_contains_its_beginning_but_not_its_end(usage: Ask, services: RestServices) -> None:
    store(
        [a_call(n, started_at_ms=at, cost_nanousd=10**n) for n, at in enumerate((AT_MS - 1, AT_MS, AT_MS + 1))],
        services,
    )
    starts, ends = (datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in (AT_MS, AT_MS + 1))

    assert [group["cost_nanousd"] for group in usage(p_from=starts, p_until=ends)["groups"]] == [10]


def test_complete_until_is_when_the_youngest_call_was_stored(
    usage: Ask, services: RestServices, sql: psycopg.Connection
) -> None:
    assert usage()["complete_until"] is None
    store([a_call(1, tenant="acme"), a_call(2, tenant="acme", started_at_ms=1)], services)
    store([a_call(3, tenant="beta")], services)

    said = usage()["complete_until"]

    (youngest,) = sql.execute("select max(stored_at) from llm_request_logs where tenant = 'acme'").fetchone() or ()
    assert datetime.fromisoformat(said) == youngest


# Pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_lose_and_double_no_group_with_equal_sums_or_missing_members(
    size: int, usage: Ask, services: RestServices
) -> None:
    calls = random_calls(random.Random(11), 120)
    store(calls, services)
    group_by = ("day", "session", "team", "agent")

    groups = groups_of(pages(usage, size, p_group_by=list(group_by)))

    assert len(groups) == len(set(names_of(groups)))
    assert sums_of(groups) == naive_sums(calls, group_by)


def test_groups_come_by_day_and_the_dearest_first(usage: Ask, services: RestServices) -> None:
    store(random_calls(random.Random(2), 200), services)

    groups = usage(p_group_by=["day", "team"], p_rows_max=1_000)["groups"]

    keys = [(group["day"], -group["cost_nanousd"]) for group in groups]
    assert keys == sorted(keys)
    assert len({day for day, _ in keys}) == 6


def test_calls_that_come_in_between_pages_move_no_group_past_the_reader(usage: Ask, services: RestServices) -> None:
    calls = [a_call(n, session_id=f"s{n}", cost_nanousd=n) for n in range(20)]
    store(calls, services)
    numbers = iter(range(1_000, 2_000))

    def dearer() -> None:
        """The cheapest becomes the dearest, and there is a new one."""
        store(
            [a_call(next(numbers), session_id="s0", cost_nanousd=10**9), a_call(next(numbers), session_id="new")],
            services,
        )

    groups = groups_of(pages(usage, 3, dearer, p_group_by=["session"]))

    assert sums_of(groups) == naive_sums(calls, ("session",))
    assert len(groups) == 20


def test_groups_that_go_between_pages_take_none_along(
    usage: Ask, services: RestServices, sql: psycopg.Connection
) -> None:
    store([a_call(n, session_id=f"s{n:02}", cost_nanousd=5) for n in range(20)], services)
    going = iter(["s00", "s03", "s19", "s10", "s04", "s05", "s06"])

    def gone() -> None:
        sql.execute("delete from llm_request_logs where session_id = %s", (next(going),))

    read = [group["members"][0] for group in groups_of(pages(usage, 3, gone, p_group_by=["session"]))]

    assert len(read) == len(set(read))
    assert set(read) >= {f"s{n:02}" for n in range(20)} - {"s00", "s03", "s19", "s10", "s04", "s05", "s06"}


# Whose --------------------------------------------------------------------------------------------------------


def test_no_token_sums_what_is_anothers(usage: Ask, services: RestServices, rest: httpx.Client) -> None:
    store([a_call(1, tenant="beta", session_id="s", team="search"), a_call(2, tenant="acme", cost_nanousd=7)], services)

    assert [group["cost_nanousd"] for group in usage()["groups"]] == [7]
    assert usage(p_session_id="s")["groups"] == []
    assert rest.post("rpc/usage_grouped", json=SPAN).status_code == 401


def test_a_token_of_a_team_sums_its_calls_whatever_it_asks_for(usage: Ask, services: RestServices) -> None:
    store(
        [a_call(1, team="search", cost_nanousd=1), a_call(2, team="ads", cost_nanousd=20), a_call(3, cost_nanousd=300)],
        services,
    )
    own = as_team("acme", "search")

    assert [group["members"][1] for group in usage(own, p_group_by=["team"])["groups"]] == ["search"]
    assert usage(own, p_team="ads")["groups"] == []
    assert [group["cost_nanousd"] for group in usage(as_tenant("acme"))["groups"]] == [321]
    assert [group["cost_nanousd"] for group in usage(as_service())["groups"]] == [321]
