"""Sessions that are work, made up: each kind grows, repeats itself and runs in parallel as the tools of its kind do.

All sizes, gaps and shares are guesses, drawn from wide ranges, and every kind stands for itself in the table: a share
over all of them would say no more than how many of each were drawn.
"""

from collections.abc import Callable
from random import Random

from tests.calibration.sessions import Call, Conversation, Script

Kind = Callable[[Random], list[Call]]


def small_prompt_with_tools(random: Random) -> list[Call]:
    """A short prompt, and tools that answer some 900 tokens."""
    script = Script(random)
    talk = Conversation(random, random.randint(400, 1_500))
    for _ in range(random.randint(10, 40)):
        script.call(talk, gap_s=random.uniform(1, 20))
        talk.step(script.tokens(900, 0.8))
    return script.calls


def reads_documents(random: Random) -> list[Call]:
    """Some 6,000 tokens a document."""
    script = Script(random)
    talk = Conversation(random, random.randint(1_000, 3_000))
    for _ in range(random.randint(6, 20)):
        script.call(talk, gap_s=random.uniform(3, 30))
        talk.step(script.tokens(6_000, 0.6))
    return script.calls


def coding_agent(random: Random) -> list[Call]:
    """A prefix of 20,000 tokens; edits and tests in turn, some failing; a person now and then."""
    script = Script(random)
    talk = Conversation(random, random.randint(15_000, 25_000))
    for _ in range(random.randint(3, 8)):
        talk.human(random.randint(20, 400))
        for _ in range(random.randint(5, 20)):
            script.call(talk, gap_s=random.uniform(2, 60))
            _work(random, script, talk)
    return script.calls


def coding_agent_with_compaction(random: Random) -> list[Call]:
    """The same for longer: compacted at about 160,000 tokens, and small side calls under the agent's own name."""
    script = Script(random)
    talk = Conversation(random, random.randint(20_000, 60_000))
    for turn in range(random.randint(80, 200)):
        if turn % 25 == 0:
            talk.human(random.randint(20, 400))
        if random.random() < 0.15:
            script.call(Conversation(random, random.randint(300, 1_500)), gap_s=0.5)
        script.call(talk, gap_s=random.uniform(2, 60))
        _work(random, script, talk, tokens=random.choice((800, 800, 4_000)))
        if talk.tokens > 160_000:
            talk.human(300)
            script.call(talk, gap_s=2, seconds=random.uniform(30, 90))
            talk.compact(random.randint(9_000, 25_000))
    return script.calls


def _work(random: Random, script: Script, talk: Conversation, tokens: int = 800) -> None:
    """A step of a coding agent: mostly something new, at times the same test run with the same result between edits, a
    second try of a command that failed, or a look at the same file again."""
    chance = random.random()
    if chance < 0.15 and talk.steps:
        talk.step(300, again=talk.steps[max(0, len(talk.steps) - random.randint(1, 4))])
    elif chance < 0.30:
        talk.step(script.tokens(200, 0.5), is_failed=True)
    else:
        talk.step(min(25_000, script.tokens(tokens, 1.2)))


def subagents_under_one_name(random: Random) -> list[Call]:
    """A conversation and one to four subagents, their calls in any order, nobody saying which is which."""
    return _subagents(random, names=(None,))


def subagents_by_name(random: Random) -> list[Call]:
    """The same, each under its own name."""
    return _subagents(random, names=("main", "one", "two", "three", "four"))


def _subagents(random: Random, names: tuple[str | None, ...]) -> list[Call]:
    script = Script(random)
    talks = [Conversation(random, random.randint(15_000, 60_000), names[0])]
    for number in range(random.randint(1, 4)):
        talks.append(Conversation(random, random.randint(1_500, 15_000), names[(number + 1) % len(names)]))
    for _ in range(random.randint(20, 80)):
        talk = random.choice(talks)
        script.call(talk, gap_s=random.uniform(0.2, 10), overlaps=random.random() < 0.5)
        talk.step(script.tokens(1_500, 1.0))
    return script.calls


def subagents_that_compact(random: Random) -> list[Call]:
    """Five at once, each under its own name, each compacted every ten to thirty minutes."""
    script = Script(random)
    talks = [Conversation(random, random.randint(30_000, 150_000), f"agent-{number}") for number in range(5)]
    for _ in range(200):
        talk = random.choice(talks)
        script.call(talk, gap_s=random.uniform(1, 8), overlaps=True)
        talk.step(script.tokens(4_000, 0.8))
        if talk.tokens > 160_000:
            talk.compact(random.randint(9_000, 25_000))
    return script.calls


def parallel_calls(random: Random) -> list[Call]:
    """Bursts of three to twelve calls at once, each over a document of its own."""
    script = Script(random)
    for _ in range(random.randint(2, 10)):
        script.wait(random.uniform(1, 60))
        for _ in range(random.randint(3, 12)):
            script.call(Conversation(random, script.tokens(5_000, 0.9)), gap_s=0.05, overlaps=True)
    return script.calls


def pool_of_workers(random: Random) -> list[Call]:
    """Two to five at once without a pause, each call over a document of its own."""
    script = Script(random)
    free_at_ms = [script.now_ms] * random.randint(2, 5)
    for _ in range(random.randint(15, 60)):
        worker = free_at_ms.index(min(free_at_ms))
        script.now_ms = max(script.now_ms, free_at_ms[worker])
        document = Conversation(random, script.tokens(5_000, 0.9))
        script.call(document, gap_s=0.05, overlaps=True)
        free_at_ms[worker] = document.free_at_ms
    return script.calls


def mixed_tool_results(random: Random) -> list[Call]:
    """From 200 tokens to 30,000."""
    script = Script(random)
    talk = Conversation(random, random.randint(2_000, 12_000))
    for _ in range(random.randint(10, 40)):
        script.call(talk, gap_s=random.uniform(1, 30))
        talk.step(min(30_000, max(200, script.tokens(1_500, 1.5))))
    return script.calls


def steady_growth(random: Random) -> list[Call]:
    """By the same share at each step, below 1.4."""
    script = Script(random)
    talk = Conversation(random, random.randint(2_000, 10_000))
    ratio = random.uniform(1.1, 1.38)
    while talk.tokens < 180_000 and len(script.calls) < 40:
        script.call(talk, gap_s=random.uniform(2, 30))
        talk.step(int(talk.tokens * (ratio - 1)))
    return script.calls


def chat_with_a_person(random: Random) -> list[Call]:
    """A question every minute or so; now and then an answer is asked for again."""
    script = Script(random)
    talk = Conversation(random, random.randint(200, 3_000))
    for _ in range(random.randint(5, 40)):
        talk.human(script.tokens(80, 1.0))
        script.call(talk, gap_s=random.uniform(5, 300))
        for _ in range(random.randint(1, 3) if random.random() < 0.1 else 0):
            script.call(talk, gap_s=random.uniform(2, 30))
        talk.answer(script.tokens(300, 0.8))
    return script.calls


def samples_and_evaluations(random: Random) -> list[Call]:
    """Each question of a set three to ten times, at once or one after another."""
    script = Script(random)
    samples, is_at_once = random.randint(3, 10), random.random() < 0.5
    for _ in range(random.randint(3, 15)):
        question = Conversation(random, script.tokens(800, 0.8))
        script.wait(random.uniform(1, 10))
        for _ in range(samples):
            script.call(question, gap_s=0.05 if is_at_once else 1, overlaps=is_at_once, is_sample=is_at_once)
    return script.calls


def polling(random: Random) -> list[Call]:
    """Asks for the state of a build three to twenty times, every ten seconds to ten minutes; it is mostly unchanged."""
    script = Script(random)
    talk = Conversation(random, random.randint(2_000, 20_000))
    for _ in range(random.randint(2, 6)):
        script.call(talk, gap_s=random.uniform(2, 30))
        talk.step(script.tokens(900, 0.8))
    every_s = 10 ** random.uniform(1, 2.78)
    changes = random.choice((0.0, 0.2, 0.5))
    state = talk.step(120)
    for _ in range(random.randint(3, 20)):
        script.call(talk, gap_s=every_s)
        state = talk.step(120, again=None if random.random() < changes else state)
    script.call(talk, gap_s=every_s)
    return script.calls


KINDS: dict[str, Kind] = {
    "small prompt, tools of some 900 tokens": small_prompt_with_tools,
    "reads documents of some 6,000 tokens": reads_documents,
    "coding agent, prefix of 20,000": coding_agent,
    "coding agent with compaction and side calls": coding_agent_with_compaction,
    "subagents interleaved under one name": subagents_under_one_name,
    "subagents, each under its own name": subagents_by_name,
    "five subagents that compact": subagents_that_compact,
    "bursts of parallel calls": parallel_calls,
    "documents in a pool of two to five workers": pool_of_workers,
    "tool results from 200 to 30,000 tokens": mixed_tool_results,
    "steady growth below 1.4": steady_growth,
    "chat with a person": chat_with_a_person,
    "several samples of a request, evaluations": samples_and_evaluations,
    "polling": polling,
}
