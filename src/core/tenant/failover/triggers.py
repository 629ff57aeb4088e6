"""The words by which a chain says after which failures a call moves on to its next hop.

The vocabulary lives here, where documents are judged, and `core.routing` imports it from here for its classes of
failures. The rule easy to break: a word stands for whose fault a failure is, and a status is only its name. A verdict
on the prompt is `refusal` and nothing else, whatever status it comes with: what is meant for outages must not become a
way round a refusal.
"""

from collections.abc import Mapping
from typing import Literal

Trigger = Literal[
    "403",
    "404",
    "429",
    "5xx",
    "timeout",
    "network",
    "empty_account",
    "key",
    "too_large",
    "bad_tool_call",
    "empty",
    "refusal",
]

TRIGGERS: Mapping[Trigger, str] = {
    "403": "the provider does not serve us: our location, or what the key may not use; in any status that says so",
    "404": "the provider has no such model, or has it no longer (410 too)",
    "429": "a rate limit of the provider's, also one that Groq answers with 413",
    "5xx": "the provider failed or is overloaded: 500 to 599, Groq's 498, and an error of that kind inside a 200",
    "timeout": "nothing came within `first_byte_ms`",
    "network": "no connection, or one that was lost before any content came",
    "empty_account": "the account at the provider has no money or quota left: 402, and 400, 403 or 429 that say so",
    "key": "a key of ours or the tenant's is not valid (401, and 400 that says so); never the caller's own",
    "too_large": "the request is too long for the model: on to a hop with a larger context window",
    "bad_tool_call": "the model wrote a tool call that its provider could not read",
    "empty": "the answer has neither text nor tool call; it was billed",
    "refusal": "the model or a filter refused the prompt or the answer",
}
"""What each word stands for. There is none for a request at fault (400, 422) nor for a caller's own key: the next hop
would fail as well, or hide what is wrong."""

DEFAULT_TRIGGERS: frozenset[Trigger] = frozenset(
    {"403", "429", "5xx", "timeout", "network", "empty_account", "key", "too_large", "bad_tool_call"}
)
"""Of a chain that names none: what another provider may well not have. What a model has decided (`refusal`), what it
was paid for (`empty`) and a name that may be misspelt (`404`) take the tenant's own word."""
