"""The command `agentwatch` against the stack: an administrator's day by the CLI alone, each command a process of its own."""

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.stack import Stack
from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

SDK = Path(__file__).resolve().parents[2] / "sdk" / "python" / "src"
CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}


@dataclass
class Cli:
    stack: Stack
    token: str

    def run(self, line: str, typed: str = "", code: int = 0, token: str | None = None) -> str:
        """What it prints; its exit code is as expected."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SDK), "HOME": "/nonexistent"}
        environment |= {"AGENTWATCH_BASE_URL": self.stack.edge_url, "AGENTWATCH_API_KEY": token or self.token}
        done = subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", *line.split()],
            input=typed, capture_output=True, text=True, env=environment, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{line}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout

    def read(self, line: str, **how):
        return json.loads(self.run(f"{line} --json", **how))

    def statuses(self, token: str, **headers: str) -> list[int]:
        """What each of the two isolates says to a metered call."""
        hosts = [{}, {"host": SECOND_EDGE_HOST}]
        sent = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return [
            httpx.post(self.stack.edge_url + CHAT, json=BODY, headers={**sent, **host}, timeout=60).status_code
            for host in hosts
        ]

    def call(self, token: str, model: str = "gpt-4o-mini", session_id: str = "run-1") -> int:
        headers = {"authorization": f"Bearer {token}", "x-agentwatch-session-id": session_id}
        body = {**BODY, "model": model}
        return httpx.post(self.stack.edge_url + CHAT, json=body, headers=headers, timeout=60).status_code


@pytest.fixture
def cli(stack):
    """The administrator of a tenant that the operator has just made, by the CLI."""
    name = f"cli-{secrets.token_hex(4)}"
    operator = Cli(stack, stack.tokens["operator"])
    admin = operator.run(f"tenant create {name}").strip()
    return Cli(stack, admin)


@pytest.fixture
def token(cli):
    """Of a key that makes calls."""
    return cli.run("key create agent --team research").strip()


def test_a_key_is_made_used_rotated_and_revoked_and_ends_at_once_in_both_isolates(cli):
    made = cli.read("key create ci --team research --budget 5")
    key_id, token = made["key_id"], made["token"]
    assert cli.statuses(token) == [200, 200]

    rotated = cli.run(f"key rotate {key_id}").strip()
    assert cli.statuses(token) == [401, 401]
    assert cli.statuses(rotated) == [200, 200]
    assert cli.read(f"key disable {key_id}")["state"] == "disabled"
    assert cli.statuses(rotated) == [401, 401]
    assert cli.read(f"key set {key_id} --budget 6")["state"] == "disabled"
    assert cli.read(f"key enable {key_id}")["budget_usd"] == "6"
    assert cli.statuses(rotated) == [200, 200]

    cli.run(f"key revoke {key_id} --yes")
    assert cli.statuses(rotated) == [401, 401]
    assert [key["state"] for key in cli.read("key list")["data"] if key["key_id"] == key_id] == ["revoked"]


def test_budgets_and_sessions_are_steered(cli, token):
    cli.run("budget set 50 --team research --alert-percent 80")
    assert cli.call(token) == 200
    assert cli.read("budget show --team research")["data"][0]["limit_usd"] == "50"
    assert [team["team"] for team in cli.read("budget teams")["data"]] == ["research"]

    cli.run("session raise run-1 20")
    cli.run("session pause run-1")
    assert cli.call(token) == 402
    cli.run("session resume run-1")
    assert cli.call(token) == 200
    assert [session["scope_id"] for session in cli.read("session list")["data"]] == ["run-1"]
    assert cli.read("session reset run-1 --yes")["data"][0]["spent_usd"] == "0"

    cli.run("budget pause")
    assert cli.call(token) == 402
    cli.run("budget resume")
    cli.run("budget clear --team research --yes")
    assert cli.call(token) == 200


def test_rules_are_tried_added_switched_and_rolled_back(cli, token):
    rule = {"id": "no-mini", "condition": {"model": "gpt-4o-mini"}, "action": {"type": "block"}}
    cli.run("rules add - --shadow", typed=json.dumps(rule))
    tried = "rules test --provider openai --model gpt-4o-mini --team research"
    assert cli.call(token) == 200

    cli.run("rules enable no-mini")
    cli.run(f"{tried} --expect no-mini")
    cli.run(f"{tried} --expect none", code=7)
    assert cli.call(token) == 403
    cli.run("rules disable no-mini")
    assert cli.call(token) == 200

    versions = [each["version"] for each in cli.read("rules history")["data"]]
    cli.run(f"rules rollback {versions[1]}")
    assert cli.call(token) == 403
    cli.run("rules add -", typed=json.dumps(rule), code=5)
    cli.run("rules remove no-mini")
    assert cli.read("rules list")["data"] == []


def test_failover_is_set_tried_and_looked_at(cli):
    chain = {"match": {"model": "gpt-4o-mini"}, "hops": [{"provider": "openai", "model": "gpt-4.1-nano"}]}
    cli.run("failover set -", typed=json.dumps({"chains": [chain]}))

    assert [hop["model"] for hop in cli.read("failover test gpt-4o-mini")["hops"]] == ["gpt-4o-mini", "gpt-4.1-nano"]
    assert cli.read("failover health")["data"] == []
    assert cli.read("failover clear --yes")["data"] == []


def test_usage_tail_and_the_prices_check_tell_of_calls(cli, token):
    assert [cli.call(token), cli.call(token, model="unpriced-model")] == [200, 200]

    calls = eventually(
        lambda: [json.loads(line) for line in cli.run("tail --json --no-follow").splitlines()],
        lambda calls: len(calls) == 2,
    )
    assert {call["team"] for call in calls} == {"research"}
    groups = cli.read("usage --group-by model,team --from 1d")["data"]
    assert {(group["model"], group["team"]) for group in groups} == {
        ("gpt-4o-mini-2024-07-18", "research"),
        ("unpriced-model", "research"),
    }
    assert cli.run("usage --group-by team --csv --from 1d").splitlines()[1].startswith("research,2,2,")

    assert "unpriced-model" in cli.run("prices check", code=7)
    cli.run("prices set openai/unpriced-model --input 1 --output 2")
    assert cli.read("prices check")["data"] == []


def test_an_administrator_s_afternoon_is_among_the_events(cli):
    cli.run("config set session_budget_usd 5.00")
    cli.run("budget set 10")

    def kinds():
        events = cli.read("events --limit 50")["data"]
        return {(event["kind"], event.get("path")) for event in events}

    eventually(kinds, lambda found: {("budget", None), ("access", "/v1/config")} <= found)


def test_what_an_administrator_may_not_do_is_said_by_the_exit_code(cli, token):
    cli.run("tenant list", code=3)
    cli.run("key list", token=token, code=3)
    cli.run("key list", token="aw_live_" + "0" * 48, code=3)
    cli.run("key show key_0000000000000000", code=4)
    cli.run("config set nonsense 1", code=1)


READING = [
    "whoami", "key list", "budget show", "budget teams", "session list", "config show", "config history", "rules list",
    "rules history", "failover show", "failover health", "failover history", "prices show", "prices history",
    "provider-key list", "webhook show", "webhook test", "events", "usage --group-by day,session,team,key,model",
]  # fmt: skip


def test_everything_that_reads_is_answered(cli):
    for line in READING:
        cli.read(line)


def test_the_operator_suspends_a_tenant_and_makes_it_another_key(stack):
    operator, name = Cli(stack, stack.tokens["operator"]), f"cli-{secrets.token_hex(4)}"
    admin = operator.run(f"tenant create {name} --name Acme").strip()
    operator.run(f"tenant create {name}", code=5)
    token = Cli(stack, admin).run("key create agent").strip()
    assert operator.call(token) == 200

    operator.run(f"tenant suspend {name} --yes")
    assert operator.call(token) == 403
    operator.run(f"tenant resume {name}")
    assert operator.call(token) == 200
    operator.run(f"tenant set {name} --session-budget-max 5 --require-session")
    assert operator.read(f"tenant show {name}")["session_budget_max_usd"] == "5"
    assert name in {tenant["tenant"] for tenant in operator.read("tenant list")["data"]}
    other = operator.run(f"tenant admin-key {name}").strip()
    assert Cli(stack, other).read("whoami")["tenant"] == name
    assert operator.read("dlq list")["next"] is None
    operator.run("dlq replay nobody", code=4)
    operator.run("prices show --platform")
