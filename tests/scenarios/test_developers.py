"""What a developer sees: the sessions, the budget and the place in the list of its own team, and no sign of others."""

import json
from typing import Any

import pytest

from tests.support.api_client import ADMIN, ANSWER, CALL, Client, an_isolate
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

SEARCH, BLUE, ALONE = ("aw_live_" + digits * 24 for digits in ("a1", "b2", "c3"))
REST = {"paused": False, "resets_at": 1_796_083_200_000}


@pytest.fixture
def world() -> World:
    """Two teams and a key of no team have each called once."""
    world = World({})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    world.knows(ADMIN, tenant="acme", role="admin", key_id="key_admin")
    for name, token, team in (("search", SEARCH, "search"), ("blue", BLUE, "blue"), ("alone", ALONE, None)):
        world.knows(token, tenant="acme", role="developer", team=team, key_id=f"key_{name}")
        assert of(world, token).call(CALL, x_agentwatch_session_id=f"of-{name}").status == 200
    return world


def of(world: World, token: str) -> Client:
    return Client(world, an_isolate(), token)


def refusal(client: Client, path: str) -> tuple[int, Any]:
    answer = client.ask("GET", path)
    return answer.status, {**json.loads(answer.body)["error"], "request_id": ""}


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        (SEARCH, ["of-search"]),
        (BLUE, ["of-blue"]),
        (ALONE, ["of-alone"]),
        (TOKEN, ["of-alone", "of-blue", "of-search"]),
        (ADMIN, ["of-alone", "of-blue", "of-search"]),
    ],
    ids=["search", "blue", "a key of no team", "a member", "an administrator"],
)
def test_a_developer_s_list_of_sessions_is_its_team_s(world: World, token: str, seen: list[str]) -> None:
    page = of(world, token).read("/v1/sessions")

    assert [each["scope_id"] for each in page["sessions"]] == seen
    assert page["next_after"] is None
    after = of(world, token).read("/v1/sessions?limit=1")["next_after"]
    rest = of(world, token).read(f"/v1/sessions?after={after or 'z'}")["sessions"]
    assert [each["scope_id"] for each in rest] == seen[1:]


def test_another_team_s_session_looks_like_one_that_never_was(world: World) -> None:
    developer = of(world, SEARCH)
    asked = world.ledger_calls
    unknown = refusal(developer, "/v1/sessions/never")
    for_unknown, asked = world.ledger_calls - asked, world.ledger_calls

    foreign = refusal(developer, "/v1/sessions/of-blue")

    assert unknown == foreign
    assert (foreign[0], foreign[1]["code"]) == (404, "not_found")
    assert world.ledger_calls - asked == for_unknown, "the same work"
    assert developer.read("/v1/sessions/of-search")["accounts"][0]["spent_usd"] != "0"
    assert of(world, TOKEN).ask("GET", "/v1/sessions/of-blue").status == 200


def test_another_team_s_budget_looks_like_one_that_never_was(world: World) -> None:
    developer = of(world, SEARCH)

    unknown, foreign = (refusal(developer, f"/v1/teams/{name}/budget") for name in ("never", "blue"))

    assert unknown == foreign and foreign[0] == 404
    assert refusal(of(world, ALONE), "/v1/teams/blue/budget") == foreign
    assert developer.ask("GET", "/v1/teams/search/budget").status == 200
    assert developer.ask("GET", "/v1/budget").status == 200
    assert of(world, TOKEN).ask("GET", "/v1/teams/never/budget").status == 200


def test_teams_are_listed_with_their_budgets_and_a_developer_sees_its_own(world: World) -> None:
    admin = of(world, ADMIN)
    admin.put("/v1/teams/search/budget", {"limit_usd": "5"})
    admin.put("/v1/teams/idle/budget", {"limit_usd": "7", "paused": True})
    spent = {"spent_usd": "0.000021", "held_usd": "0"}
    search = {"team": "search", "limit_usd": "5", **spent, **REST}

    assert admin.read("/v1/teams") == {
        "data": [
            {"team": "blue", "limit_usd": None, **spent, **REST},
            {"team": "idle", "limit_usd": "7", "spent_usd": "0", "held_usd": "0", **REST, "paused": True},
            search,
        ],
        "next": None,
    }
    assert of(world, SEARCH).read("/v1/teams") == {"data": [search], "next": None}
    assert of(world, ALONE).read("/v1/teams") == {"data": [], "next": None}


def test_a_list_of_teams_goes_on_by_its_cursor(world: World) -> None:
    admin = of(world, ADMIN)
    for name in ("a/b?c", "ä", "x"):
        assert admin.ask("PUT", f"/v1/teams/{name.replace('/', '%2F').replace('?', '%3F')}/budget", {"paused": True})
    names, after = [], ""
    while True:
        page = admin.read(f"/v1/teams?limit=2&after={after}")
        names += [each["team"] for each in page["data"]]
        if (after := page["next"]) is None:
            break

    assert names == ["a/b?c", "blue", "search", "x", "ä"]
    other_list = admin.read("/v1/keys?limit=1")["next"] or "WyJrZXlzIiwieCJd"
    assert refusal(admin, f"/v1/teams?after={other_list}")[1]["param"] == "after"


def test_a_developer_changes_nobody_s_budget(world: World) -> None:
    developer = of(world, SEARCH)

    for path in ("/v1/sessions/of-search", "/v1/teams/search/budget", "/v1/budget"):
        assert developer.ask("PUT", path, {"paused": True}).status == 403
    assert developer.ask("DELETE", "/v1/sessions/of-search").status == 403
