"""Every command, wherever it may run: what is on standard output parses, and nothing in it moves a cursor."""

from __future__ import annotations

import json

import pytest
from cli.commands_run import RUNS, Run
from cli.conftest import Cli
from cli.scripted_api import HOSTILE, TOKEN, ScriptedApi
from typer.main import get_command

from agentwatch.cli.app import app

WHERE: dict[str, dict[str, str]] = {
    "in a pipe": {},
    "in a pipe of CI": {"CI": "1", "GITHUB_ACTIONS": "true", "FORCE_COLOR": "1"},
    "in a pipe without a home": {"HOME": "", "LANG": "C"},
}
ENDLESS = {"tail"}
"""One object a line."""

BIDI = "\u202e"


def typed(run: Run) -> str:
    return run.typed.replace("<token>", TOKEN)


def runs_at(where: str) -> list[Run]:
    """Without a home nobody can keep a token."""
    return [run for run in RUNS if "home" not in where or run.path[0] not in ("login", "logout")]


def commands_there_are() -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found |= {(name, each) for each in command.commands} if hasattr(command, "commands") else {(name,)}
    return found


def test_every_command_is_here() -> None:
    assert {run.path for run in RUNS} == commands_there_are() - {("init",), ("doctor",)}


@pytest.mark.parametrize(
    ("where", "run"), [pytest.param(where, run, id=f"{run.id}, {where}") for where in WHERE for run in runs_at(where)]
)
def test_standard_output_is_one_document_with_json(cli: Cli, where: str, run: Run) -> None:
    done = cli.run("--json", *run.arguments, typed=typed(run), **WHERE[where])

    assert done.code == 0, done.all
    documents = done.out.splitlines() if run.path[0] in ENDLESS else [done.out]
    assert documents
    for each in documents:
        json.loads(each)
    assert done.out.isascii()


@pytest.mark.parametrize(
    ("where", "run"), [pytest.param(where, run, id=f"{run.id}, {where}") for where in WHERE for run in runs_at(where)]
)
def test_lines_have_tabs_and_no_escape_where_there_is_no_terminal(cli: Cli, where: str, run: Run) -> None:
    done = cli.run(*run.arguments, typed=typed(run), **WHERE[where])

    assert done.code == 0, done.all
    assert not any(each in done.all for each in ("\x1b", "\x9b", "\x07", BIDI, "…/…"))
    if run.makes_secret:
        assert done.out.startswith("aw_live_made")
    elif run.path != ("config", "get"):
        assert all("\t" in line for line in done.out.splitlines()), done.out


def test_every_list_is_a_document_also_where_there_is_nothing(cli: Cli, api: ScriptedApi) -> None:
    api.keys, api.sessions, api.usage, api.letters, api.provider_keys = {}, [], [], [], {}
    api.documents["rules"].write({})

    for line in (
        "key list",
        "session list",
        "usage",
        "dlq list",
        "provider-key list",
        "rules list",
        "dlq replay --all -y",
    ):
        done = cli.run(*line.split(), "--json")
        assert (done.code, json.loads(done.out)["data"]) == (0, [])


def test_options_of_all_commands_may_stand_in_front(cli: Cli) -> None:
    assert cli.run("--json", "key", "list").out == cli.run("key", "list", "--json").out


def test_names_are_shown_and_do_nothing(cli: Cli) -> None:
    lines = cli.run("key", "list").out.splitlines()

    shown = [line.split("\t")[1] for line in lines[1:]]
    assert shown == [r"\x1b]0;owned\x07", r"\x9b31mred", "[/x]", r"safe\u202egpj.exe"]
    assert [key["name"] for key in json.loads(cli.run("key", "list", "--json").out)["data"]] == list(HOSTILE)


AT_A_TERMINAL = [
    "key list",
    "rules list",
    "config show",
    "webhook show",
    "tail --no-follow",
    "whoami",
    "tenant show acme",
]


@pytest.mark.parametrize("line", AT_A_TERMINAL)
def test_a_terminal_shows_names_as_they_are_spelled(cli: Cli, line: str) -> None:
    done = cli.terminal(*line.split(), COLUMNS="300", NO_COLOR="1")

    assert done.code == 0, done.out
    assert not any(each in done.out for each in ("\x1b", "\x9b", "\x07", BIDI))


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"arguments": "--no-color"}])
def test_a_terminal_without_colours_gets_no_escape(cli: Cli, plain: dict[str, str]) -> None:
    option = [plain["arguments"]] if "arguments" in plain else []
    environment = {name: value for name, value in plain.items() if name != "arguments"}

    assert "\x1b" not in cli.terminal("key", "list", *option, **environment).out
    assert "\x1b[" in cli.terminal("key", "list").out


def test_a_terminal_cuts_no_id(cli: Cli, api: ScriptedApi) -> None:
    shown = cli.terminal("key", "list", COLUMNS="200", NO_COLOR="1").out

    assert all(key_id in shown for key_id in api.keys)
    assert "…" not in shown.replace("aw_live_3f9a…beef", "")


def test_a_terminal_gets_one_document_with_json(cli: Cli) -> None:
    assert len(json.loads(cli.terminal("key", "list", "--json").out)["data"]) == len(HOSTILE)


def test_help_has_no_escape_at_a_terminal(cli: Cli) -> None:
    assert "\x1b" not in cli.terminal("--help", FORCE_COLOR="1").out


def test_a_provider_s_key_is_deleted_and_those_that_are_left_are_shown(cli: Cli, api: ScriptedApi) -> None:
    api.provider_keys = {"openai": "1234", "groq": "5678"}

    left = cli.run("provider-key", "delete", "openai", "--yes")
    none_left = cli.run("provider-key", "delete", "groq", "--yes", "--json")

    assert (left.code, [line.split("\t")[0] for line in left.out.splitlines()]) == (0, ["provider", "groq"])
    assert json.loads(none_left.out) == {"data": [], "next": None}
