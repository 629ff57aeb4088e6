"""What is asked, what answers mean and what is reported, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from calls_made import some_end, some_facts
from scripted_edge import FINE, budget_refusal

from agentwatch.calls import CallEnd, Usage
from agentwatch.protocol.checks import budget_state_of, check_question
from agentwatch.protocol.holds import HoldAsked, hold_granted_of, hold_question
from agentwatch.protocol.question import Answer, Unheard
from agentwatch.protocol.refusals import budget_error_of, decision_of
from agentwatch.protocol.reports import CallOwner, batch_of, report_of
from agentwatch.protocol.verdicts import Fate, Standing, batch_verdict, delay_seconds, reason_of, standing_by

VECTORS = Path(__file__).resolve().parents[4] / "vectors"


def answer(status: int, document: object = None, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=names, body=json.dumps(document).encode())


def vectors(name: str) -> list[Any]:
    """Cases that the server's tests read too, as far as they are there."""
    path = VECTORS / f"{name}.json"
    document = json.loads(path.read_text()) if path.exists() else []
    return document if isinstance(document, list) else document.get("cases", [])


def member(case: dict[str, Any], *names: str) -> Any:
    """The first of these that the case has; a text is JSON."""
    found = [case[name] for name in names if name in case]
    assert found, f"a case has none of {names}: {sorted(case)}"
    return json.loads(found[0]) if isinstance(found[0], str) else found[0]


def owner(**changes: Any) -> CallOwner:
    values: dict[str, Any] = {
        "event_id": "evt_1",
        "session_id": "run-1",
        "project": None,
        "team": None,
        "agent": None,
        "iteration": 3,
        "started_at_ms": 1_700_000_000_000,
        "latency_ms": 12.5,
    }
    return CallOwner(**(values | changes))


# Budget checks.


def test_a_check_escapes_what_is_asked_about() -> None:
    assert check_question("a:b", "0.5").path == "/v1/budget-check?session_id=a%3Ab&limit_usd=0.5"
    assert check_question("a&limit_usd=9", None).path == "/v1/budget-check?session_id=a%26limit_usd%3D9"


@pytest.mark.parametrize(
    ("document", "exceeded"),
    [
        (FINE, False),
        (FINE | {"exceeded": True}, True),
        ({"exceeded": True}, True),
        ({"exceeded": False}, False),
        ({"spent_usd": 5, "limit_usd": 5}, True),
        ({"spent_usd": "4.99", "limit_usd": "5"}, False),
        ({"spent_usd": 5, "limit_usd": None}, False),
        ({"paused": True}, True),
        ({"exceeded": "false", "spent_usd": 1, "limit_usd": 2}, False),
    ],
)
def test_an_answer_stops_a_session_or_does_not(document: object, exceeded: bool) -> None:
    state = budget_state_of(document)

    assert state is not None
    assert state.exceeded is exceeded


@pytest.mark.parametrize("document", [None, [], "fine", {}, {"spent_usd": 1}, {"limit_usd": 1}, {"exceeded": None}])
def test_what_tells_nothing_is_no_leave_to_go_on(document: object) -> None:
    assert budget_state_of(document) is None


@pytest.mark.parametrize("case", vectors("budget_checks"))
def test_budget_checks_are_read_as_the_server_writes_them(case: dict[str, Any]) -> None:
    state = budget_state_of(case["document"])

    assert (None if state is None else state.exceeded) is case["exceeded"]


# Holds.


def test_a_hold_says_what_is_known_and_nothing_else() -> None:
    asked = HoldAsked(hold_id="evt_1", session_id="s", session_budget_usd="0.50", project=None, agent="a", iteration=2)
    question = hold_question(
        some_facts(provider_tools=("web_search",), web_search_calls_max=3, output_tokens_max=100), asked
    )

    assert json.loads(question.body or b"") == {
        "hold_id": "evt_1", "provider": "openai", "model": "gpt-5", "dialect": "openai_chat", "is_streaming": False,
        "input_bytes": 120, "images": 0, "has_unsized_input": False, "output_tokens_max": 100, "choices": 1,
        "provider_tools": ["web_search"], "web_search_calls_max": 3, "session_id": "s", "session_budget_usd": "0.50", "agent": "a",
        "iteration_index": 2,
    }  # fmt: skip


def test_what_the_server_would_not_take_of_a_hold_is_brought_within_its_bounds() -> None:
    asked = HoldAsked(hold_id="evt_1", session_id="s", session_budget_usd=None, project=None, agent=None, iteration=0)
    odd = some_facts(
        model="", provider="", input_bytes=2**40, images=10_000, choices=5_000, output_tokens_max=2**50,
        provider_tools=("x" * 300, "") * 100,
    )  # fmt: skip
    said = json.loads(hold_question(odd, asked).body or b"")

    assert "provider" not in said
    assert (said["model"], said["images"], said["choices"]) == ("unknown", 4_000, 1_000)
    assert said["input_bytes"] == said["output_tokens_max"] == 2**31
    assert said["provider_tools"] == ["x" * 256] * 32


@pytest.mark.parametrize(
    ("document", "most"),
    [
        ({"hold_id": "evt_1", "output_tokens_max": 64}, 64),
        ({"hold_id": "evt_1", "output_tokens_max": None}, None),
        ({"hold_id": "evt_1"}, None),
    ],
)
def test_a_grant_may_lower_the_output(document: object, most: int | None) -> None:
    granted = hold_granted_of(document, "evt_1")

    assert granted is not None
    assert granted.output_tokens_max == most


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"hold_id": "evt_2"},
        {"hold_id": "evt_1", "output_tokens_max": 0},
        {"hold_id": "evt_1", "output_tokens_max": "64"},
    ],
)
def test_another_answer_grants_nothing(document: object) -> None:
    assert hold_granted_of(document, "evt_1") is None


# Reports.


def test_a_report_has_the_counts_and_names_of_one_call() -> None:
    usage = Usage(prompt_tokens=100, completion_tokens=20, cached_input_tokens=40, reasoning_tokens=8)
    end = CallEnd(
        outcome="complete", usage=usage, model="gpt-5-2025", status=200, attempts=2, ttfb_ms=7, risks=("PII_EMAIL",)
    )
    report = report_of(some_facts(risks=("SECRET_JWT", "PII_EMAIL")), end, owner(project="p", team="t", agent="a"))

    assert report == {
        "model": "gpt-5-2025", "provider": "openai", "dialect": "openai_chat", "prompt_tokens": 100,
        "completion_tokens": 20, "latency_ms": 12.5, "cached_input_tokens": 40, "reasoning_tokens": 8,
        "session_id": "run-1", "iteration_index": 3, "identified_risks": ["SECRET_JWT", "PII_EMAIL"], "project": "p",
        "agent": "a", "team": "t", "event_id": "evt_1", "outcome": "complete", "status": 200, "attempts": 2,
        "is_streaming": False, "ttfb_ms": 7, "started_at_ms": 1_700_000_000_000,
    }  # fmt: skip


def test_a_call_without_counts_is_never_complete() -> None:
    report = report_of(some_facts(), some_end(usage=None), owner())

    assert (report["prompt_tokens"], report["completion_tokens"], report["outcome"]) == (0, 0, "failed")


def test_an_estimate_says_so() -> None:
    assert report_of(some_facts(), some_end(is_estimated=True), owner())["is_estimated"] is True


def test_no_name_and_no_count_is_one_that_the_server_refuses() -> None:
    usage = Usage(prompt_tokens=-5, completion_tokens=10**12)
    report = report_of(some_facts(model="m" * 1000), some_end(usage=usage, error_code=""), owner(latency_ms=-1.0))

    assert len(str(report["model"])) == 256
    assert (report["prompt_tokens"], report["completion_tokens"], report["latency_ms"]) == (0, 10**9, 0.0)
    assert "error_code" not in report
    assert report_of(some_facts(model=""), some_end(), owner())["model"] == "unknown"


def test_one_report_is_a_body_as_it_is() -> None:
    assert batch_of([b'{"a":1}']) == b'{"a":1}'
    assert json.loads(batch_of([b'{"a":1}', b'{"a":2}'])) == {"reports": [{"a": 1}, {"a": 2}]}


# Refusals.

_DETAILS = {"spent_usd": "4.5", "limit_usd": "5.00", "scope": "team"}

REFUSALS = {
    "chat": {"error": {"message": "m", "type": "budget_error", "code": "budget_exhausted", **_DETAILS}},
    "details beside": {"error": {"message": "m", "code": "budget_exhausted"}, **_DETAILS},
    "anthropic": {"type": "error", "error": {"type": "billing_error", "code": "budget_exhausted", **_DETAILS}},
    "responses event": {"type": "error", "code": "budget_exhausted", "message": "m", "sequence_number": 3, **_DETAILS},
    "responses failed": {"type": "response.failed", "response": {"error": {"code": "budget_exhausted", **_DETAILS}}},
    "google": {"error": {"code": 402, "details": [{"@type": "t", "reason": "budget_exhausted", "metadata": _DETAILS}]}},
    "paused": {"error": {"code": "scope_paused", **_DETAILS}},
    "cut": {
        "type": "error",
        "code": "answer_cut",
        "error": {"code": "answer_cut", "cause": "budget_exhausted", **_DETAILS},
    },
    "cut by a pause": {"error": {"code": "answer_cut", "cause": "scope_paused", **_DETAILS}},
    "cut, in Google's words": {
        "error": {"code": 402, "details": [{"reason": "answer_cut", "metadata": {"cause": "scope_paused", **_DETAILS}}]}
    },
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_for_money_is_known_in_every_dialect(name: str) -> None:
    error = budget_error_of(REFUSALS[name], "run-1")

    assert error is not None
    assert (error.session_id, error.spent, error.limit) == ("run-1", 4.5, 5.0)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "budget_exhausted",
        {},
        {"error": "budget_exhausted"},
        {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}},
        {"error": {"code": 402}},
        {"type": "error", "error": {"type": "billing_error", "message": "m"}},
        {"choices": [], "error": None},
        {"error": {"code": ["budget_exhausted"]}},
        {"error": {"code": 402, "details": ["x", {"reason": 5}]}},
    ],
)
def test_a_providers_own_quota_is_not_our_budget(document: object) -> None:
    assert budget_error_of(document, "run-1") is None


_OUTAGE = {"cause": "budget_unavailable", "charged_usd": "0.0012", "output_tokens": 120}


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": "answer_cut", **_OUTAGE}},
        {"type": "error", "code": "answer_cut", "message": "m", "error": {"code": "answer_cut", **_OUTAGE}},
        {"type": "error", "error": {"type": "billing_error", "code": "answer_cut", **_OUTAGE}},
        {"error": {"code": 402, "details": [{"reason": "answer_cut", "metadata": _OUTAGE}]}},
    ],
)
def test_an_answer_that_an_outage_cut_has_met_no_budget(document: object) -> None:
    assert budget_error_of(document, "run-1") is None


@pytest.mark.parametrize("odd", [["x"], {}, 7])
def test_what_is_no_word_is_no_code(odd: object) -> None:
    for error in ({"code": odd}, {"code": "answer_cut", "cause": odd}):
        assert budget_error_of({"error": error}, "run-1") is None
        assert decision_of({"error": error}) is None


def test_numbers_that_are_missing_are_nought() -> None:
    error = budget_error_of({"error": {"code": "scope_paused", "limit_usd": None}}, "s")

    assert error is not None
    assert (error.spent, error.limit) == (0.0, 0.0)


@pytest.mark.parametrize("case", vectors("refusals"))
def test_refusals_are_read_as_the_server_writes_them(case: dict[str, Any]) -> None:
    error = budget_error_of(member(case, "body", "document", "event", "data"), "run-1")

    assert (error is not None) is member(case, "is_budget_stop", "is_budget", "stops")


# Verdicts.


@pytest.mark.parametrize(
    ("status", "one", "many"),
    [
        (200, Fate.DONE, Fate.DONE), (202, Fate.DONE, Fate.DONE), (400, Fate.DROP, Fate.HALVE),
        (401, Fate.STOP, Fate.STOP), (403, Fate.STOP, Fate.STOP), (404, Fate.STOP, Fate.STOP),
        (301, Fate.STOP, Fate.STOP), (413, Fate.DROP, Fate.HALVE), (422, Fate.DROP, Fate.HALVE),
        (408, Fate.LATER, Fate.LATER), (429, Fate.LATER, Fate.LATER), (500, Fate.LATER, Fate.LATER),
        (503, Fate.LATER, Fate.LATER),
    ],
)  # fmt: skip
def test_each_status_has_a_fate_for_a_batch(status: int, one: Fate, many: Fate) -> None:
    assert batch_verdict(answer(status), 1).fate is one
    assert batch_verdict(answer(status), 7).fate is many


def test_of_a_batch_that_was_taken_only_what_may_pass_is_sent_again() -> None:
    refused = [
        {"index": 0, "retryable": False},
        {"index": 2, "retryable": True},
        {"index": 9, "retryable": True},
        "odd",
    ]
    verdict = batch_verdict(answer(200, {"accepted": 1, "refused": refused}), 3)

    assert (verdict.fate, verdict.again, verdict.dropped) == (Fate.DONE, (2,), 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "250", "retry_after": "1"}, 0.25),
        ({"retry_after": "9999"}, 60.0),
        ({"retry_after": "Thu, 26 Nov 2026 10:00:00 GMT"}, None),
        ({"retry_after": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_strictly(headers: dict[str, str], seconds: float | None) -> None:
    assert batch_verdict(answer(429, None, **headers), 5).retry_after_seconds == seconds


def test_delays_grow_spread_and_end() -> None:
    assert [delay_seconds(each, chance=0.0) for each in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert delay_seconds(1, chance=0.9) > delay_seconds(1, chance=0.1)
    assert delay_seconds(1000, chance=0.999) <= 60.0
    assert delay_seconds(1, chance=0.0, least=7.0) == 7.0


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        (200, Standing.SOUND),
        (402, Standing.SOUND),
        (429, Standing.BUSY),
        (401, Standing.MISUSED),
        (404, Standing.MISUSED),
        (302, Standing.MISUSED),
        (400, Standing.MISUSED),
        (500, Standing.AWAY),
        (503, Standing.AWAY),
    ],
)
def test_a_wrong_token_is_no_outage(status: int, standing: Standing) -> None:
    assert standing_by(answer(status)) is standing
    assert standing_by(Unheard(reason="time-out", is_sent=True)) is Standing.AWAY


def test_a_reason_tells_the_code_and_none_of_the_servers_text() -> None:
    said = reason_of(answer(401, {"error": {"code": "invalid_token", "message": "token aw_live_1 is unknown"}}))

    assert said == "AgentWatch answered 401 (invalid_token): is agentwatch_api_key right?"
    assert budget_refusal().status == 402
