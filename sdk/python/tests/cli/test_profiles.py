"""Profiles: which token is used, whose address it goes to, and how it is kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cli.conftest import Cli
from cli.scripted_api import TOKEN, ScriptedApi, refusal


@pytest.fixture
def bare(cli: Cli) -> Cli:
    """No address and no token in the environment."""
    return Cli({"HOME": cli.environment["HOME"]})


@pytest.fixture
def stored(bare: Cli) -> Path:
    """Where the profiles are."""
    return Path(bare.environment["HOME"]) / ".config/agentwatch/profiles.json"


def login(cli: Cli, url: str, *arguments: str, token: str = TOKEN) -> None:
    done = cli.run("login", "--url", url, "--token-stdin", *arguments, typed=f"{token}\n")
    assert done.code == 0, done.err


def who(cli: Cli, *arguments: str, **environment: str) -> dict[str, object]:
    done = cli.run("whoami", "--json", *arguments, **environment)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert isinstance(document, dict)
    return document


def test_a_token_is_kept_for_its_owner_and_said_to_be_in_plain_text(bare: Cli, url: str, stored: Path) -> None:
    done = bare.run("login", "--url", f"{url}/v1/", "--token-stdin", typed=f"{TOKEN}\n")

    assert json.loads(stored.read_text())["profiles"]["default"] == {"base_url": url, "token": TOKEN}
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert "plain text" in done.err
    assert TOKEN not in done.all


def test_a_token_is_probed_before_it_is_kept(bare: Cli, api: ScriptedApi, url: str, stored: Path) -> None:
    api.on_request = lambda _: refusal(401, "invalid_token")

    assert bare.run("login", "--url", url, "--token-stdin", typed="aw_wrong\n").code == 3
    assert not stored.exists()


def test_where_it_is_to_be_kept_is_probed_before_the_token_is_asked_for(bare: Cli, api: ScriptedApi, url: str) -> None:
    Path(bare.environment["HOME"], ".config").write_text("no folder")

    assert bare.run("login", "--url", url, "--token-stdin", typed=f"{TOKEN}\n").code == 1
    assert bare.run("login", "--url", url, "--token-stdin", typed=f"{TOKEN}\n", HOME="").code == 1
    assert api.received == []


def test_whoami_says_where_address_and_token_are_from(bare: Cli, url: str, stored: Path) -> None:
    login(bare, url)

    assert who(bare)["token_from"] == f"profile default in {stored}"
    by_environment = who(bare, AGENTWATCH_BASE_URL=url, AGENTWATCH_API_KEY=TOKEN)
    assert by_environment["token_from"] == "AGENTWATCH_API_KEY"
    assert by_environment["base_url_from"] == "AGENTWATCH_BASE_URL"


def test_the_environment_counts_before_a_profile_and_an_option_before_both(bare: Cli, url: str) -> None:
    login(bare, url)
    login(bare, url, "--profile", "other")
    environment = {"AGENTWATCH_BASE_URL": "http://127.0.0.1:9", "AGENTWATCH_API_KEY": TOKEN}

    assert bare.run("whoami", **environment).code == 6
    assert who(bare, "--url", url, **environment)["base_url_from"] == "--url"
    assert str(who(bare, "--profile", "other", **environment)["token_from"]).startswith("profile other")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_profile_s_token_goes_to_no_other_address(bare: Cli, api: ScriptedApi, url: str, how: str) -> None:
    login(bare, url)
    api.received.clear()
    elsewhere = url.replace("127.0.0.1", "localhost")

    done = (
        bare.run("whoami", "--url", elsewhere) if how == "option" else bare.run("whoami", AGENTWATCH_BASE_URL=elsewhere)
    )

    assert done.code == 2
    assert api.received == []


def test_logout_forgets_one_profile(bare: Cli, url: str, stored: Path) -> None:
    login(bare, url)
    login(bare, url, "--profile", "other")

    assert bare.run("logout").code == 0
    assert list(json.loads(stored.read_text())["profiles"]) == ["other"]
    assert bare.run("whoami").code == 2


def test_a_file_that_others_can_read_is_warned_of(bare: Cli, url: str, stored: Path) -> None:
    login(bare, url)
    stored.chmod(0o644)

    assert "chmod 600" in bare.run("whoami").err


def test_a_link_to_the_file_stays_one(bare: Cli, url: str, stored: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.json"
    stored.parent.mkdir(parents=True)
    stored.symlink_to(kept)

    login(bare, url)

    assert stored.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", '{"profiles": {"default": {}}}', '{"profiles": {"default": {"base_url": 1, "token": 2}}}']
)
def test_a_broken_file_is_named_and_left_alone(bare: Cli, url: str, stored: Path, text: str) -> None:
    stored.parent.mkdir(parents=True)
    stored.write_text(text)

    for arguments in (["whoami"], ["login", "--url", url, "--token-stdin"], ["logout"]):
        done = bare.run(*arguments, typed=f"{TOKEN}\n")
        assert done.code == 1
        assert str(stored) in done.err
    assert stored.read_text() == text


def test_an_address_that_is_not_encrypted_is_warned_of_unless_it_is_this_machine(bare: Cli, url: str) -> None:
    far = bare.run("whoami", AGENTWATCH_BASE_URL="http://agentwatch.invalid", AGENTWATCH_API_KEY=TOKEN)
    near = bare.run("whoami", AGENTWATCH_BASE_URL=url, AGENTWATCH_API_KEY=TOKEN)

    assert "not encrypted" in far.err
    assert "not encrypted" not in near.err
