"""Documents: two people at once, and what each command makes of one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Cli
from cli.scripted_api import Received, ScriptedApi

from agentwatch.cli.api.changes import ABSENT, changes_between, with_changes


def somebody_is_faster(
    api: ScriptedApi, name: str, change: Callable[[dict[str, Any]], dict[str, Any]], times: int = 1
) -> None:
    """Writes between this command's reading and its writing."""
    left = [times]

    def on_request(received: Received) -> None:
        if received.method == "PUT" and left[0]:
            left[0] -= 1
            api.documents[name].write(change(json.loads(json.dumps(api.documents[name].versions[-1]))))

    api.on_request = on_request


def present(api: ScriptedApi, name: str = "config") -> dict[str, Any]:
    return api.documents[name].versions[-1]


def test_a_write_names_the_version_that_was_read(cli: Cli, api: ScriptedApi) -> None:
    done = cli.run("config", "set", "session_budget_usd", "7.50", "--json")

    put = api.asked("PUT /v1/config")[0]
    assert (put.headers["if-match"], put.document["session_budget_usd"]) == ('"1"', "7.50")
    assert json.loads(done.out) == {"version": 2, "written": True, "warnings": []}


def test_what_somebody_else_has_changed_meanwhile_is_kept(cli: Cli, api: ScriptedApi) -> None:
    somebody_is_faster(api, "config", lambda document: {**document, "fail_closed": True})

    done = cli.run("config", "set", "session_budget_usd", "7")

    assert done.code == 0
    assert present(api).items() >= {"fail_closed": True, "session_budget_usd": "7"}.items()


def test_two_changes_of_the_same_member_are_a_conflict_and_both_versions_are_named(cli: Cli, api: ScriptedApi) -> None:
    somebody_is_faster(api, "config", lambda document: {**document, "session_budget_usd": "6"})

    done = cli.run("config", "set", "session_budget_usd", "7", "--json")

    error = json.loads(done.err)["error"]
    assert (done.code, error["read_version"], error["present_version"]) == (5, 1, 2)
    assert present(api)["session_budget_usd"] == "6"


def test_who_is_twice_too_slow_gives_up(cli: Cli, api: ScriptedApi) -> None:
    somebody_is_faster(
        api, "config", lambda document: {**document, "budget_wait_s": document.get("budget_wait_s", 0) + 1}, 2
    )

    assert cli.run("config", "set", "session_budget_usd", "7").code == 5
    assert len(api.asked("PUT /v1/config")) == 2


def test_the_same_change_by_another_is_no_second_one(cli: Cli, api: ScriptedApi) -> None:
    somebody_is_faster(api, "config", lambda document: {**document, "session_budget_usd": "7"})

    assert cli.run("config", "set", "session_budget_usd", "7").code == 5


def test_nothing_to_change_writes_nothing(cli: Cli, api: ScriptedApi) -> None:
    done = cli.run("config", "set", "session_budget_usd", "5", "--json")

    assert json.loads(done.out) == {"version": 1, "written": False, "warnings": []}
    assert api.asked("PUT /v1/config") == []


def test_a_rule_added_while_another_one_is(cli: Cli, api: ScriptedApi) -> None:
    other = {"id": "other", "condition": {"always": True}, "action": {"type": "allow"}}
    somebody_is_faster(api, "rules", lambda document: {"rules": [other, *document["rules"]]})

    assert cli.run("rules", "add", "-", typed=json.dumps({**other, "id": "mine"})).code == 0
    assert [rule["id"] for rule in present(api, "rules")["rules"]] == ["other", "stop-loop", "tag-eu", "mine"]


def test_a_rule_that_somebody_else_has_added_meanwhile(cli: Cli, api: ScriptedApi) -> None:
    rule = {"id": "mine", "condition": {"always": True}, "action": {"type": "allow"}}
    somebody_is_faster(api, "rules", lambda document: {"rules": [*document["rules"], rule]})

    assert cli.run("rules", "add", "-", typed=json.dumps(rule)).code == 5


def test_a_rule_that_is_there_already(cli: Cli, api: ScriptedApi) -> None:
    rule = {"id": "stop-loop", "condition": {"always": True}, "action": {"type": "allow"}}

    assert cli.run("rules", "add", "-", typed=json.dumps(rule)).code == 5
    assert api.asked("PUT /v1/rules") == []


@pytest.mark.parametrize(
    ("line", "members"),
    [
        ("rules disable stop-loop", {"enabled": False}),
        ("rules enable stop-loop", {"enabled": True, "mode": "enforce"}),
        ("rules shadow stop-loop", {"enabled": True, "mode": "shadow"}),
    ],
)
def test_a_rule_is_switched_and_else_as_it_was(cli: Cli, api: ScriptedApi, line: str, members: dict[str, Any]) -> None:
    before = present(api, "rules")["rules"]

    assert cli.run(*line.split()).code == 0
    assert present(api, "rules")["rules"] == [{**before[0], **members}, before[1]]


def test_an_unknown_rule_is_not_found(cli: Cli) -> None:
    for line in ("rules remove nobody", "rules enable nobody", "rules edit nobody --file -"):
        assert cli.run(*line.split(), typed="{}").code == 4


def test_ready_rules_are_added_in_shadow(cli: Cli, api: ScriptedApi) -> None:
    ready = Path(__file__).resolve().parents[4] / "docs/ready_rules.json"

    assert cli.run("rules", "add", str(ready), "--shadow").code == 0
    added = present(api, "rules")["rules"][2:]
    assert len(added) == len(json.loads(ready.read_text())["rules"])
    assert {rule["mode"] for rule in added} == {"shadow"}


def test_what_is_odd_is_told_beside_the_result(cli: Cli) -> None:
    done = cli.run("rules", "disable", "stop-loop")

    assert done.out == "version\t2\nwritten\tyes\n"
    assert r"warning: rules[0]: is odd \x1b]0;owned\x07" in done.err


def test_a_rollback_writes_the_old_version_once_more(cli: Cli, api: ScriptedApi) -> None:
    first = present(api)
    cli.run("config", "set", "session_budget_usd", "9")

    assert cli.run("config", "rollback", "1").code == 0
    assert (present(api), api.documents["config"].version) == (first, 3)
    assert cli.run("config", "rollback", "99").code == 4


def test_a_history_of_many_pages(cli: Cli, api: ScriptedApi) -> None:
    for number in range(450):
        api.documents["config"].write({"budget_wait_s": number})

    versions = json.loads(cli.run("config", "history", "--json").out)["data"]
    assert [each["version"] for each in versions] == list(range(451, 0, -1))
    assert len(json.loads(cli.run("config", "history", "--limit", "3", "--json").out)["data"]) == 3


EDITORS = {
    "writes": """sed -i 's/"5"/"8"/' "$1" && stat -c %a "$1" > "$MODE_FILE" """,
    "fails": "exit 3",
    "writes nonsense": 'echo nonsense > "$1"',
    "prints": "echo hello; echo hello >&2",
}


@pytest.mark.parametrize(("what", "code"), [("writes", 0), ("fails", 1), ("writes nonsense", 2), ("prints", 0)])
def test_the_editor_has_a_file_of_its_own(cli: Cli, api: ScriptedApi, tmp_path: Path, what: str, code: int) -> None:
    editor = tmp_path / "an editor"
    editor.write_text(f"#!/bin/sh\n{EDITORS[what]}\n")
    editor.chmod(0o700)
    mode_file, temporary = tmp_path / "mode", tmp_path / "temporary"
    temporary.mkdir()

    done = cli.process(
        "config", "edit", "--json", EDITOR=f"'{editor}'", MODE_FILE=str(mode_file), TMPDIR=str(temporary)
    )

    assert done.code == code, done.err
    assert os.listdir(temporary) == []
    if what == "writes":
        assert (present(api)["session_budget_usd"], mode_file.read_text().strip()) == ("8", "600")
    if code == 0:
        json.loads(done.out)


def test_without_an_editor_it_is_said_how_else(cli: Cli) -> None:
    done = cli.run("config", "edit")

    assert done.code == 1
    assert "--file" in done.err


def test_what_was_edited_is_edited_in_the_newer_document_too(cli: Cli, api: ScriptedApi) -> None:
    somebody_is_faster(api, "config", lambda document: {**document, "fail_closed": True})

    done = cli.run("config", "edit", "--file", "-", typed=json.dumps({**present(api), "session_budget_usd": "8"}))

    assert done.code == 0
    assert present(api).items() >= {"fail_closed": True, "session_budget_usd": "8"}.items()


def test_a_tenant_is_suspended_and_resumed_with_its_ceilings_kept(cli: Cli, api: ScriptedApi) -> None:
    before = present(api, "tenants/acme")

    assert cli.run("tenant", "suspend", "acme", "--yes").code == 0
    assert present(api, "tenants/acme") == {**before, "suspended": True}
    assert cli.run("tenant", "resume", "acme").code == 0
    assert present(api, "tenants/acme") == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (("session_budget_usd", "5"), "5"),
        (("session_budget_usd", "$5.10"), "5.10"),
        (("session_budget_usd", "none"), None),
        (("requests_per_minute", "600"), 600),
        (("fail_closed", "true"), True),
        (("stream_cut", "truncate"), "truncate"),
        (("cors_origins", '["https://a.example"]'), ["https://a.example"]),
        (("disabled_keys", "[]"), []),
        (("slack_webhook_url", "none"), None),
        (("name", "600", "--text"), "600"),
    ],
)
def test_a_value_is_what_is_meant(cli: Cli, api: ScriptedApi, text: tuple[str, ...], value: object) -> None:
    api.documents["config"].write({})

    assert cli.run("config", "set", *text).code == 0
    assert present(api)[text[0]] == value


def test_a_webhook_s_address_is_shown_in_part(cli: Cli) -> None:
    assert "slack_webhook_url\thttps://hooks.slack.com/…1234" in cli.run("config", "show").out
    assert cli.run("config", "get", "slack_webhook_url").out == "https://hooks.slack.com/T/abcd1234\n"


@pytest.mark.parametrize(
    ("line", "document"),
    [
        (
            "openai/x --input 1.25 --output 10",
            {"models": {"openai/x": {"input_usd_per_mtok": "1.25", "output_usd_per_mtok": "10"}}},
        ),
        ("openai/x --alias-of openai/y", {"aliases": {"openai/x": "openai/y"}}),
        ("openai/x --free", {"free_models": ["openai/x"]}),
        ("--discount openai=12.5", {"discount_percent": {"openai": "12.5"}}),
    ],
)
def test_a_price_is_stated(cli: Cli, api: ScriptedApi, line: str, document: dict[str, Any]) -> None:
    api.documents["prices"].write({})

    assert cli.run("prices", "set", *line.split()).code == 0
    assert present(api, "prices") == document


def test_rates_are_added_to_a_model_and_all_of_it_removed(cli: Cli, api: ScriptedApi) -> None:
    api.documents["prices"].write({"models": {"openai/x": {"input_usd_per_mtok": "1"}}, "free_models": ["openai/z"]})

    cli.run("prices", "set", "openai/x", "--output", "2", "--output-tokens-max", "100")
    assert present(api, "prices")["models"]["openai/x"] == {
        "input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "output_tokens_max": 100,
    }  # fmt: skip
    cli.run("prices", "set", "openai/x", "--remove")
    assert present(api, "prices") == {"models": {}, "free_models": ["openai/z"]}
    cli.run("prices", "set", "openai/z", "--alias-of", "openai/y")
    assert present(api, "prices") == {"models": {}, "free_models": [], "aliases": {"openai/z": "openai/y"}}


def test_the_platform_s_prices_are_another_document(cli: Cli, api: ScriptedApi) -> None:
    assert cli.run("prices", "set", "openai/c", "--free", "--platform").code == 0

    assert present(api, "platform/prices") == {"aliases": {"openai/a": "openai/b"}, "free_models": ["openai/c"]}
    assert api.documents["prices"].version == 1


# Changes.

BEFORE = {"a": 1, "b": {"c": True, "d": []}, "rules": [{"id": "x", "priority": 1}, {"id": "y"}]}


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (BEFORE, {}),
        ({**BEFORE, "a": True}, {("a",): (1, True)}),
        ({**BEFORE, "a": None}, {("a",): (1, None)}),
        ({**BEFORE, "b": {"c": True}}, {("b", "d"): ([], ABSENT)}),
        ({**BEFORE, "b": {"c": True, "d": [], "e": {"f": 1}}}, {("b", "e", "f"): (ABSENT, 1)}),
        ({**BEFORE, "rules": [{"id": "y"}]}, {("rules", "x"): ({"id": "x", "priority": 1}, ABSENT)}),
        ({**BEFORE, "rules": [{"id": "y"}, {"id": "x", "priority": 1}]}, {}),
    ],
)
def test_changes_are_told_by_their_places(after: dict[str, Any], changes: dict[Any, Any]) -> None:
    assert changes_between(BEFORE, after) == changes
    assert changes_between(with_changes(BEFORE, changes), after) == {}
