"""Sessions that are loops, made up after those that people have reported: most of them are flat, and few grow."""

from collections.abc import Callable
from random import Random

from tests.calibration.sessions import Call, Conversation, Script

Kind = Callable[[Random], list[Call]]


def growing_context(random: Random) -> list[Call]:
    """Half as much again at each step, until no model takes it."""
    script = Script(random)
    talk = Conversation(random, random.randint(1_000, 8_000))
    while talk.tokens < 400_000:
        script.call(talk, gap_s=random.uniform(1, 20))
        talk.step(int(talk.tokens * random.uniform(0.45, 0.6)))
    return script.calls


def same_request(random: Random) -> list[Call]:
    """A client that takes every answer for a failure; in a third of them, two do so at once."""
    script = Script(random)
    requests = [Conversation(random, script.tokens(4_000, 1.2)) for _ in range(random.choice((1, 1, 2)))]
    every_s = 10 ** random.uniform(0, 2)
    for number in range(random.randint(20, 100)):
        script.call(requests[number % len(requests)], gap_s=every_s)
    return script.calls


def same_command(random: Random) -> list[Call]:
    """The same command with the same result, marked as an error in half of them; compacted in a third."""
    return _same_steps(random, period=1)


def ping_pong(random: Random) -> list[Call]:
    """Two to four commands in turn, with the same results."""
    return _same_steps(random, period=random.choice((2, 2, 3, 4)))


def _same_steps(random: Random, period: int) -> list[Call]:
    script = Script(random)
    talk = Conversation(random, random.randint(5_000, 40_000))
    for _ in range(random.randint(1, 15)):
        script.call(talk, gap_s=random.uniform(2, 30))
        talk.step(script.tokens(800, 1.0))
    is_failed, limit = random.random() < 0.5, talk.tokens + random.choice((30_000, 10**9, 10**9))
    steps = [talk.step(random.randint(100, 1_500), is_failed=is_failed) for _ in range(period)]
    for number in range(random.randint(20, 120)):
        script.call(talk, gap_s=random.uniform(2, 60))
        talk.step(random.randint(100, 1_500), again=steps[number % period])
        if talk.tokens > limit:
            talk.compact(6_000)
    return script.calls


def compaction_thrash(random: Random) -> list[Call]:
    """Compacted, and full again one to six steps later, for the same large files are read again."""
    script = Script(random)
    talk = Conversation(random, random.randint(40_000, 120_000))
    refill = random.randint(1, 6)
    for _ in range(random.randint(5, 15)):
        left = random.randint(15_000, 45_000)
        for _ in range(refill):
            talk.step(int((160_000 - left) / refill * random.uniform(0.8, 1.25)))
            script.call(talk, gap_s=random.uniform(3, 20), seconds=random.uniform(5, 20))
        talk.human(300)
        script.call(talk, gap_s=1, seconds=random.uniform(20, 60))
        talk.compact(left)
        script.call(talk, gap_s=1, seconds=random.uniform(5, 20))
    return script.calls


def request_storm(random: Random) -> list[Call]:
    """Agents that start agents: 80 to 600 calls a minute, all different."""
    script = Script(random)
    per_minute = 10 ** random.uniform(1.9, 2.78)
    for number in range(random.randint(150, 300)):
        talk = Conversation(random, script.tokens(2_000, 0.8), f"agent-{number % random.randint(1, 40)}")
        script.call(talk, gap_s=random.expovariate(per_minute / 60), overlaps=True)
    return script.calls


KINDS: dict[str, Kind] = {
    "context × 1.5 a step": growing_context,
    "same request again": same_request,
    "same command, same result": same_command,
    "ping-pong of two to four commands": ping_pong,
    "compaction thrash": compaction_thrash,
    "request storm": request_storm,
}
