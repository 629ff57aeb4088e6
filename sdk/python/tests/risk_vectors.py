"""The vectors that all places which tag texts share, joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "vectors"


def _cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cases"]
    return cases


TAGGED = [(f"{case['about']}: {case['id']}", "".join(case["text"]), case["tags"]) for case in _cases("risk_tags.json")]
TAGS: list[str] = json.loads((FOLDER / "risk_tags.json").read_text(encoding="utf-8"))["tags"]
ORDINARY = [(case["id"], case["text"]) for case in _cases("ordinary_text.json")]
PLACES = [(f"{case['dialect']}: {case['id']}", case["body"], case["is_read"]) for case in _cases("request_texts.json")]
CANARY: str = json.loads((FOLDER / "request_texts.json").read_text(encoding="utf-8"))["canary"]
