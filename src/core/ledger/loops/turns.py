"""What a call says of itself to its session's history, and what the history says of the session: sizes, moments and
keyed digests, never a text."""

from typing import Annotated

import msgspec

from core.bounds import SCOPE_ID_CHARACTERS_MAX

Digest = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
"""A keyed hash, cut short: it tells whether two things of one tenant are the same, and nothing else."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**50)]


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call as its session sees it, before anybody knows its usage."""

    agent: Annotated[str, msgspec.Meta(max_length=SCOPE_ID_CHARACTERS_MAX)] | None = None
    """Whose conversation it is: the sizes and steps of each of a session's agents are compared with its own."""
    prompt_tokens: Count | None = None
    """All input, estimated high; None where nobody can tell (it refers to what is not in the request), and where the
    count that the call ends with is all there is."""
    is_continued: bool = False
    """The request carries new items only: what was before is stored at the provider."""
    prompt: Digest | None = None
    """Of the whole request."""
    step: Digest | None = None
    """Of the last step: the model's tool calls and their results. None where a person has spoken since, where there was
    none, or where nobody has looked."""
    repeated_steps: Count = 0
    """How often the steps at the end of this one request repeat themselves."""
    failed_steps: Count = 0
    """The same, of steps whose results are marked as errors."""
    iteration: Count | None = None
    """As the caller states it."""
    model: Annotated[str, msgspec.Meta(max_length=SCOPE_ID_CHARACTERS_MAX)] | None = None
    """Whom it asks, for whoever is told of it."""


PLAIN_TURN = Turn()
"""A call of which nothing is known but that it came."""


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What rules ask of a session, the call being decided included. None is not known: it meets no condition."""

    iteration: int | None = None
    """What the caller states, or the calls of this session so far if those are more."""
    session_spend_nanousd: int | None = None
    """Spent before this call."""
    spend_per_hour_nanousd: int | None = None
    """Spent in the last sixty minutes."""
    growth_ratio: float | None = None
    """The least of the last three growths of the prompt from one call to the next; unknown before the fourth call."""
    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    repeated_prompt: int | None = None
    """How often the same request came in a row."""
    repeated_step: int | None = None
    """How often the same step, or the same few steps in turn, came in a row."""
    step_errors: int | None = None
    """The same, of steps that failed."""
    compactions: int | None = None
    """How often the prompt has fallen to less than half within the last quarter of an hour."""


NOTHING_KNOWN = SessionFacts()
"""There is no session, or nobody to ask for it."""
