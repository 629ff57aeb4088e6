"""What `agentwatch doctor` makes of what it sees: each thing that can be wrong is named, with what to do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from agentwatch.cli.deployment.checks import entrance, parts, provider_checks
from agentwatch.cli.deployment.checks.findings import Finding
from agentwatch.cli.deployment.deployed import Deployed, Reply

from tests.support.api_client import Client, a_world_with_administrators, an_isolate

NOW_MS = 1_795_478_400_000
MINUTE_MS = 60_000
OURS = {"x-agentwatch-request-id": "req_1"}


def verdicts(findings: Any) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings}


@dataclass(frozen=True)
class Place(Deployed):
    """Answers by path, one after the other; the last one again and again."""

    answers: Mapping[str, list[Reply]] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        replies = self.answers[path.partition("?")[0]]
        return replies.pop(0) if len(replies) > 1 else replies[0]


def a_place(path: str, *replies: Reply) -> Place:
    return Place("https://agentwatch.example.com", "aw_live_x", {path: list(replies)})


def ok(body: Any = None, **headers: str) -> Reply:
    return Reply(200, body, {**OURS, **headers})


ADDRESSES = [
    (Reply(None, reason="refused"), "wrong", "make up"),
    (Reply(302, "", {"location": "https://team.cloudflareaccess.com"}), "wrong", "Access"),
    (Reply(500, {"error": {"message": "OPERATOR_TOKEN must be"}}, OURS), "wrong", "wrangler tail"),
    (ok({"status": "ok", "price_version": "2026-11"}), "well", ""),
]


@pytest.mark.parametrize(("reply", "verdict", "advice"), ADDRESSES, ids=["nobody", "access", "fault", "well"])
def test_an_address_tells_who_answers_there(reply: Reply, verdict: str, advice: str) -> None:
    finding, _ = entrance.address(a_place("/healthz", reply))

    assert finding.verdict == verdict
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("apart_s", "verdict"), [(0, "well"), (60, "well"), (-60, "well"), (61, "wrong"), (-3_600, "wrong")]
)
def test_a_clock_may_be_a_minute_off(apart_s: int, verdict: str) -> None:
    assert entrance.clock(1_000.0, now_s=1_000.0 + apart_s).verdict == verdict


def test_a_secret_that_is_missing_is_named_with_what_it_is_for() -> None:
    found = list(
        parts.settings(
            {"OPERATOR_TOKEN": True, "SUPABASE_URL": True, "SUPABASE_JWT_SECRET": True, "OPENAI_API_KEY": True}
        )
    )

    assert verdicts(found) == {"secret KEY_ENCRYPTION_KEY": "wrong"}
    assert "npx wrangler secret put KEY_ENCRYPTION_KEY" in found[0].advice


DATABASES = [
    ({"answers": False, "said": "the database does not answer just now"}, {"database": "wrong"}),
    ({"answers": True, "schema_version": "0019_actors", "schema_wanted": "0025_doctor"}, {"database": "well", "tables": "wrong"}),
    ({"answers": True, "schema_version": "0025_doctor", "schema_wanted": "0025_doctor"}, {"database": "well", "tables": "well"}),
    ({"answers": True, "schema_version": "0026_next", "schema_wanted": "0025_doctor"}, {"database": "well", "tables": "note"}),
]  # fmt: skip


@pytest.mark.parametrize(("health", "found"), DATABASES, ids=["away", "older", "equal", "newer"])
def test_tables_are_as_old_as_the_worker_or_younger(health: dict[str, Any], found: dict[str, str]) -> None:
    assert verdicts(parts.database(health)) == found


CRONS: list[tuple[dict[str, int], bool, list[str]]] = [
    ({"*/10 * * * *": 5, "0 8 * * *": 60}, False, ["well", "well"]),
    ({"*/10 * * * *": 26, "0 8 * * *": 27 * 60}, False, ["wrong", "wrong"]),
    ({"*/10 * * * *": 5}, False, ["well", "note"]),
    ({}, False, ["wrong", "wrong"]),
    ({}, True, ["note", "note"]),
]


@pytest.mark.parametrize(("ages", "is_here", "found"), CRONS, ids=["both", "late", "new", "never", "local"])
def test_crons_that_are_late_are_wrong(ages: dict[str, int], is_here: bool, found: list[str]) -> None:
    ran = {cron: NOW_MS - minutes * MINUTE_MS for cron, minutes in ages.items()}

    findings = parts.crons({"answers": True, "crons": ran}, now_ms=NOW_MS, is_here=is_here)

    assert list(verdicts(findings).values()) == found


def versions(ledger: int | None, kv: int | None) -> Reply:
    return ok({"config_version": {"in_force": ledger, "ledger": ledger, "kv": kv}})


CONFIGURATIONS = [
    ([versions(7, 7)], "well", 0),
    ([versions(7, 6), versions(7, 6), versions(7, 7)], "well", 2),
    ([versions(7, 6)], "wrong", parts.COPY_TRIES - 1),
    ([versions(7, None)], "wrong", parts.COPY_TRIES - 1),
    ([versions(None, 6)], "unknown", 0),
]


@pytest.mark.parametrize(
    ("answers", "verdict", "waits"), CONFIGURATIONS, ids=["equal", "late", "never", "by-hand", "ledger-away"]
)
def test_a_copy_is_given_the_time_it_takes(answers: list[Reply], verdict: str, waits: int) -> None:
    place, waited = a_place("/v1/doctor", *answers), list[float]()

    finding = parts.configuration(place, place.get("/v1/doctor"), waited.append)

    assert finding.verdict == verdict
    assert len(waited) == waits


def test_a_row_that_arrives_late_is_waited_for() -> None:
    pages = [ok({"data": []}), ok({"data": [{"request_id": "req_0"}]}), ok({"data": [{"request_id": "req_1"}]})]

    finding = parts.telemetry(a_place("/v1/events", *pages), "req_1", pause=lambda seconds: None)

    assert finding.verdict == "well"


def test_a_row_that_never_arrives_is_wrong() -> None:
    finding = parts.telemetry(a_place("/v1/events", ok({"data": []})), "req_1", pause=lambda seconds: None)

    assert finding.verdict == "wrong"
    assert "agentwatch dlq list" in finding.advice


PRICED = [
    (Reply(402, {"error": {"code": "budget_exhausted"}}, OURS), "well"),
    (ok({}, **{"x-agentwatch-cost-usd": "0.0001"}), "wrong"),
    (ok({}, **{"x-agentwatch-cost-usd": "0"}), "note"),
    (Reply(403, {"error": {"message": "a rule"}}, OURS), "unknown"),
]


@pytest.mark.parametrize(("reply", "verdict"), PRICED, ids=["refused", "let-through", "free", "ruled-out"])
def test_only_a_call_that_its_budget_refuses_is_priced(reply: Reply, verdict: str) -> None:
    finding: Finding = provider_checks.priced(a_place("/v1/chat/completions", reply), "openai", ["openai/gpt-4o-mini"])

    assert finding.verdict == verdict


@pytest.mark.parametrize(("status", "verdict"), [(200, "well"), (401, "wrong"), (403, "wrong"), (503, "wrong")])
def test_a_provider_that_refuses_the_key_is_told_from_one_that_is_away(status: int, verdict: str) -> None:
    place = a_place("/v1/proxy/openai/v1/models", Reply(status, {}, OURS))

    finding = provider_checks.reachable(place, "openai")

    assert finding.verdict == verdict
    assert ("refuses the key" in finding.what) == (status in (401, 403))


SIGN_ON = [
    ("https://agentwatch.acme.workers.dev", True, ["note"]),
    ("https://agentwatch.example.com", True, []),
    ("https://agentwatch.acme.workers.dev", False, []),
]


@pytest.mark.parametrize(("url", "is_on", "found"), SIGN_ON, ids=["beside-access", "own-domain", "no-sign-on"])
def test_an_address_beside_access_is_worth_knowing_where_people_sign_on(
    url: str, is_on: bool, found: list[str]
) -> None:
    findings = list(entrance.sign_on(Deployed(url), {"ACCESS_TEAM_DOMAIN": is_on}))

    assert [finding.verdict for finding in findings] == found


def test_a_provider_that_nobody_has_a_key_for_is_no_fault_of_the_deployment() -> None:
    """A developer cannot see which have one, so all are tried."""
    no_key = Reply(401, {"error": {"code": "provider_key_missing", "message": "no key for xai"}}, OURS)
    place = Place(
        "https://agentwatch.example.com", "aw_live_x", {"/v1/proxy/xai/v1/models": [no_key], "/v1/models": [ok()]}
    )

    assert verdicts(provider_checks.providers(place, ("xai",))) == {"provider xai": "note"}


@dataclass(frozen=True)
class InThisProcess(Deployed):
    """AgentWatch itself, at one isolate."""

    client: Client = field(default_factory=lambda: Client(a_world_with_administrators(), an_isolate()))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        answer = self.client.ask(method, path, body, **headers)
        return Reply(answer.status, json.loads(bytes(answer.body)), answer.headers)  # type: ignore[arg-type]


@pytest.mark.parametrize("config", [{}, {"require_session": True}], ids=["free", "sessions-only"])
def test_a_call_is_priced_also_where_each_needs_a_session(config: dict[str, Any]) -> None:
    """Else its 400 would hide the budget's 402, and after a revocation the 401."""
    world = a_world_with_administrators(config)
    place = InThisProcess("https://agentwatch.example.com", client=Client(world, an_isolate()))

    finding = provider_checks.priced(place, "openai", ["openai/gpt-4o-mini"])

    assert (finding.verdict, finding.what) == (
        "well",
        "openai/gpt-4o-mini is priced and held before it is made; nothing was spent",
    )
    assert world.sent == []
