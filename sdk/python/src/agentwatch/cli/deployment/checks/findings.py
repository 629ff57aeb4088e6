"""What a check has found: well, wrong, not to be told, or worth knowing; and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["well", "wrong", "unknown", "note"]
"""`unknown`: it could not be looked at, for a reason that another check gives or that is no fault."""


@dataclass(frozen=True)
class Finding:
    check: str
    verdict: Verdict
    what: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        return asdict(self)


def well(check: str, what: str) -> Finding:
    return Finding(check, "well", what)


def wrong(check: str, what: str, advice: str) -> Finding:
    return Finding(check, "wrong", what, advice)


def unknown(check: str, what: str, advice: str = "") -> Finding:
    return Finding(check, "unknown", what, advice)


def note(check: str, what: str, advice: str = "") -> Finding:
    return Finding(check, "note", what, advice)
