"""The shared cases of failures, as values."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from core.routing.failure import Failure, classify, error_in_place

PATH = Path(__file__).parents[3] / "vectors/failures.json"
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
NOW_MS: int = DOCUMENT["now_ms"]


class Case(NamedTuple):
    name: str
    row: str
    provider: str
    status: int | None
    headers: dict[str, str]
    body: bytes
    is_own_key: bool
    kind: str
    moves_on: bool
    cools: dict[str, Any] | None
    is_ours: bool


def _case(members: dict[str, Any]) -> Case:
    return Case(
        name=f"{members['row']}: {members['id']}",
        row=members["row"],
        provider=members["provider"],
        status=members["status"],
        headers=members.get("headers", {}),
        body=members["body"].encode(),
        is_own_key=members.get("is_own_key", False),
        kind=members["kind"],
        moves_on=members["moves_on"],
        cools=members["cools"],
        is_ours=members.get("is_ours", False),
    )


CASES = [_case(members) for members in DOCUMENT["cases"]]


def failure_of(case: Case) -> Failure:
    if case.status is None:
        found = error_in_place(
            case.provider, case.body, headers=case.headers, is_own_key=case.is_own_key, now_ms=NOW_MS
        )
        assert found is not None
        return found
    return classify(
        case.provider,
        status=case.status,
        headers=case.headers,
        body=case.body,
        is_own_key=case.is_own_key,
        now_ms=NOW_MS,
    )
