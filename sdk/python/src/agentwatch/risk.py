"""Which kinds of secrets and personal data a text has. It never tells where they are or what they say.

The patterns are AgentWatch's own (`finding`), so that a text has the same tags here as at the edge.
"""

from __future__ import annotations

from .finding.pattern import Effort
from .finding.tags import tags_of


def analyze_text(text: str) -> list[str]:
    """Risk tags in their published order, each once. Of a text that is nearly a finding all over, what was found before
    the search gave up. Raises nothing but `TypeError`, for what is no string."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {type(text).__name__}")
    return list(tags_of(text, Effort(may_end_early=True)))
