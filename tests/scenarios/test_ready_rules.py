"""The ready rules of the documentation: each is taken without a warning, acts in a whole call, and leaves another alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.tenant.etag import etag
from tests.support.api_client import ADMIN, CALL, CHAT, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World
from tests.support.rules import alerts, last_call

READY = json.loads((Path(__file__).parents[2] / "docs/ready_rules.json").read_text())["rules"]
SESSION = "s1"
INTERN = "aw_live_" + "77" * 24
DAY_MS = 86_400_000
KEY = (
    "-----BEGIN OPENSSH "
    + "PRIVATE KEY-----\n"
    + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 6
    + "\n-----END OPENSSH "
    + "PRIVATE KEY-----"
)


class Play:
    """One rule in force, and calls under it."""

    def __init__(self, rule: dict[str, Any]) -> None:
        self.world: World = a_world_with_administrators()
        self.world.knows(INTERN, tenant="acme", team="interns", key_id="key_intern")
        self.isolate = an_isolate()
        self.rule = rule["id"]
        answer = Client(self.world, self.isolate, ADMIN).ask("PUT", "/v1/rules", {"rules": [rule]}, if_match=etag(0))
        assert (answer.status, json.loads(answer.body)) == (200, {"version": 1})  # type: ignore[arg-type]

    def call(self, tokens: int = 100, *, intern: bool = False, seconds: int = 1, **changes: Any) -> bool:
        """Make a call of so many tokens; has the rule acted?"""
        usage = {"prompt_tokens": tokens, "completion_tokens": 10}
        answer = {"model": "gpt-4o-mini", "usage": usage, "choices": [{}]}
        self.world.answer = ScriptedAnswer(chunks=(json.dumps(answer).encode(),))
        self.world.pass_time(seconds * 1_000)
        client = Client(self.world, self.isolate, INTERN) if intern else Client(self.world, self.isolate)
        body = {**CALL, "messages": [{"role": "user", "content": "word " * tokens}], **changes}
        client.call(body, CHAT, x_agentwatch_session_id=SESSION)
        return self.rule in last_call(self.world).get("rules", [])

    def at(self, hour: int, weekday: int = 2) -> "Play":
        """Go on to the next such hour (UTC) of a weekday, Monday being 0."""
        hours = self.world.now_ms() // 3_600_000
        while not (hours % 24 == hour and (hours // 24 + 3) % 7 == weekday):
            hours += 1
        self.world.pass_time(hours * 3_600_000 - self.world.now_ms())
        return self


def a_step(number: int, result: str, **marks: Any) -> list[dict[str, Any]]:
    called = {"id": f"c{number}", "type": "function", "function": {"name": "build", "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps({"said": result, **marks})},
    ]


def steps(play: Play, times: int, result: Callable[[int], str], **marks: Any) -> list[bool]:
    """An agent's calls, each with one step more in its transcript."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "build it"}]
    acted = []
    for number in range(times):
        messages += a_step(number, result(number), **marks)
        acted.append(play.call(messages=list(messages)))
    return acted


def growth(play: Play, ratio: float, times: int) -> list[bool]:
    return [play.call(round(20_000 * ratio**step)) for step in range(times)]


def thrash(play: Play, times: int) -> list[bool]:
    return [play.call(tokens) for _ in range(times) for tokens in (20_000, 29_000, 42_000, 58_000)]


ACTS: dict[str, Callable[[Play], bool]] = {
    "stop-growth-loop": lambda play: any(growth(play, 1.5, 7)),
    "stop-same-prompt": lambda play: [play.call() for _ in range(5)] == [False] * 4 + [True],
    "stop-same-step": lambda play: steps(play, 8, lambda _: "none") == [False] * 7 + [True],
    "stop-failing-step": lambda play: steps(play, 5, lambda _: "no", error="boom") == [False] * 4 + [True],
    "stop-compaction-thrash": lambda play: any(thrash(play, 6)),
    "stop-storm": lambda play: any(play.call(100 + n, seconds=0) for n in range(61)),
    "cap-one-call": lambda play: play.call(model="gpt-4o", max_tokens=16_000, n=10),
    "no-big-models-for-interns": lambda play: play.call(intern=True, model="o3-mini"),
    "office-hours": lambda play: play.at(23).call(intern=True),
    "office-days": lambda play: play.at(11, weekday=5).call(intern=True),
    "no-secrets": lambda play: play.call(messages=[{"role": "user", "content": KEY}]),
    "tell-of-cards": lambda play: play.call(messages=[{"role": "user", "content": "4111 1111 1111 1111"}]),
}
LEAVES: dict[str, Callable[[Play], bool]] = {
    "stop-growth-loop": lambda play: any(growth(play, 1.3, 7)),
    "stop-same-prompt": lambda play: any(play.call(100 + n) for n in range(9)),
    "stop-same-step": lambda play: any(steps(play, 12, str)),
    "stop-failing-step": lambda play: any(steps(play, 8, str, error="boom")),
    "stop-compaction-thrash": lambda play: any(play.call(20_000 + 900 * n) for n in range(24)),
    "stop-storm": lambda play: any(play.call(100 + n, seconds=2) for n in range(90)),
    "cap-one-call": lambda play: play.call(),
    "no-big-models-for-interns": lambda play: play.call(model="o3-mini") or play.call(intern=True),
    "office-hours": lambda play: play.at(12).call(intern=True) or play.at(23).call(),
    "office-days": lambda play: play.at(11, weekday=4).call(intern=True),
    "no-secrets": lambda play: play.call(messages=[{"role": "user", "content": "ssh-keygen -t ed25519"}]),
    "tell-of-cards": lambda play: play.call(messages=[{"role": "user", "content": "4111 1111 1111 1112"}]),
}
OF_ITS_OWN = {"cheaper-above-spend"}


def test_every_ready_rule_is_tried() -> None:
    assert {rule["id"] for rule in READY} == set(ACTS) | OF_ITS_OWN == set(LEAVES) | OF_ITS_OWN


@pytest.mark.parametrize("rule", [each for each in READY if each["id"] in ACTS], ids=lambda rule: rule["id"])
def test_a_ready_rule_acts_where_it_says_and_leaves_the_rest_alone(rule: dict[str, Any]) -> None:
    assert ACTS[rule["id"]](Play(rule))
    assert not LEAVES[rule["id"]](Play(rule))


def test_above_five_dollars_a_session_goes_on_with_the_smaller_model() -> None:
    play = Play(next(each for each in READY if each["id"] == "cheaper-above-spend"))
    big = {"model": "gpt-4o", "max_tokens": 100}

    acted = [play.call(1_000_000, messages=CALL["messages"], **big) for _ in range(4)]  # $2.50 each, as it is billed

    assert acted == [False, False, True, True]
    assert json.loads(play.world.sent[-1].body)["model"] == "gpt-4o-mini"


def test_all_ready_rules_together_are_taken() -> None:
    world = a_world_with_administrators()

    answer = Client(world, an_isolate(), ADMIN).ask("PUT", "/v1/rules", {"rules": READY}, if_match="*")

    assert (answer.status, json.loads(answer.body)) == (200, {"version": 1})  # type: ignore[arg-type]
    assert alerts(world) == []
