"""What made-up sessions are written with: a conversation that grows, and the script of its calls.

Every call is told twice, as the edge sees it before it is sent (a `Turn`, estimated high) and as the provider counts it.
The repeats of a transcript are counted here in the plainest way, on the last twelve steps.
"""

from dataclasses import dataclass, field
from random import Random

from core.ledger.loops.turns import Turn

TRANSCRIPT_STEPS = 12
SETTLED_LATE_MS = 300
"""After its client has the answer, a call is open for up to so long."""

Step = tuple[str, bool]
"""Its digest, and whether it failed."""


@dataclass(frozen=True)
class Call:
    """One call of a session: when it was held and settled, what was known before, and what it came to."""

    began_at_ms: int
    ended_at_ms: int
    turn: Turn
    prompt_tokens: int
    completion_tokens: int
    cost_nanousd: int


@dataclass
class Conversation:
    """One transcript."""

    random: Random
    tokens: int
    agent: str | None = None
    steps: list[Step] = field(default_factory=list)
    """Since a person last spoke."""
    prompt: str = ""
    free_at_ms: int = 0

    def __post_init__(self) -> None:
        self.prompt = digest(self.random)

    def human(self, tokens: int) -> None:
        self._grow(tokens)
        self.steps = []

    def answer(self, tokens: int) -> None:
        self._grow(tokens)

    def step(self, tokens: int, *, is_failed: bool = False, again: Step | None = None) -> Step:
        """A tool call with its result, new or seen before; and what the model wrote beside it."""
        self._grow(tokens + self.random.randint(30, 200))
        step = again or (digest(self.random), is_failed)
        self.steps.append(step)
        return step

    def compact(self, tokens: int) -> None:
        """The transcript becomes its summary, and the last step."""
        self.tokens, self.prompt, self.steps = tokens, digest(self.random), self.steps[-1:]

    def turn(self, estimate: int) -> Turn:
        seen = self.steps[-TRANSCRIPT_STEPS:]
        failed = len(seen) - max((place for place, step in enumerate(seen, 1) if not step[1]), default=0)
        return Turn(
            agent=self.agent,
            prompt_tokens=estimate,
            prompt=self.prompt,
            step=seen[-1][0] if seen else None,
            repeated_steps=trailing_repeats(seen),
            failed_steps=trailing_repeats(seen[len(seen) - failed :]),
        )

    def _grow(self, tokens: int) -> None:
        self.tokens += tokens
        self.prompt = digest(self.random)


@dataclass
class Script:
    """The calls of a session, one after another or at once, and what its model costs."""

    random: Random
    calls: list[Call] = field(default_factory=list)
    now_ms: int = 1_790_000_000_000

    def __post_init__(self) -> None:
        self.estimated_high = self.random.uniform(1.03, 1.5)
        self.input_nanousd = self.random.choice((300, 600, 1_500, 3_000))
        """For a token: most of an agent's input is cached."""

    def tokens(self, median: int, spread: float) -> int:
        return max(1, int(median * self.random.lognormvariate(0, spread)))

    def wait(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1_000)

    def call(
        self,
        talk: Conversation,
        *,
        gap_s: float,
        seconds: float | None = None,
        overlaps: bool = False,
        is_sample: bool = False,
    ) -> None:
        """One call after a gap. The next one waits for it, unless it overlaps, and then the next one of the same transcript
        does. A large prompt takes longer."""
        self.wait(gap_s)
        if not is_sample:
            self.now_ms = max(self.now_ms, talk.free_at_ms)
        took_s = seconds or self.random.uniform(1, 8) + talk.tokens / 20_000
        estimate = int(talk.tokens * self.estimated_high * self.random.uniform(0.97, 1.03)) + 1
        written = self.random.randint(50, 800)
        cost = talk.tokens * self.input_nanousd + written * 10_000
        talk.free_at_ms = self.now_ms + int(took_s * 1_000)
        ended_at_ms = talk.free_at_ms + self.random.randint(0, SETTLED_LATE_MS)
        self.calls.append(Call(self.now_ms, ended_at_ms, talk.turn(estimate), talk.tokens, written, cost))
        if not overlaps:
            self.now_ms = talk.free_at_ms


def digest(random: Random) -> str:
    return f"{random.getrandbits(88):022x}"


def trailing_repeats(steps: list[Step]) -> int:
    """How often a block of one to four steps came in a row at the end."""
    most = 0
    for period in range(1, min(4, len(steps)) + 1):
        block, times = steps[-period:], 1
        while steps[-period * (times + 1) : -period * times] == block:
            times += 1
        most = max(most, times)
    return most
