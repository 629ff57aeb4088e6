"""A newcomer needs the command alone: from `init --local` to a call that is seen, and to what is wrong and what to do."""

from pathlib import Path

import pytest

from local.stack import Stack
from tests.runtime.newcomer import Said, Terminal, afternoon

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def terminal(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return afternoon(stack, tmp_path_factory.mktemp("newcomer"), "newcomer")


@pytest.fixture
def said(terminal: Terminal) -> list[Said]:
    return terminal.said


def test_every_line_but_the_last_goes_well(said: list[Said]) -> None:
    assert [each.exit_code for each in said] == [0] * (len(said) - 1) + [7], "\n\n".join(map(str, said))


def test_the_call_is_seen_with_what_it_cost(said: list[Said]) -> None:
    call, tail, usage = said[3:6]

    assert call.stdout == "200\n"
    assert "gpt-4o-mini" in tail.stdout and "complete" in tail.stdout
    assert "research" in usage.stdout and "gpt-4o-mini" in usage.stdout


def test_nothing_of_a_deployment_that_is_well_is_wrong(said: list[Said]) -> None:
    assert "WRONG" not in said[6].stdout
    assert "priced call openai" in said[6].stdout


def test_the_one_thing_that_is_broken_is_named_with_what_to_do(said: list[Said]) -> None:
    wrong = [line for line in said[7].stdout.splitlines() if line.startswith("WRONG")]

    assert len(wrong) == 1
    assert "0019_actors" in wrong[0] and "supabase db push" in wrong[0]


def test_no_token_is_shown(terminal: Terminal) -> None:
    tokens = [(terminal.folder / "research.token").read_text().strip(), *terminal.stack.tokens.values()]
    shown = "".join(each.stdout + each.stderr for each in terminal.said)

    assert [token for token in tokens if token in shown] == []


def test_a_second_init_changes_nothing(terminal: Terminal) -> None:
    again = terminal.type("agentwatch init --local --tenant newcomer --json")

    assert again.exit_code == 0, again.stderr
    assert "to do" not in again.stderr
    assert Path(terminal.folder, ".config/agentwatch/profiles.json").stat().st_mode & 0o077 == 0
