"""New tokens: told once, to a place that was made ready before, and never lost without a word."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cli.commands_run import KEY, RUNS, Run
from cli.conftest import SOURCES, Cli
from cli.scripted_api import HANG_UP, HANG_UP_AFTERWARDS, ScriptedApi

MAKING = [run for run in RUNS if run.makes_secret]


@pytest.mark.parametrize("run", MAKING, ids=lambda run: run.id)
def test_standard_output_is_the_secret_alone_and_it_stands_nowhere_else(cli: Cli, api: ScriptedApi, run: Run) -> None:
    done = cli.run(*run.arguments)

    assert done.out == f"{api.made_tokens[0]}\n"
    assert api.made_tokens[0] not in done.err


@pytest.mark.parametrize("run", MAKING, ids=lambda run: run.id)
def test_a_file_has_it_alone_for_its_owner(cli: Cli, api: ScriptedApi, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "token"

    done = cli.run(*run.arguments, "--out", str(out), "--json")

    assert (done.code, out.read_text()) == (0, f"{api.made_tokens[0]}\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert api.made_tokens[0] not in done.all
    assert str(out) in json.loads(done.out).values()


@pytest.mark.parametrize("run", MAKING, ids=lambda run: run.id)
def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_made(
    cli: Cli, api: ScriptedApi, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "token"
    out.write_text("precious")

    assert cli.run(*run.arguments, "--out", str(out)).code == 1
    assert cli.run(*run.arguments, "--out", str(tmp_path / "no folder" / "token")).code == 1

    assert out.read_text() == "precious"
    assert api.received == []


def test_no_file_is_left_of_a_key_that_was_not_made(cli: Cli, api: ScriptedApi, tmp_path: Path) -> None:
    api.on_request = lambda _: HANG_UP

    assert cli.run("key", "rotate", KEY, "--out", str(tmp_path / "token")).code == 6
    assert list(tmp_path.glob("token")) == []


def test_a_create_whose_answer_was_lost_makes_one_key_and_says_how_to_get_a_token(cli: Cli, api: ScriptedApi) -> None:
    there = len(api.keys)
    answers = iter([HANG_UP_AFTERWARDS])
    api.on_request = lambda _: next(answers, None)

    done = cli.run("key", "create", "ci")

    made = list(api.keys)[there:]
    assert (done.code, done.out, len(made)) == (1, "", 1)
    assert f"agentwatch key rotate {made[0]}" in done.err


def test_a_rotation_whose_answer_was_lost_is_not_repeated(cli: Cli, api: ScriptedApi) -> None:
    api.on_request = lambda _: HANG_UP_AFTERWARDS

    done = cli.run("key", "rotate", KEY)

    assert (done.code, len(api.received)) == (6, 1)
    assert "Nobody knows whether it was done" in done.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_token_that_cannot_be_written_is_not_lost_in_silence(cli: Cli, api: ScriptedApi) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", "key", "create", "ci"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=cli.whole({}),
        )  # fmt: skip

    assert done.returncode == 1
    assert f"agentwatch key rotate {list(api.keys)[-1]}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_token_in_a_file_stays_there_where_nothing_can_be_shown(cli: Cli, api: ScriptedApi, tmp_path: Path) -> None:
    out = tmp_path / "token"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", "key", "create", "ci", "--out", str(out)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=cli.whole({}),
        )  # fmt: skip

    assert done.returncode == 1
    assert out.read_text() == f"{api.made_tokens[0]}\n"
    assert f"it is in {out}" in done.stderr


def test_a_list_that_cannot_be_written_is_a_failure(cli: Cli) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", "key", "list", "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=cli.whole({}),
        )  # fmt: skip

    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_provider_s_key_goes_in_the_body_alone(cli: Cli, api: ScriptedApi) -> None:
    done = cli.run("provider-key", "set", "openai", "--key-stdin", typed="sk-canary-1234\n")

    put = api.asked("PUT /v1/provider-keys/openai")[0]
    assert put.document == {"key": "sk-canary-1234"}
    assert "sk-canary" not in done.all


def test_a_webhook_s_address_comes_by_standard_input(cli: Cli, api: ScriptedApi) -> None:
    done = cli.run("config", "set", "slack_webhook_url", "-", typed="https://hooks.slack.com/services/canary\n")

    put = api.asked("PUT /v1/config")[0]
    assert put.document["slack_webhook_url"] == "https://hooks.slack.com/services/canary"
    assert (done.code, "canary" in done.all) == (0, False)
    assert cli.run("config", "set", "slack_webhook_url", "-").code == 2


def test_a_provider_s_key_that_is_typed_is_not_seen(cli: Cli, api: ScriptedApi) -> None:
    done = cli.terminal("provider-key", "set", "openai", typed="sk-canary-1234\n")

    assert done.code == 0, done.out
    assert api.asked("PUT /v1/provider-keys/openai")[0].document == {"key": "sk-canary-1234"}


@pytest.mark.parametrize(
    "line", ["provider-key set openai", "login", "provider-key set openai --key-stdin", "login --token-stdin"]
)
def test_a_secret_that_nobody_gives_is_a_wrong_command_line(cli: Cli, api: ScriptedApi, line: str) -> None:
    done = cli.run(*line.split())

    assert done.code == 2
    assert api.received == []


def test_no_option_of_any_command_takes_a_token() -> None:
    declared = [
        text
        for path in (SOURCES / "agentwatch/cli").rglob("*.py")
        for text in path.read_text().split('"')
        if text.startswith("--")
    ]

    assert not {"--token", "--api-key", "--password", "--secret"} & set(declared)
