"""How AgentWatch is asked: what is repeated, what is not, and lists of many pages."""

from __future__ import annotations

import json

import pytest
from cli.commands_run import KEY
from cli.conftest import Cli
from cli.scripted_api import HANG_UP, TOKEN, Reply, ScriptedApi, refusal

BUSY = Reply(429, refusal(429, "rate_limited").document, {"retry-after": "7"})
AWAY = Reply(503, refusal(503, "budget_unavailable").document)


def once(api: ScriptedApi, said: Reply | str) -> None:
    answers = iter([said])
    api.on_request = lambda _: next(answers, None)


@pytest.mark.parametrize("said", [BUSY, AWAY, HANG_UP], ids=["429", "503", "no answer"])
def test_reading_is_repeated(cli: Cli, api: ScriptedApi, said: Reply | str) -> None:
    once(api, said)

    assert cli.run("key", "list").code == 0
    assert len(api.received) == 2


@pytest.mark.parametrize(
    "line", ["session pause run-1", "session reset run-1 --yes", f"key rotate {KEY}", "webhook test"]
)
def test_a_write_whose_answer_is_missing_is_not_repeated(cli: Cli, api: ScriptedApi, line: str) -> None:
    once(api, HANG_UP)

    assert cli.run(*line.split()).code == 6
    assert len(api.received) == 1


@pytest.mark.parametrize("line", ["session pause run-1", f"key rotate {KEY}"])
def test_what_was_not_carried_out_is_asked_again_when_it_may_be(
    cli: Cli, api: ScriptedApi, waited: list[float], line: str
) -> None:
    once(api, BUSY)

    done = cli.run(*line.split())

    assert (done.code, waited) == (0, [7.0])
    assert "too many requests: going on in 7 s" in done.err


def test_a_refusal_that_is_no_use_to_repeat_is_not_repeated(cli: Cli, api: ScriptedApi) -> None:
    api.on_request = lambda _: Reply(503, refusal(503, "records_unavailable").document, {"x-should-retry": "false"})

    assert cli.run("usage").code == 6
    assert len(api.received) == 1


def test_nobody_is_asked_for_ever(cli: Cli, api: ScriptedApi, waited: list[float]) -> None:
    api.on_request = lambda _: Reply(429, refusal(429, "rate_limited").document, {"retry-after": "1e9"})

    assert cli.run("key", "list").code == 1
    assert (len(api.received), waited) == (4, [120.0] * 3)


def test_nothing_listens(cli: Cli, waited: list[float]) -> None:
    done = cli.run("key", "revoke", KEY, "--yes", AGENTWATCH_BASE_URL="http://127.0.0.1:9")

    assert (done.code, len(waited)) == (6, 3)
    assert "Nobody knows" not in done.err


def test_a_list_is_read_to_its_end(cli: Cli, api: ScriptedApi) -> None:
    for number in range(500):
        api.a_key(name=f"key {number}")

    listed = json.loads(cli.run("key", "list", "--json").out)
    some = cli.run("key", "list", "--limit", "250", "--json")

    assert [key["key_id"] for key in listed["data"]] == list(api.keys)
    assert listed["next"] is None
    assert (len(json.loads(some.out)["data"]), json.loads(some.out)["next"]) == (250, "250")


def test_every_key_of_several_pages_is_on_a_line(cli: Cli, api: ScriptedApi) -> None:
    for number in range(300):
        api.a_key(name=f"key {number}")

    lines = cli.run("key", "list").out.splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == list(api.keys)


def test_the_token_goes_in_one_header(cli: Cli, api: ScriptedApi) -> None:
    cli.run("session", "show", "run-1")

    asked = api.received[0]
    assert [name for name, value in asked.headers.items() if TOKEN in value] == ["authorization"]
    assert TOKEN not in asked.path + str(asked.query)


def test_an_address_may_have_a_path(cli: Cli, api: ScriptedApi, url: str) -> None:
    api.on_request = lambda _: Reply(200, {"data": [], "next": None})

    assert cli.run("key", "list", AGENTWATCH_BASE_URL=f"{url}/behind/v1").code == 0
    assert api.received[0].path == "/behind/v1/keys"


def test_a_key_is_changed_as_a_whole_and_what_is_not_named_stays(cli: Cli, api: ScriptedApi) -> None:
    key = api.a_key(name="ci", team="research", role="admin", budget_usd="5", requests_per_minute=60, calls=False)

    assert cli.run("key", "set", key["key_id"], "--budget", "none", "--name", "ci2").code == 0

    put = api.asked(f"PUT /v1/keys/{key['key_id']}")[0]
    assert put.document == {
        "name": "ci2", "team": "research", "role": "admin", "expires_at": None, "requests_per_minute": 60,
        "tokens_per_minute": None, "budget_usd": None, "disabled": False, "calls": False,
        "origins": None,
    }  # fmt: skip


def test_a_key_is_for_the_pages_that_are_named(cli: Cli, api: ScriptedApi) -> None:
    pages = ["https://app.example.com", "http://localhost:3000"]
    named = [word for page in pages for word in ("--origin", page)]

    assert cli.run("key", "create", "page", *named).code == 0
    assert api.asked("POST /v1/keys")[0].document == {"name": "page", "origins": pages}

    key = api.a_key(origins=pages)
    shown = cli.run("key", "show", key["key_id"])
    cli.run("key", "set", key["key_id"], "--budget", "5")
    cli.run("key", "set", key["key_id"], "--origin", "none")

    assert "https://app.example.com,http://localhost:3000" in shown.out
    assert [put.document["origins"] for put in api.asked(f"PUT /v1/keys/{key['key_id']}")] == [pages, None]


def test_a_server_that_knows_no_pages_is_told_of_none(cli: Cli, api: ScriptedApi) -> None:
    key = api.a_key()
    del key["origins"]

    assert cli.run("key", "set", key["key_id"], "--budget", "5").code == 0

    assert "origins" not in api.asked(f"PUT /v1/keys/{key['key_id']}")[0].document


def test_a_disabled_key_stays_disabled_when_it_is_changed(cli: Cli, api: ScriptedApi) -> None:
    cli.run("key", "disable", KEY)

    cli.run("key", "set", KEY, "--name", "other")
    assert api.keys[KEY]["state"] == "disabled"
    cli.run("key", "enable", KEY)
    assert api.keys[KEY]["state"] == "active"


def test_a_key_is_made_of_what_was_said_and_nothing_else(cli: Cli, api: ScriptedApi) -> None:
    cli.run("key", "create", "ci", "--budget", "0", "--team", "none")

    assert api.asked("POST /v1/keys")[0].document == {"name": "ci", "budget_usd": "0", "team": None}


@pytest.mark.parametrize(
    ("line", "path", "body"),
    [
        ("budget set 50 --team a/b", "/v1/teams/a%2Fb/budget", {"limit_usd": "50"}),
        ("budget set 50.10 --window day", "/v1/budget", {"limit_usd": "50.10", "window": "day"}),
        ("budget set --warn --alert-percent 80", "/v1/budget", {"hard": False, "alert_percent": 80}),
        ("budget clear --yes", "/v1/budget", {"limit_usd": None}),
        ("budget reset --yes --team x", "/v1/teams/x/budget", {"reset": True}),
        ("session raise run-1 none", "/v1/sessions/run-1", {"limit_usd": None}),
        ("session resume run-1", "/v1/sessions/run-1", {"paused": False}),
    ],
)
def test_money_is_changed_by_what_was_said(cli: Cli, api: ScriptedApi, line: str, path: str, body: object) -> None:
    assert cli.run(*line.split()).code == 0

    assert api.asked(f"PUT {path}")[0].document == body


@pytest.mark.parametrize(("expected", "code"), [(["stop-loop"], 0), (["none"], 7), (["tag-eu"], 7), ([], 0)])
def test_a_rule_s_test_may_say_no(cli: Cli, expected: list[str], code: int) -> None:
    options = [word for each in expected for word in ("--expect", each)]

    done = cli.run("rules", "test", "--provider", "openai", "--model", "o3", *options, "--json")

    assert done.code == code
    assert json.loads(done.out)["rules"][0]["fires"] is True


def test_a_rule_s_test_asks_what_was_said(cli: Cli, api: ScriptedApi) -> None:
    typed = json.dumps(
        {"call": {"provider": "openai", "model": "gpt-4o", "has_tools": True}, "session": {"iteration": 3}}
    )

    cli.run("rules", "test", "--file", "-", "--model", "o3", "--cost", "1.50", typed=typed)

    assert api.asked("POST /v1/rules/test")[0].document == {
        "call": {"provider": "openai", "model": "o3", "has_tools": True, "estimated_cost_usd": "1.50"},
        "session": {"iteration": 3},
    }


def test_prices_are_checked_against_last_week(cli: Cli, api: ScriptedApi) -> None:
    api.usage = [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": None, "model": None},
        {"provider": "openai", "model": "unheard-of"},
        {"provider": "openai", "model": "unheard-of-too", "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": "0"},
    ]
    done = cli.run("prices", "check")

    assert done.code == 7
    assert [line.split("\t")[1] for line in done.out.splitlines()[1:]] == ["unheard-of"]
    api.usage = api.usage[:1]
    assert cli.run("prices", "check").code == 0


def test_a_webhook_that_fails_is_a_failure(cli: Cli, api: ScriptedApi) -> None:
    tried = [
        {"id": "slack", "result": "unusable receiver", "status": 410, "milliseconds": 3},
        {"id": "webhook", "result": "unreachable"},
    ]
    api.on_request = lambda _: Reply(200, {"data": tried})

    done = cli.run("webhook", "test")

    assert done.code == 1
    assert "2 of 2" in done.err


def test_usage_as_values_for_a_spreadsheet_runs_nothing_there(cli: Cli, api: ScriptedApi) -> None:
    api.usage = [{"team": name} for name in ("=1+1", 'a "b", c', None, "\x1b[2J")]

    done = cli.run("usage", "--group-by", "team", "--csv")

    assert done.out.splitlines()[1:] == [
        "'=1+1,3,4,100,20,0.25",
        '"a ""b"", c",3,4,100,20,0.25',
        ",3,4,100,20,0.25",
        "\\x1b[2J,3,4,100,20,0.25",
    ]


def test_all_letters_but_those_asked_for_already_are_replayed(cli: Cli, api: ScriptedApi) -> None:
    api.replayed.append("letter_1")

    assert cli.run("dlq", "replay", "--all", "--yes").code == 0
    assert api.replayed == ["letter_1", "letter_2"]
