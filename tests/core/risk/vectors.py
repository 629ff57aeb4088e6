"""The shared vectors, joined, and texts of other tests."""

import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[3] / "vectors"
PATH = FOLDER / "risk_tags.json"


class Case(NamedTuple):
    name: str
    about: str | None
    text: str
    tags: tuple[str, ...]
    redacted: str


def _case(members: dict[str, object]) -> Case:
    text = "".join(members["text"])
    name = f"{members['about'] or 'text'}: {members['id']}"
    return Case(name, members["about"], text, tuple(members["tags"]), members.get("redacted", text))


_DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
TAGS: tuple[str, ...] = tuple(_DOCUMENT["tags"])
PLACEHOLDERS: dict[str, str] = _DOCUMENT["placeholders"]
CASES = [_case(members) for members in _DOCUMENT["cases"]]
HITS = [case for case in CASES if case.about in case.tags]


class Place(NamedTuple):
    """A request or an answer with a canary in one place."""

    name: str
    dialect: str
    body: dict[str, object]
    is_read: bool


_TEXTS = json.loads((FOLDER / "request_texts.json").read_text(encoding="utf-8"))
CANARY: str = _TEXTS["canary"]
PLACES = [
    Place(f"{case['dialect']}: {case['id']}", case["dialect"], case["body"], case["is_read"])
    for case in _TEXTS["cases"]
]
