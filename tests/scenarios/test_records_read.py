"""Usage, calls, events and dead letters over HTTP, the database being a script: who is asked for whose rows, what may
be asked, and how the answers look."""

import csv
import io
import json
from typing import Any

import pytest

from exchange import Answer
from ports import RecordsAnswer
from tests.support.api_client import ADMIN, OPERATOR, OTHER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import TOKEN, World
from tests.support.scripted_records import LETTER, Asked

DEVELOPER, TEAMLESS, REPORTER = ("aw_live_" + digits * 24 for digits in ("de", "1e", "1f"))
DAYS = "from=2026-11-01&until=2026-12-01"
USAGE = f"/v1/usage?{DAYS}"

ROUTES = {
    USAGE: "usage_grouped",
    "/v1/calls": "calls_page",
    "/v1/events": "events_page",
}


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators()
    world.knows(DEVELOPER, tenant="acme", team="search", role="developer", key_id="key_dev")
    world.knows(TEAMLESS, tenant="acme", role="developer", key_id="key_less")
    world.knows(REPORTER, tenant="acme", role="ingest", key_id="key_in")
    return world


def client(world: World, token: str = ADMIN, **settings: str) -> Client:
    return Client(world, an_isolate(**settings), token)


def asked(world: World, path: str, token: str = ADMIN) -> Asked:
    """What the database was asked for a request."""
    answer = client(world, token).ask("GET", path)
    assert answer.status == 200, answer.body
    return world.database.asked[-1]


def error_of(answer: Answer) -> Any:
    return answer.status, json.loads(answer.body)["error"]


def a_group(cost_nanousd: int = 1_500_000_000, day: str | None = None, **members: str | None) -> dict[str, Any]:
    names = ("session", "team", "key", "model", "provider", "outcome", "project", "agent")
    return {
        "day": day,
        "members": [members.get(name) for name in names],
        "requests": 2,
        "attempts": 3,
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "cost_nanousd": cost_nanousd,
    }


def answer_usage(world: World, *groups: dict[str, Any]) -> None:
    at = "2026-11-24T10:00:00.123456+00:00"
    world.database.answers["usage_grouped"] = {"as_of": at, "complete_until": at, "groups": list(groups)}


def a_call(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "request_id": f"req_{number}", "attempt": 1, "started_at": "2026-11-18T11:06:40.123+00:00",
        "stored_at": f"2026-11-18T11:06:41.{number:06}+00:00", "provider": "openai", "model": "gpt-4o-mini",
        "outcome": "complete", "status": 200, "cost_nanousd": 4_500, "prompt_tokens": 10, "completion_tokens": 5,
        "session_id": "s", "team": None, "key_id": "key_1", "project": None, "agent": None, "latency_ms": 12.5,
        "is_streaming": False, "is_cut": False, "error_code": None, "rules": ["r"], "tags": [], "price_version": "v",
        "tenant": "acme", "risks": ["PII_EMAIL"], **changes,
    }  # fmt: skip


def answer_calls(world: World, *calls: dict[str, Any], stored_until: str = "2026-11-24T10:00:00+00:00") -> None:
    world.database.answers["calls_page"] = {"stored_until": stored_until, "calls": list(calls)}


# Whose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "function"), ROUTES.items(), ids=ROUTES.values())
@pytest.mark.parametrize(("token", "tenant"), [(ADMIN, "acme"), (OTHER, "other")])
def test_the_database_is_asked_with_a_token_that_names_the_caller_s_tenant_and_lives_a_minute(
    path: str, function: str, token: str, tenant: str, world: World
) -> None:
    question = asked(world, path, token)

    now_s = world.now_ms() // 1_000
    assert question.function == function
    assert question.claims == {"role": "authenticated", "tenant": tenant, "iat": now_s, "exp": now_s + 60}
    assert tenant not in json.dumps(question.arguments)


@pytest.mark.parametrize("path", [USAGE, "/v1/calls"])
def test_a_developer_s_token_and_question_both_name_its_team(path: str, world: World) -> None:
    question = asked(world, path, DEVELOPER)

    assert (question.claims["team"], question.arguments["p_team"]) == ("search", "search")


@pytest.mark.parametrize("path", [USAGE, "/v1/calls"])
def test_a_member_reads_the_whole_tenant_or_the_team_it_asks_for(path: str, world: World) -> None:
    more = "&" if "?" in path else "?"

    assert asked(world, path, TOKEN).arguments["p_team"] is None
    question = asked(world, f"{path}{more}team=ads", TOKEN)
    assert (question.arguments["p_team"], "team" in question.claims) == ("ads", False)


@pytest.mark.parametrize("path", [USAGE, "/v1/calls?limit=5"])
@pytest.mark.parametrize(
    ("token", "team"), [(DEVELOPER, "ads"), (DEVELOPER, "nobody-s"), (TEAMLESS, "search"), (TEAMLESS, None)]
)
def test_a_developer_gets_nothing_of_another_team(path: str, token: str, team: str | None, world: World) -> None:
    answer_usage(world, a_group())
    answer_calls(world, a_call(1))

    answer = client(world, token).ask("GET", path if team is None else f"{path}&team={team}")

    assert (answer.status, json.loads(answer.body)["data"]) == (200, [])
    assert world.database.asked == []


def test_another_team_looks_as_one_that_nobody_has_heard_of(world: World) -> None:
    bodies = {client(world, DEVELOPER).ask("GET", f"{USAGE}&team={team}").body for team in ("ads", "nobody-s")}

    assert len(bodies) == 1


@pytest.mark.parametrize("path", [*ROUTES, "/v1/dead-letters"])
def test_a_key_that_only_reports_reads_nothing(path: str, world: World) -> None:
    assert client(world, REPORTER).ask("GET", path).status == 403
    assert world.database.asked == []


def test_events_are_an_administrator_s(world: World) -> None:
    statuses = {token: client(world, token).ask("GET", "/v1/events").status for token in (ADMIN, TOKEN, DEVELOPER)}

    assert list(statuses.values()) == [200, 403, 403]


# Asking -------------------------------------------------------------------------------------------------------


def test_usage_is_asked_for_as_the_query_says(world: World) -> None:
    names = "team=a&session_id=s&key_id=k&model=m&provider=p"

    question = asked(
        world, f"/v1/usage?from=2026-11-01&until=2026-11-02T01:30:00%2B01:00&group_by=day,team&{names}&limit=9"
    )

    assert question.arguments == {
        "p_from": "2026-11-01T00:00:00Z", "p_until": "2026-11-02T00:30:00Z", "p_group_by": ["day", "team"],
        "p_team": "a", "p_session_id": "s", "p_key_id": "k", "p_model": "m", "p_provider": "p", "p_rows_max": 10,
        "p_as_of": None, "p_after_day": None, "p_after_cost_nanousd": None, "p_after_members": None,
    }  # fmt: skip


BAD = {
    "/v1/usage": "from",
    "/v1/usage?from=2026-11-01": "until",
    "/v1/usage?from=yesterday&until=2026-11-02": "from",
    "/v1/usage?from=2026-11-01T00:00:00&until=2026-11-02": "from",
    "/v1/usage?from=2026-02-30&until=2026-03-02": "from",
    "/v1/usage?from=2026-11-01&until=2026-11-02T25:00:00Z": "until",
    "/v1/usage?from=0001-01-01T00:00:00%2B14:00&until=2026-11-02": "from",
    "/v1/usage?from=2026-11-02&until=2026-11-02": "from",
    "/v1/usage?from=2026-11-03&until=2026-11-02": "from",
    "/v1/usage?from=2026-01-01&until=2026-04-03T00:00:01Z": "until",
    f"{USAGE}&group_by=tenant": "group_by",
    f"{USAGE}&group_by=day,": "group_by",
    f"{USAGE}&group_by=day,team,key,model,agent,project": "group_by",
    f"{USAGE}&group_by=day%0a": "group_by",
    f"{USAGE}&format=xml": "format",
    f"{USAGE}&limit=0": "limit",
    f"{USAGE}&limit=201": "limit",
    f"{USAGE}&teem=a": "teem",
    f"{USAGE}&team=a%00": "team",
    f"{USAGE}&team={'x' * 257}": "team",
    f"{USAGE}&after=!": "after",
    f"{USAGE}&after=AAAA": "after",
    f"{USAGE}&after=A": "after",
    f"{USAGE}&after={'A' * 12_001}": "after",
    "/v1/calls?outcome=good": "outcome",
    "/v1/calls?outcome=null": "outcome",
    f"{USAGE}&format=null": "format",
    "/v1/calls?tail=1": "tail",
    "/v1/calls?after=W10": "after",
    "/v1/events?kind=budget,calls": "kind",
    "/v1/events?kind=": "kind",
    "/v1/events?from=2026-11-02&until=2026-11-01": "from",
    "/v1/events?team=a": "team",
}


@pytest.mark.parametrize(("path", "param"), BAD.items())
def test_a_query_that_cannot_be_answered_names_its_parameter(path: str, param: str, world: World) -> None:
    status, error = error_of(client(world).ask("GET", path))

    assert (status, error["code"], error["param"]) == (400, "invalid_request", param)
    assert world.database.asked == []


def test_ninety_two_days_can_be_asked_for(world: World) -> None:
    assert asked(world, "/v1/usage?from=2026-01-01&until=2026-04-03").arguments["p_until"] == "2026-04-03T00:00:00Z"


# Usage --------------------------------------------------------------------------------------------------------


def test_groups_have_the_members_that_were_asked_for_and_no_others(world: World) -> None:
    answer_usage(world, a_group(day="2026-11-02", team="search"), a_group(1, day="2026-11-03", model="left out"))

    page = client(world).read(f"{USAGE}&group_by=team,day,team")

    sums = {"requests": 2, "attempts": 3, "prompt_tokens": 40, "completion_tokens": 5}
    assert page == {
        "data": [
            {"day": "2026-11-02", "team": "search", **sums, "cost_usd": "1.5"},
            {"day": "2026-11-03", "team": None, **sums, "cost_usd": "0.000000001"},
        ],
        "next": None,
        "complete_until": 1_795_514_400_123,
    }


def test_a_sum_beyond_what_a_float_holds_is_exact(world: World) -> None:
    answer_usage(world, a_group(10**30 + 1))

    assert client(world).read(USAGE)["data"][0]["cost_usd"] == "1000000000000000000000.000000001"


def test_the_next_page_begins_behind_the_last_group_and_counts_the_same_calls(world: World) -> None:
    answer_usage(world, *(a_group(cost, day="2026-11-02", team=None) for cost in (9, 5, 3)))

    cursor = client(world).read(f"{USAGE}&group_by=day,team&limit=2")["next"]

    arguments = asked(world, f"{USAGE}&group_by=day,team&limit=2&after={cursor}").arguments
    assert {name: value for name, value in arguments.items() if name.startswith(("p_after", "p_as"))} == {
        "p_as_of": "2026-11-24T10:00:00.123456Z",
        "p_after_day": "2026-11-02",
        "p_after_cost_nanousd": 5,
        "p_after_members": [None] * 8,
    }


def test_the_last_page_has_no_next_one_though_it_is_full(world: World) -> None:
    answer_usage(world, a_group(9), a_group(5))

    assert client(world).read(f"{USAGE}&limit=2")["next"] is None


def a_usage_cursor(world: World) -> str:
    answer_usage(world, a_group(9), a_group(5))
    return str(client(world).read(f"{USAGE}&group_by=team&limit=1")["next"])


@pytest.mark.parametrize(
    "other",
    [
        f"/v1/usage?{DAYS}&group_by=model",
        f"/v1/usage?{DAYS}&group_by=team&team=a",
        "/v1/usage?from=2026-11-02&until=2026-12-01&group_by=team",
        "/v1/calls?limit=1",
        "/v1/events?limit=1",
    ],
)
def test_a_cursor_is_good_for_its_own_question_alone(other: str, world: World) -> None:
    status, error = error_of(client(world).ask("GET", f"{other}&after={a_usage_cursor(world)}"))

    assert (status, error["param"]) == (400, "after")


def test_another_tenant_s_cursor_leads_to_one_s_own_rows(world: World) -> None:
    cursor = a_usage_cursor(world)

    question = asked(world, f"{USAGE}&group_by=team&after={cursor}", OTHER)

    assert question.claims["tenant"] == "other"


def test_the_size_and_the_form_of_a_page_may_change_on_the_way(world: World) -> None:
    cursor = a_usage_cursor(world)

    assert client(world).ask("GET", f"{USAGE}&group_by=team&limit=7&format=csv&after={cursor}").status == 200


# CSV ----------------------------------------------------------------------------------------------------------

CELLS = {
    '=HYPERLINK("http://x")': '\'=HYPERLINK("http://x")',
    "+1": "'+1",
    "-1": "'-1",
    "@x": "'@x",
    "\tx": "'\tx",
    "\rx": "'\rx",
    'a "b", c': 'a "b", c',
    "two\r\nlines": "two\r\nlines",
    "a=b": "a=b",
    "": "",
    None: "",
}


@pytest.mark.parametrize(("team", "cell"), CELLS.items())
def test_no_name_is_a_formula_in_a_spreadsheet(team: str | None, cell: str, world: World) -> None:
    answer_usage(world, a_group(day="2026-11-02", team=team))

    answer = client(world).ask("GET", f"{USAGE}&group_by=day,team", accept="text/csv")

    assert isinstance(answer.body, bytes)
    names, row = csv.reader(io.StringIO(answer.body.decode(), newline=""), strict=True)
    assert names == ["day", "team", "requests", "attempts", "prompt_tokens", "completion_tokens", "cost_usd"]
    assert row == ["2026-11-02", cell, "2", "3", "40", "5", "1.5"]


def test_csv_is_named_for_its_span_and_leads_to_its_next_page(world: World) -> None:
    answer_usage(world, a_group(9, team=""), a_group(5))

    answer = client(world).ask("GET", f"{USAGE}&group_by=team&limit=1&format=csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="usage_2026-11-01_2026-12-01.csv"'
    assert answer.body == (
        b'team,requests,attempts,prompt_tokens,completion_tokens,cost_usd\r\n"",2,3,40,5,0.000000009\r\n'
    )
    cursor = answer.headers["x-agentwatch-next"]
    assert asked(world, f"{USAGE}&group_by=team&after={cursor}").arguments["p_after_cost_nanousd"] == 9


@pytest.mark.parametrize(
    ("accept", "form", "kind"),
    [
        ("application/json, text/csv;q=0.5", "", "text/csv"),
        ("text/csvx", "", "application/json"),
        ("*/*", "", "application/json"),
        ("text/csv", "&format=json", "application/json"),
    ],
)
def test_the_query_decides_the_form_before_the_header(accept: str, form: str, kind: str, world: World) -> None:
    answer = client(world).ask("GET", USAGE + form, accept=accept)

    assert answer.headers["content-type"].startswith(kind)


# Calls --------------------------------------------------------------------------------------------------------


def test_a_call_is_told_with_moments_in_milliseconds_and_dollars_in_decimals(world: World) -> None:
    answer_calls(world, a_call(123_456))

    (call,) = client(world).read("/v1/calls")["data"]

    stored = {
        **a_call(123_456),
        "started_at": 1_795_000_000_123,
        "stored_at": 1_795_000_001_123,
        "cost_usd": "0.0000045",
    }
    assert call == {name: value for name, value in stored.items() if name not in ("cost_nanousd", "tenant", "risks")}


def test_calls_are_asked_for_as_the_query_says(world: World) -> None:
    question = asked(world, "/v1/calls?session_id=s&team=t&model=m&outcome=cut&limit=7")

    assert question.arguments == {
        "p_session_id": "s", "p_team": "t", "p_model": "m", "p_outcome": "cut", "p_rows_max": 7,
    }  # fmt: skip


def follow(world: World, path: str = "/v1/calls?limit=2", token: str = ADMIN) -> dict[str, Any]:
    """Where the page after that one begins."""
    cursor = client(world, token).read(path)["next"]
    arguments = asked(world, f"{path}&after={cursor}", token).arguments
    return {name.removeprefix("p_after_"): value for name, value in arguments.items() if name.startswith("p_after")}


def test_the_last_calls_are_followed_from_where_all_is_known(world: World) -> None:
    answer_calls(world, a_call(1), a_call(2), stored_until="2026-11-18T11:06:42.000001+00:00")

    at = "2026-11-18T11:06:42.000001Z"
    assert follow(world) == {"stored_at": at, "request_id": "", "attempt": 0, "started_at": at}


def test_a_full_page_is_followed_from_its_last_call_and_another_from_where_all_is_known(world: World) -> None:
    answer_calls(world, stored_until="2026-11-18T11:06:40+00:00")
    begin = client(world).read("/v1/calls?limit=2")["next"]
    answer_calls(world, a_call(1), a_call(2), stored_until="2026-11-18T11:06:42+00:00")
    full = client(world).read(f"/v1/calls?limit=2&after={begin}")["next"]

    behind = asked(world, f"/v1/calls?limit=2&after={full}").arguments
    assert (behind["p_after_request_id"], behind["p_after_stored_at"]) == ("req_2", "2026-11-18T11:06:41.000002Z")
    answer_calls(world, a_call(3), stored_until="2026-11-18T11:06:42+00:00")
    rest = client(world).read(f"/v1/calls?limit=2&after={full}")["next"]
    assert asked(world, f"/v1/calls?limit=2&after={rest}").arguments["p_after_stored_at"] == "2026-11-18T11:06:42Z"


def test_what_is_known_already_is_never_less(world: World) -> None:
    """A writer's sign is as old as its second: a later look may know less of time than the one before."""
    answer_calls(world, stored_until="2026-11-18T11:06:42.7+00:00")
    cursor = client(world).read("/v1/calls?limit=2")["next"]
    answer_calls(world, stored_until="2026-11-18T11:06:42+00:00")

    assert client(world).read(f"/v1/calls?limit=2&after={cursor}")["next"] == cursor


def test_a_developer_without_a_team_has_a_cursor_all_the_same(world: World) -> None:
    page = client(world, TEAMLESS).read("/v1/calls")

    assert client(world, TEAMLESS).read(f"/v1/calls?after={page['next']}") == page


# Events -------------------------------------------------------------------------------------------------------

COMMON = {
    "tenant": "acme",
    "occurred_at": "2026-11-18T11:06:40.123+00:00",
    "stored_at": "x",
    "key_id": "k",
    "actor": "key:k",
}
BUDGET = {
    "kind": "budget", **COMMON, "event_id": "e1", "change": "limit_changed", "scope_kind": "team", "scope_id": "search",
    "scope_window": "month", "limit_nanousd": 5 * 10**9, "spent_nanousd": 1, "held_nanousd": None,
}  # fmt: skip
AUTH = {
    "kind": "auth", **COMMON, "event_id": "e2", "outcome": "accepted", "role": "admin", "method": "GET", "path": "/v1/keys",
    "client_address": "192.0.2.1",
}  # fmt: skip
ACCESS = {
    "kind": "access", **COMMON, "request_id": "r1", "role": "admin", "method": "PUT", "path": "/v1/budget", "status": 200,
    "error_code": None, "latency_ms": 3.5,
}  # fmt: skip


def told(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    left_out = ("tenant", "stored_at", "limit_nanousd", "spent_nanousd", "held_nanousd")
    return (
        {name: value for name, value in row.items() if name not in left_out}
        | {"occurred_at": 1_795_000_000_123}
        | changes
    )


def test_an_event_has_the_members_of_its_kind(world: World) -> None:
    world.database.answers["events_page"] = [BUDGET, AUTH, ACCESS]

    page = client(world).read("/v1/events")

    amounts = {"limit_usd": "5", "spent_usd": "0.000000001", "held_usd": None}
    assert page == {"data": [told(BUDGET, **amounts), told(AUTH), told(ACCESS)], "next": None}


def test_events_are_asked_for_as_the_query_says_and_page_by_page(world: World) -> None:
    world.database.answers["events_page"] = [AUTH, ACCESS, BUDGET]
    path = "/v1/events?kind=access,auth&from=2026-11-01&until=2026-12-01&limit=2"

    cursor = client(world).read(path)["next"]

    assert asked(world, f"{path}&after={cursor}").arguments == {
        "p_kinds": ["access", "auth"], "p_from": "2026-11-01T00:00:00Z", "p_until": "2026-12-01T00:00:00Z",
        "p_after_occurred_at": "2026-11-18T11:06:40.123000Z", "p_after_kind": "access", "p_after_id": "r1",
        "p_rows_max": 3,
    }  # fmt: skip


# Dead letters -------------------------------------------------------------------------------------------------

LETTERS = "/v1/dead-letters"


def test_letters_are_the_operator_s_and_read_with_the_service_s_token(world: World) -> None:
    world.database.answers["dead_letters_page"] = [LETTER]

    page = client(world, OPERATOR).read(LETTERS)

    assert page == {"data": [{**LETTER, "buried_at": 1_795_424_400_000}], "next": None}
    (question,) = world.database.asked
    assert (question.claims["role"], "tenant" in question.claims) == ("service_role", False)


@pytest.mark.parametrize("token", [ADMIN, TOKEN, DEVELOPER])
@pytest.mark.parametrize(("method", "path"), [("GET", LETTERS), ("POST", f"{LETTERS}/x/replay")])
def test_no_tenant_s_token_comes_near_the_service_s(method: str, path: str, token: str, world: World) -> None:
    assert client(world, token).ask(method, path).status == 403
    assert world.database.asked == []


def test_letters_come_page_by_page(world: World) -> None:
    world.database.answers["dead_letters_page"] = [{**LETTER, "letter_id": each} for each in "cba"]
    operator = client(world, OPERATOR)

    cursor = operator.read(f"{LETTERS}?limit=2")["next"]

    assert asked(world, f"{LETTERS}?limit=2&after={cursor}", OPERATOR).arguments == {
        "p_after_buried_at": "2026-11-23T09:00:00Z",
        "p_after_letter_id": "b",
        "p_rows_max": 3,
    }


def test_a_replay_is_answered_with_the_letter(world: World) -> None:
    world.database.answers["request_replay"] = [{**LETTER, "replay_requested_at": "2026-11-24T00:00:00+00:00"}]

    answer = client(world, OPERATOR).ask("POST", f"{LETTERS}/{LETTER['letter_id']}/replay")

    assert json.loads(answer.body)["replay_requested_at"] == 1_795_478_400_000
    assert world.database.asked[-1].arguments == {"p_letter_id": LETTER["letter_id"]}


@pytest.mark.parametrize("letter_id", ["0" * 64, "x", "0" * 65, "AB" * 32])
def test_a_letter_that_nobody_knows_is_not_found(letter_id: str, world: World) -> None:
    world.database.answers["request_replay"] = []

    status, error = error_of(client(world, OPERATOR).ask("POST", f"{LETTERS}/{letter_id}/replay"))

    assert (status, error["code"]) == (404, "not_found")


# What goes wrong ----------------------------------------------------------------------------------------------

FAULTS = {
    "SUPABASE_JWT_SECRET": RecordsAnswer(401, b'{"code":"PGRST301"}'),
    "migrations": RecordsAnswer(404, b'{"code":"PGRST202"}'),
    "shorter span": RecordsAnswer(500, b'{"code":"57014"}'),
    "answered 400 22P02": RecordsAnswer(400, b'{"code":"22P02","message":"canary"}'),
    "answered 502": RecordsAnswer(502, b"<html>"),
    "answered 302": RecordsAnswer(302, b""),
    "not what its migrations": RecordsAnswer(200, b'{"groups":7}'),
}


@pytest.mark.parametrize(("words", "fault"), FAULTS.items(), ids=FAULTS)
def test_a_database_that_does_not_answer_as_it_should_is_a_503_that_says_what_to_do(
    words: str, fault: RecordsAnswer, world: World
) -> None:
    world.database.fault = fault

    status, error = error_of(client(world).ask("GET", USAGE))

    assert (status, error["code"]) == (503, "records_unavailable")
    assert words in error["message"] and "canary" not in error["message"]


def test_a_database_that_does_not_answer_at_all_is_to_be_asked_again(world: World) -> None:
    world.database.is_away = True

    answer = client(world).ask("GET", USAGE)

    assert (answer.status, answer.headers["retry-after-ms"]) == (503, "2000")


@pytest.mark.parametrize("missing", ["SUPABASE_URL", "SUPABASE_JWT_SECRET"])
@pytest.mark.parametrize("path", [*ROUTES, LETTERS])
def test_a_deployment_without_the_secrets_says_which_to_set(path: str, missing: str, world: World) -> None:
    token = OPERATOR if path == LETTERS else ADMIN

    status, error = error_of(client(world, token, **{missing: ""}).ask("GET", path))

    assert (status, error["code"]) == (503, "records_unavailable")
    assert error["message"].endswith(missing)
    assert world.database.asked == []


def test_whoever_reads_is_in_the_log(world: World) -> None:
    client(world).ask("GET", "/v1/events")
    client(world, OPERATOR).ask("GET", LETTERS)

    logged = [(each["tenant"], each["path"], each["actor"]) for each in world.records if each["type"] == "access"]
    assert logged == [("acme", "/v1/events", "key:key_acme"), ("@platform", LETTERS, "operator")]
