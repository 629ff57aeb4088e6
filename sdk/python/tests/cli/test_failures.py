"""How commands fail: the exit code, the words, and never a token."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
from cli.commands_run import KEY, RUNS, Run
from cli.conftest import Cli
from cli.scripted_api import HANG_UP, TOKEN, Reply, ScriptedApi, refusal
from typer.main import get_command

from agentwatch.cli.app import app

ECHO = f"you sent Bearer {TOKEN}"

EXITS = [
    pytest.param(refusal(400, "invalid_request"), 1, id="400"),
    pytest.param(refusal(401, "invalid_token", ECHO), 3, id="401"),
    pytest.param(refusal(403, "not_permitted", ECHO), 3, id="403"),
    pytest.param(refusal(404, "not_found", ECHO), 4, id="404"),
    pytest.param(refusal(409, "already_exists", ECHO), 5, id="409"),
    pytest.param(refusal(412, "version_changed", ECHO), 5, id="412"),
    pytest.param(refusal(422, "idempotency_key_reused"), 1, id="422"),
    pytest.param(refusal(429, "rate_limited", ECHO), 1, id="429"),
    pytest.param(refusal(500, "internal_error", ECHO), 1, id="500"),
    pytest.param(refusal(503, "records_unavailable", ECHO), 6, id="503"),
    pytest.param(
        Reply(502, body=f"<html>{ECHO}</html>".encode(), headers={"content-type": "text/html"}), 6, id="a proxy's 502"
    ),
    pytest.param(Reply(200, body=ECHO.encode(), headers={"content-type": "text/plain"}), 1, id="another program"),
    pytest.param(Reply(302, headers={"location": f"https://login.example.com/?t={TOKEN}"}), 1, id="a log-in page"),
    pytest.param(HANG_UP, 6, id="no answer"),
]


@pytest.mark.parametrize(("said", "code"), EXITS)
def test_each_failure_has_its_exit_code_its_words_and_what_to_do(
    cli: Cli, api: ScriptedApi, said: Reply | str, code: int
) -> None:
    api.on_request = lambda _: said

    done = cli.run("key", "show", KEY)

    assert (done.code, done.out) == (code, "")
    assert done.err.splitlines()[-1].startswith(("next: ", "  request ", "agentwatch: "))
    assert "agentwatch: " in done.err
    assert TOKEN not in done.err


@pytest.mark.parametrize(("said", "code"), EXITS)
def test_a_program_is_told_a_failure_as_json_on_standard_error(
    cli: Cli, api: ScriptedApi, said: Reply | str, code: int
) -> None:
    api.on_request = lambda _: said

    done = cli.run("key", "show", KEY, "--json")

    assert (done.code, done.out) == (code, "")
    told = [line for line in done.err.splitlines() if line.startswith("{")]
    assert len(told) == 1
    assert json.loads(told[0])["error"]["code"]


def test_the_api_s_words_reach_a_program_as_they_are(cli: Cli, api: ScriptedApi) -> None:
    api.on_request = lambda _: refusal(403, "not_permitted", "developers do not", role="developer")

    assert json.loads(cli.run("key", "list", "--json").err)["error"]["role"] == "developer"


def test_every_mistake_of_a_document_is_named_harmlessly(cli: Cli) -> None:
    done = cli.run("config", "set", "bad", "true")

    assert done.code == 1
    assert r"/bad: is not known \x9b31mred" in done.err


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.id)
def test_no_failure_of_any_command_shows_a_secret(cli: Cli, api: ScriptedApi, run: Run) -> None:
    for said in (refusal(401, "invalid_token", ECHO), Reply(200, body=ECHO.encode()), HANG_UP):
        api.on_request = lambda _, said=said: said  # type: ignore[misc]
        done = cli.run(*run.arguments, typed=run.typed.replace("<token>", TOKEN))

        assert "Traceback" not in done.all
        for secret in (TOKEN, "sk-canary-of-a-provider"):
            assert secret not in done.all
            assert base64.b64encode(secret.encode()).decode() not in done.all


def test_no_help_shows_what_the_environment_holds(cli: Cli, url: str) -> None:
    for run in RUNS:
        done = cli.run(*run.path, "--help")
        assert (done.code, done.err) == (0, "")
        assert TOKEN not in done.out
        assert url not in done.out
    assert TOKEN not in cli.run("--help").out


def test_every_command_and_group_says_what_it_is_for() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for each in getattr(command, "commands", {name: command}).values():
            assert each.help, f"{name} {each.name}"


def test_the_help_lists_the_exit_codes(cli: Cli) -> None:
    shown = cli.run("--help").out

    assert all(f"\n    {code:<4} " in shown for code in (0, 1, 2, 3, 4, 5, 6, 7, 130)), shown


@pytest.mark.parametrize(
    "line",
    [
        "key create",
        "key unheard-of",
        "key set key_1",
        "budget set",
        "budget set twelve",
        "budget set none",
        "session raise run-1 -- -5",
        "usage --from yesterday",
        "usage --csv --json",
        "prices set openai/x",
        "prices set --alias-of openai/y",
        "prices set openai/x --free --input 1",
        "prices set --discount openai",
        "key create ci --expires soon",
        "key rotate key_1 --overlap 1x",
        "rules test",
        "dlq replay",
        "dlq replay letter_1 --all",
        "key show ..",
        "key show /",
        "failover clear --model gpt-4o --yes",
        "--url nonsense key list",
        "--profile nobody key list",
    ],
)
def test_what_cannot_be_meant_is_a_wrong_command_line(cli: Cli, api: ScriptedApi, line: str) -> None:
    done = cli.run(*line.split())

    if line == "key show /":  # a name may have anything in it, and is one segment
        assert (done.code, api.received[-1].path) == (4, "/v1/keys/%2F")
        return
    assert (done.code, done.out) == (2, "")
    assert api.received == []


def test_a_command_line_that_is_wrong_repeats_no_token(cli: Cli) -> None:
    done = cli.run("key", "list", AGENTWATCH_API_KEY=f"{TOKEN} with a space")

    assert done.code == 2
    assert TOKEN not in done.all


DESTRUCTIVE = [
    f"key revoke {KEY}",
    "tenant suspend acme",
    "budget clear",
    "budget reset --team research",
    "session reset run-1",
    "failover clear",
    "provider-key delete openai",
    "dlq replay --all",
]


@pytest.mark.parametrize("line", DESTRUCTIVE)
def test_what_cannot_be_taken_back_needs_a_word_where_nobody_can_be_asked(
    cli: Cli, api: ScriptedApi, line: str
) -> None:
    done = cli.run(*line.split())

    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert api.received == []


@pytest.mark.parametrize("line", DESTRUCTIVE)
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_it_is_asked_for_with_address_and_tenant(
    cli: Cli, api: ScriptedApi, url: str, line: str, answer: str, code: int
) -> None:
    if answer != "y\n" and line != DESTRUCTIVE[0]:
        return
    done = cli.terminal(*line.split(), typed=answer)

    assert done.code == code, done.out
    assert f"of tenant acme at {url}? [y/N]" in done.out.replace("\r\n", "\n")
    assert any(each.method != "GET" for each in api.received) == (code == 0)


def test_closed_standard_input_is_no_hang(cli: Cli) -> None:
    command = f'exec "{sys.executable}" -m agentwatch.cli key revoke {KEY} <&-'
    done = subprocess.run(
        ["sh", "-c", command], env=cli.whole({}), capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")


def test_an_interrupted_command_says_so_by_its_exit_code(cli: Cli, api: ScriptedApi) -> None:
    done = cli.terminal("provider-key", "set", "openai", typed="\x03")

    assert done.code == 130
    assert "Traceback" not in done.out
    assert api.received == []
