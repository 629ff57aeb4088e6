"""No secret stands in a wrangler.toml: its `[vars]` are committed, printed at every deployment, and shown to everybody
who may see the Worker. `wrangler secret put` is their place."""

import re
from collections.abc import Iterator
from typing import Any

_NAME = re.compile(r"(?:^|_)(?:KEYS?|TOKENS?|SECRETS?|PASSWORDS?|CREDENTIALS?|JWT|DSN)(?:_|$)", re.IGNORECASE)
_VALUE = re.compile(
    r"\b(?:sk-|gsk_|xai-|AIza|aw_(?:live|test)_|sb_secret_|sbp_|xox[abp]-|gh[pousr]_|eyJ)[A-Za-z0-9_.-]{8,}"
    r"|-----BEGIN|hooks\.slack\.com/services/|://[^/\s:@]*:[^/\s@]+@"
)
"""Keys of the providers and of ours, Supabase's, Slack's, GitHub's, signed tokens, private keys, passwords in URLs."""

_RANDOM = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_+/=-]{32,}")


def secrets_in(document: dict[str, Any]) -> list[str]:
    """Where a wrangler.toml, as parsed, holds something that is or looks like a secret: `vars.OPENAI_API_KEY`."""
    found = []
    for place, value in _leaves(document, ()):
        in_vars = "vars" in place[:-1]
        is_named_so = in_vars and any(_NAME.search(name) for name in place[place.index("vars") + 1 :])
        looks_so = _VALUE.search(value) or (in_vars and _RANDOM.fullmatch(value))
        if value and (is_named_so or looks_so):
            found.append(".".join(place))
    return found


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*place, str(number)))
    else:
        yield place, str(value)
