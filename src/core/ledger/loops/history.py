"""A session's history: what its ended calls have left behind, as one small value kept beside the session's account, and
the facts that it makes of a call being decided.

Sizes, streaks and compactions are kept for each agent that the session's callers name, rates and spend for the session.
Ended calls are folded in by the order of their ends' numbers; what they are compared by is the order in which they
began. Nothing here depends on moments ascending.

What runs at once. A call that has not ended counts in the rates and the iteration, and in nothing else: it has no size
yet, and may never be billed. So a burst of equal requests passes a rule on repeats, and the first one after it meets
the whole streak. A call that nobody billed counts in the rates alone: an SDK's retries after a provider's errors are
one request. Two subagents under one name share sizes and streaks: growth is then mostly not seen, while the repeats
that one of them has in its own transcript are (`Turn.repeated_steps`).

The rule easy to break: it is written with its session's row and held for thousands of sessions, so it is bounded
whatever callers do, and folding and asking take the same time however long a session lasts.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from core.ledger.loops import rates, sizes, streaks
from core.ledger.loops.sizes import Point, Sizes, is_runaway
from core.ledger.loops.streaks import NO_STEPS, Prompt, Steps
from core.ledger.loops.turns import SessionFacts, Turn

AGENTS_MAX = 8
AGENT_CHARACTERS_KEPT = 32
CALLS_MAX = 2**53
NO_WINDOW = rates.Window()


class AgentHistory(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One conversation of a session. A long name is kept as its digest."""

    agent: str | None
    sizes: Sizes = Sizes()
    prompts: tuple[Prompt, ...] = ()
    steps: Steps = NO_STEPS


class SessionHistory(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """See the module. The agent that ended a call last stands last."""

    agents: tuple[AgentHistory, ...] = ()
    calls: int = 0
    seconds: rates.Window = NO_WINDOW
    """Requests, by the second in which they began."""
    minutes: rates.Window = NO_WINDOW
    """Requests, by the minute in which they began."""
    spent: rates.Window = NO_WINDOW
    """Nano-dollars, by the minute in which their call began."""


EMPTY = SessionHistory()


def with_ended(
    history: SessionHistory,
    turn: Turn,
    *,
    number: int,
    began_at_ms: int,
    prompt_tokens: int,
    completion_tokens: int,
    cost_nanousd: int,
    ended_at_ms: int | None = None,
    is_correction: bool = False,
    is_replaced: bool = False,
    earlier_cost_nanousd: int = 0,
) -> SessionHistory:
    """The history with one ended call, in the order of ends' numbers.

    `began_at_ms` is its admission; of a report, when it was taken in, never what its sender states. By `ended_at_ms`
    calls that ran at once are told from steps; without it, as of a report, the call took no time. A correction
    replaces the charge of a hold that had expired, and was folded in as ended at `earlier_cost_nanousd`: the call
    counts no second time, and what its prompt came to is known at last. Of an attempt that was replaced by another
    within its call only the cost counts.
    """
    minute = began_at_ms // 60_000
    is_billed = bool(prompt_tokens or completion_tokens or cost_nanousd)
    repeats_count = is_billed and not is_correction
    agents = history.agents
    if is_replaced:
        spent = rates.with_amount(history.spent, minute, cost_nanousd - earlier_cost_nanousd)
        return msgspec.structs.replace(history, spent=spent)
    if repeats_count or prompt_tokens:
        before = _agent(history, turn.agent)
        took_ms = 0 if ended_at_ms is None or is_correction else max(0, ended_at_ms - began_at_ms)
        point = Point(began_at_ms, number, prompt_tokens, took_ms)
        after = _with_call(before, turn, point, repeats_count=repeats_count)
        agents = (*[agent for agent in agents if agent is not before], after)[-AGENTS_MAX:]
    if is_correction:
        spent = rates.with_amount(history.spent, minute, cost_nanousd - earlier_cost_nanousd)
        return SessionHistory(agents, history.calls, history.seconds, history.minutes, spent)
    return SessionHistory(
        agents,
        min(CALLS_MAX, history.calls + 1),
        rates.with_amount(history.seconds, began_at_ms // 1_000, 1),
        rates.with_amount(history.minutes, minute, 1),
        rates.with_amount(history.spent, minute, cost_nanousd),
    )


def facts_of(
    history: SessionHistory,
    turn: Turn,
    *,
    open_began_at_ms: Sequence[int],
    earlier_tokens: int | None,
    spent_nanousd: int,
    now_ms: int,
) -> SessionFacts:
    """What is known of the session as a call of it is decided, that call included as one.

    `open_began_at_ms` are the admissions of the session's calls that have not ended, this one not among them.
    """
    agent = _agent(history, turn.agent)
    size = sizes.current_size(agent.sizes, turn, earlier_tokens)
    steps = _steps_now(agent, turn, now_ms)
    second, minute = now_ms // 1_000, now_ms // 60_000
    return SessionFacts(
        iteration=max(turn.iteration or 0, history.calls + len(open_began_at_ms) + 1),
        session_spend_nanousd=spent_nanousd,
        spend_per_hour_nanousd=rates.total(history.spent, minute),
        growth_ratio=None if size is None else sizes.growth_ratio(_sizes_now(agent, turn, size)),
        requests_per_minute=rates.total(history.seconds, second) + _within(open_began_at_ms, 1_000, second) + 1,
        requests_per_hour=rates.total(history.minutes, minute) + _within(open_began_at_ms, 60_000, minute) + 1,
        repeated_prompt=None if turn.prompt is None else streaks.prompt_streak(agent.prompts, turn.prompt, now_ms),
        repeated_step=max(turn.repeated_steps, streaks.repeats(steps)),
        step_errors=max(turn.failed_steps, streaks.failed_repeats(steps)),
        compactions=sizes.falls_until(agent.sizes, size, now_ms),
    )


def sizes_of(history: SessionHistory, turn: Turn | None, *, earlier_tokens: int | None = None) -> tuple[int, ...]:
    """The last five prompt sizes, the oldest first: of the turn's agent with the call being decided, where its size is
    known; without a turn, of the agent that ended a call last."""
    if turn is None:
        return sizes.recent(history.agents[-1].sizes) if history.agents else ()
    agent = _agent(history, turn.agent)
    return _sizes_now(agent, turn, sizes.current_size(agent.sizes, turn, earlier_tokens))


def ended_sizes_of(history: SessionHistory, agent: str | None) -> tuple[int, ...]:
    """The last five sizes of one agent's calls that have ended."""
    return sizes.recent(_agent(history, agent).sizes)


def runaway_at_end(history: SessionHistory, agent: str | None, floor_tokens: int = 0) -> bool:
    """Whether the agent's ended calls are a runaway: for calls that nobody decided, such as reports."""
    return is_runaway(ended_sizes_of(history, agent), floor_tokens=floor_tokens)


def cleared(history: SessionHistory) -> SessionHistory:
    """The history after an administrator has resumed or reset the session: sizes, streaks and compactions begin anew,
    so that what stopped it does not stop it again at once. Calls, rates and spend are what they are."""
    return msgspec.structs.replace(history, agents=())


def _agent(history: SessionHistory, name: str | None) -> AgentHistory:
    kept = _kept_name(name)
    for agent in history.agents:
        if agent.agent == kept:
            return agent
    return AgentHistory(kept)


def _kept_name(name: str | None) -> str | None:
    if name is None or len(name) <= AGENT_CHARACTERS_KEPT:
        return name
    return "#" + hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _with_call(agent: AgentHistory, turn: Turn, point: Point, *, repeats_count: bool) -> AgentHistory:
    after_sizes, prompts, steps = agent.sizes, agent.prompts, agent.steps
    if point.prompt_tokens and not (repeats_count and _is_again(agent, turn, point.prompt_tokens)):
        after_sizes = sizes.with_point(after_sizes, point, turn)
    if repeats_count:
        steps = _steps_now(agent, turn, point.began_at_ms)
        if turn.prompt is not None:
            prompts = streaks.with_prompt(prompts, turn.prompt, point.began_at_ms)
    return AgentHistory(agent.agent, after_sizes, prompts, steps)


def _sizes_now(agent: AgentHistory, turn: Turn, size: int | None) -> tuple[int, ...]:
    return sizes.recent(agent.sizes, None if size is not None and _is_again(agent, turn, size) else size)


def _is_again(agent: AgentHistory, turn: Turn, size: int) -> bool:
    """Whether a call's size is there already: the same request was the last one, and came to as much."""
    is_same = turn.prompt is not None and streaks.is_last(agent.prompts, turn.prompt)
    return is_same and agent.sizes.points[-1:] != () and agent.sizes.points[-1].prompt_tokens == size


def _steps_now(agent: AgentHistory, turn: Turn, at_ms: int) -> Steps:
    """The steps with this call's; the same request again has no new one."""
    if turn.step is None:
        return NO_STEPS
    if turn.prompt is not None and streaks.is_last(agent.prompts, turn.prompt):
        return agent.steps
    return streaks.with_step(agent.steps, turn.step, is_failed=turn.failed_steps > 0, at_ms=at_ms)


def _within(moments_ms: Sequence[int], unit_ms: int, unit: int) -> int:
    if not moments_ms:
        return 0
    first_ms, until_ms = (unit - rates.UNITS_KEPT + 1) * unit_ms, (unit + rates.UNITS_KEPT) * unit_ms
    return len([moment for moment in moments_ms if first_ms <= moment < until_ms])
