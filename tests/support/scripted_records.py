"""The database of records as a script: what each function answers, and what it was asked with whose token."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any

from ports import RecordsAnswer, RecordsUnreachable

SUPABASE_URL = "http://127.0.0.1:9"
JWT_SECRET = "a secret of at least thirty-two characters"

NOW = "2026-11-24T00:00:00.000001+00:00"

LETTER = {
    "letter_id": "ab" * 32,
    "reason": "400 22003 numeric_value_out_of_range",
    "buried_at": "2026-11-23T09:00:00+00:00",
    "replay_requested_at": None,
    "replayed_at": None,
    "result": None,
    "tenant": "acme",
    "type": "call",
}

GROUP = {
    "day": "2026-11-23",
    "members": [None, "search", None, None, None, None, None, None],
    "requests": 12,
    "attempts": 13,
    "prompt_tokens": 14_000,
    "completion_tokens": 900,
    "cost_nanousd": 2_640_000,
}

CALL = {
    "request_id": "req_01a20efe944f000000000001",
    "attempt": 1,
    "started_at": "2026-11-23T11:06:40.123+00:00",
    "stored_at": "2026-11-23T11:06:43.000001+00:00",
    "provider": "openai",
    "model": "gpt-4o-mini",
    "outcome": "complete",
    "status": 200,
    "cost_nanousd": 21_000,
    "prompt_tokens": 100,
    "completion_tokens": 10,
    "session_id": "run-42",
    "team": "search",
    "key_id": "key_4ec9599fc203d176",
    "project": None,
    "agent": "planner",
    "latency_ms": 812.5,
    "is_streaming": True,
    "is_cut": False,
    "error_code": None,
    "rules": [],
    "tags": [],
    "price_version": "2026-11-24",
}

EVENTS = [
    {
        "kind": "budget",
        "event_id": "evt_2",
        "occurred_at": "2026-11-23T09:30:00+00:00",
        "change": "limit_changed",
        "scope_kind": "team",
        "scope_id": "search",
        "scope_window": "month",
        "limit_nanousd": 12_500_000_000,
        "spent_nanousd": 2_640_000,
        "held_nanousd": 0,
        "key_id": "key_acme",
        "actor": "key:key_acme",
    },
    {
        "kind": "auth",
        "event_id": "evt_1",
        "occurred_at": "2026-11-23T09:29:58+00:00",
        "outcome": "accepted",
        "method": "PUT",
        "path": "/v1/teams/search/budget",
        "key_id": "key_acme",
        "role": "admin",
        "actor": "key:key_acme",
        "client_address": "192.0.2.1",
    },
]

ANSWERS: dict[str, Any] = {
    "usage_grouped": {"as_of": NOW, "complete_until": "2026-11-23T11:06:43.000001+00:00", "groups": [GROUP]},
    "calls_page": {"stored_until": NOW, "calls": [CALL]},
    "events_page": EVENTS,
    "dead_letters_page": [LETTER],
    "request_replay": lambda asked: [LETTER] if asked.arguments["p_letter_id"] == LETTER["letter_id"] else [],
    "deployment_health": {"schema_version": "0025_doctor", "crons": {"0 8 * * *": 1_795_420_800_000}},
}
"""What the functions answer where a test does not say so: a little of everything."""


@dataclass(frozen=True)
class Asked:
    function: str
    arguments: dict[str, Any]
    claims: dict[str, Any]


@dataclass
class ScriptedRecords:
    """Answers as told, or as a function of what was asked; refuses tokens that were signed with another secret."""

    answers: dict[str, Any] = field(default_factory=lambda: dict(ANSWERS))
    fault: RecordsAnswer | None = None
    """What every question is answered with instead."""
    is_away: bool = False
    asked: list[Asked] = field(default_factory=list)

    async def call(self, function: str, arguments: bytes, *, token: str) -> RecordsAnswer:
        if self.is_away:
            raise RecordsUnreachable
        self.asked.append(Asked(function, json.loads(arguments), claims_of(token)))
        if self.fault is not None:
            return self.fault
        answer = self.answers[function]
        return RecordsAnswer(200, json.dumps(answer(self.asked[-1]) if callable(answer) else answer).encode())


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, if it is signed with the secret."""
    said, _, signature = token.rpartition(".")
    assert _bytes(signature) == hmac.new(JWT_SECRET.encode(), said.encode(), hashlib.sha256).digest()
    head, claims = (json.loads(_bytes(part)) for part in said.split("."))
    assert head == {"alg": "HS256", "typ": "JWT"}
    return dict(claims)


def _bytes(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
