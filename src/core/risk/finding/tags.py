"""The twelve risk tags: what in a text is a secret or about a person, by where it stands.

Patterns are asked in the order of who owns a span: what is longest and most specific first, so that a password's
telephone number or a token's card is nobody's but the password's and the token's. A long text is searched in windows
that overlap. The SDKs have the same in their languages; `vectors/` holds all three to each other.
"""

import re
from typing import NamedTuple

from .azure_keys import AZURE
from .credentials import DB_CONNECTION, SSH_KEY
from .email import EMAIL
from .numbers import CARD, PHONE, SSN
from .pattern import Effort, Pattern, Scan
from .plain_text import plain
from .tokens import AWS, GITHUB, JWT, SLACK, STRIPE

TAGS = (
    "PII_EMAIL", "PII_SSN", "PII_PHONE", "FINANCIAL_CREDIT_CARD", "SECRET_AWS_ACCESS_KEY", "SECRET_STRIPE",
    "SECRET_GITHUB", "SECRET_JWT", "SECRET_AZURE_KEY", "SECRET_SLACK_TOKEN", "SECRET_SSH_KEY", "SECRET_DB_CONNECTION",
)  # fmt: skip
"""In the order in which they are told."""

PLACEHOLDERS = dict.fromkeys(TAGS, "[SECRET]") | {
    "PII_EMAIL": "[EMAIL]",
    "PII_SSN": "[SSN]",
    "PII_PHONE": "[PHONE]",
    "FINANCIAL_CREDIT_CARD": "[CARD]",
}
"""What redaction writes in the place of a finding."""

WINDOW_CHARACTERS = 262_144
OVERLAP_CHARACTERS = 16_384
"""What begins in the last characters of a window is found in the next, which begins a little before it. So it is whole
if it is no longer than this."""
_CONTEXT_CHARACTERS = 512
"""As far as any pattern looks back."""

_OWNERS: tuple[tuple[str, Pattern], ...] = tuple(
    (tag, pattern)
    for tag, patterns in (
        ("SECRET_DB_CONNECTION", DB_CONNECTION),
        ("SECRET_SSH_KEY", SSH_KEY),
        ("SECRET_GITHUB", GITHUB),
        ("SECRET_JWT", JWT),
        ("SECRET_AZURE_KEY", AZURE),
        ("SECRET_SLACK_TOKEN", SLACK),
        ("SECRET_AWS_ACCESS_KEY", AWS),
        ("SECRET_STRIPE", STRIPE),
        ("FINANCIAL_CREDIT_CARD", CARD),
        ("PII_PHONE", PHONE),
        ("PII_SSN", SSN),
        ("PII_EMAIL", EMAIL),
    )
    for pattern in patterns
)

_WRITTEN = re.compile(rb"\[(?:EMAIL|SSN|PHONE|CARD|SECRET)\]")


_ROUNDS_MAX = 4
"""A number that seems to go on in its neighbour stands alone once the neighbour is known for what it is, so what has
findings is searched again."""


class Finding(NamedTuple):
    """Where something is. Offsets count code points."""

    tag: str
    start: int
    end: int


def find(text: str, effort: Effort | None = None) -> list[Finding]:
    """All that is found, in the order in which it stands; no two overlap. Raises `TooManyCandidates`; texts that share
    an effort share its bound."""
    effort = effort or Effort()
    if len(text) <= WINDOW_CHARACTERS:
        return _find_in(text, effort)
    found: list[Finding] = []
    first = done = 0
    while first < len(text):
        window_start = max(0, first - _CONTEXT_CHARACTERS)
        window = text[window_start : window_start + WINDOW_CHARACTERS]
        window_end = window_start + len(window)
        limit = window_end if window_end == len(text) else window_end - OVERLAP_CHARACTERS
        for tag, start, end in _find_in(window, effort):
            start, end = start + window_start, end + window_start
            if max(first, done) <= start < limit:
                found.append(Finding(tag, start, end))
                done = end
        first = limit
    return found


def tags_of(text: str, effort: Effort | None = None) -> tuple[str, ...]:
    """What there is, in the order of `TAGS`."""
    return in_order({finding.tag for finding in find(text, effort)})


def in_order(tags: set[str]) -> tuple[str, ...]:
    return tuple(tag for tag in TAGS if tag in tags) if tags else ()


def _find_in(text: str, effort: Effort) -> list[Finding]:
    seen = plain(text)
    scan = Scan(seen.data, effort)
    written = [match.span() for match in _WRITTEN.finditer(seen.data)]
    if written:
        scan.own(written)
    found: list[Finding] = []
    for _ in range(_ROUNDS_MAX):
        new = [Finding(tag, *seen.place(*span)) for tag, pattern in _OWNERS for span in scan.spans(pattern)]
        if not new:
            break
        found += new
    found.sort(key=lambda finding: finding.start)
    return found
