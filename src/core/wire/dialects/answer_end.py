"""What an answer says of itself in its last bytes, where nobody keeps the whole of it.

Every dialect writes its usage among the last members of the document. From there to the end the bytes are members and a
closing brace, and with a brace before them they are a small answer of their own. The rule easy to break: what the model
wrote may look like a usage. But in a string its quotes are escaped, and inside another object one brace more follows.
"""

import re

from core.wire.dialects import Dialect, InvalidAnswer
from core.wire.facts import AnswerFacts

_USAGE = re.compile(rb'"usage(?:Metadata)?"\s*:')
_TRIED_MAX = 8
"""A model may write any number of members of that name into a tool's arguments."""


def facts_at_end(dialect: Dialect, end: bytes) -> AnswerFacts | None:
    """The facts in the last bytes of an answer; None where they state no usage."""
    starts = [member.start() for member in _USAGE.finditer(end)]
    for start in reversed(starts[-_TRIED_MAX:]):
        try:
            facts = dialect.read_answer(b"{" + end[start:])
        except InvalidAnswer:
            continue
        if facts.usage is not None:
            return facts
    return None
