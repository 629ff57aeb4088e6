"""Every command with arguments by which it succeeds at the scripted API; `test_every_command_is_here` misses none."""

from __future__ import annotations

import json
from dataclasses import dataclass

KEY = "key_0000000000000001"

A_RULE = {"id": "new-rule", "condition": {"always": True}, "action": {"type": "allow"}}
CHAINS = {"chains": [], "attempts_max": 2}


@dataclass(frozen=True)
class Run:
    arguments: tuple[str, ...]
    typed: str = ""
    makes_secret: bool = False
    needs_profile: bool = False

    @property
    def id(self) -> str:
        return " ".join(self.arguments[:2])

    @property
    def path(self) -> tuple[str, ...]:
        """The command's own name."""
        return self.arguments[:2] if self.arguments[0] in GROUPS else self.arguments[:1]


GROUPS = {
    "tenant", "key", "budget", "session", "config", "rules", "failover", "prices", "provider-key", "webhook", "dlq",
}  # fmt: skip


def run(line: str, typed: str = "", *, makes_secret: bool = False) -> Run:
    return Run(tuple(line.split()), typed, makes_secret)


RUNS = [
    run("whoami"),
    run("login --token-stdin", "<token>\n"),
    run("logout"),
    run("tenant list"),
    run("tenant create beta --name Beta --budget-max 100 --require-session", makes_secret=True),
    run("tenant show acme"),
    run("tenant set acme --session-budget-max 5 --budget-max none --no-require-session"),
    run("tenant suspend acme --yes"),
    run("tenant resume acme"),
    run("tenant admin-key acme", makes_secret=True),
    run("key list"),
    run("key create ci --team research --role developer --budget 50 --expires 90d", makes_secret=True),
    run(f"key show {KEY}"),
    run(f"key set {KEY} --budget none --requests-per-minute 60 --tokens-per-minute 1000 --no-calls"),
    run(f"key rotate {KEY} --overlap 1h", makes_secret=True),
    run(f"key disable {KEY}"),
    run(f"key enable {KEY}"),
    run(f"key revoke {KEY} --yes"),
    run("budget show --window day"),
    run("budget teams"),
    run("budget set 500 --team research --alert-percent 80 --warn"),
    run("budget clear --window day --yes"),
    run("budget pause"),
    run("budget resume --team research"),
    run("budget reset --yes"),
    run("session list"),
    run("session show run-1"),
    run("session raise run-1 20"),
    run("session pause run-1"),
    run("session resume run-1"),
    run("session reset run-1 --yes"),
    run("config show"),
    run("config get session_budget_usd"),
    run("config set requests_per_minute 600"),
    run("config unset session_budget_usd"),
    run("config edit --file -", '{"fail_closed": true}'),
    run("config history"),
    run("config rollback 1"),
    run("rules list"),
    run("rules add -", json.dumps(A_RULE)),
    run("rules edit stop-loop --file -", json.dumps({**A_RULE, "id": "stop-loop"})),
    run("rules remove stop-loop"),
    run("rules test --provider openai --model o3 --expect stop-loop"),
    run("rules enable stop-loop"),
    run("rules disable stop-loop"),
    run("rules shadow stop-loop tag-eu"),
    run("rules history"),
    run("rules rollback 1"),
    run("failover show"),
    run("failover set -", json.dumps(CHAINS)),
    run("failover test openai/gpt-4o-mini"),
    run("failover health"),
    run("failover clear --provider openai --yes"),
    run("failover history"),
    run("failover rollback 1"),
    run("prices show"),
    run("prices set openai/new --input 1.25 --output 10 --platform"),
    run("prices check"),
    run("prices history --platform"),
    run("prices rollback 1"),
    run("provider-key list"),
    run("provider-key set openai --key-stdin", "sk-canary-of-a-provider\n"),
    run("provider-key delete openai --yes"),
    run("webhook show"),
    run("webhook test"),
    run("webhook secret --overlap 24h", makes_secret=True),
    run("usage --group-by day,team"),
    run("events --kind auth,access --from 7d"),
    run("tail --no-follow"),
    run("dlq list"),
    run("dlq replay letter_1"),
]
