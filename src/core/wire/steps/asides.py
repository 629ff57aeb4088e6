"""What coding agents tell the model in the user's place, and within results, that no person said.

The rule: a text is nobody's if it is blank, or nothing but elements named below. Any other text in the user's place is
a person's, wherever it stands. So an agent that speaks to its model in words of its own ("Continue.") is taken for a
person, and a person who writes such an element and nothing else is not heard.
"""

import re

_NAMES = ("system-reminder", "system_reminder", "environment_details", "environment_context", "reminder")

_OPENS = re.compile(f"<({'|'.join(_NAMES)})>")


def is_aside(text: str) -> bool:
    """Whether no person says it."""
    return not without_asides(text).strip()


def without_asides(text: str) -> str:
    """What is left of a text. An element that nobody closes is text."""
    kept = []
    done = 0
    unclosed = set()
    for opens in _OPENS.finditer(text):
        name = opens[1]
        if opens.start() < done or name in unclosed:
            continue
        closes = text.find(f"</{name}>", opens.end())
        if closes < 0:
            unclosed.add(name)  # looked for once, so that a text full of openings costs no more than another
            continue
        kept.append(text[done : opens.start()])
        done = closes + len(name) + 3
    return "".join((*kept, text[done:])) if done else text
