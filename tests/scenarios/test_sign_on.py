"""Single sign-on: who has signed on reads and writes as the configuration says, is remembered, and is told of."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from api.table import ENDPOINTS
from app import handle
from core.ledger.keys.messages import StandingRequest
from exchange import Answer
from isolate import Isolate
from ports import LedgerUnreachable
from tests.support.access import (
    ALICE,
    ASSERTION,
    AUDIENCE,
    NOW_S,
    OTHER_AUDIENCE,
    ROBOT,
    SETTINGS,
    a_world_with_access,
    claims,
    header,
    key_set,
    token,
)
from tests.support.api_client import ADMIN, ANSWER, CALL, CHAT, Client, an_isolate
from tests.support.inbound import an_inbound
from tests.support.memory_ports import START_MS, ScriptedAnswer, World
from tests.support.rsa import a_key

CONFIG = {
    "sign_on": [
        {"email": "alice@example.com", "role": "admin"},
        {"email_domain": "example.com", "role": "developer", "team": "search"},
        {"service_client_id": ROBOT["common_name"], "role": "admin"},
    ]
}
BOB = {**ALICE, "email": "bob@example.com", "sub": "sub-of-bob"}
STRANGER = {**ALICE, "email": "eve@elsewhere.example", "sub": "sub-of-eve"}


@pytest.fixture
def world() -> World:
    world = a_world_with_access(CONFIG)
    world.knows(ADMIN, tenant="acme", role="admin", key_id="key_admin")
    return world


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate(**SETTINGS)


class Visitor:
    """Somebody with an assertion, at one isolate."""

    def __init__(self, world: World, isolate: Isolate, of: Mapping[str, Any] = ALICE, **changes: Any) -> None:
        self._client = Client(world, isolate, None)
        self._assertion = token(claims(of, **changes))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        own = {ASSERTION: self._assertion, "host": "admin.example"}
        written = {} if method in ("GET", "HEAD", "DELETE") else {"content_type": "application/json"}
        return self._client.ask(method, path, body, **{**own, **written, **headers})

    def read(self, path: str) -> Any:
        return json.loads(self.ask("GET", path).body)


def told(world: World, kind: str, *names: str) -> list[Any]:
    return [tuple(each.get(name) for name in names) for each in world.records if each["type"] == kind]


def asked_ledger(world: World) -> list[str]:
    """What the tenant's Ledger is asked from now on, by the names of the questions."""
    asked: list[str] = []
    ledger = world.ledger_of("acme")
    tell = ledger.tell

    async def noted(question: Any) -> Any:
        asked.append(type(question).__name__)
        return await tell(question)

    ledger.tell = noted
    return asked


# Who somebody is ----------------------------------------------------------------------------------------------


def test_a_person_reads_and_writes_the_configuration(world: World, isolate: Isolate) -> None:
    alice = Visitor(world, isolate)

    answer = alice.ask("GET", "/v1/config")
    written = alice.ask("PUT", "/v1/config", {**CONFIG, "fail_closed": True}, if_match=answer.headers["etag"])

    assert (answer.status, json.loads(answer.body)) == (200, CONFIG)
    assert written.status == 200
    assert alice.read("/v1/config")["fail_closed"] is True
    history = alice.read("/v1/config/history")["versions"]
    assert history[0]["written_by"] == f"access:{ALICE['sub']}"


def test_who_asks_is_told_who_they_are(world: World, isolate: Isolate) -> None:
    assert Visitor(world, isolate).read("/v1/whoami") == {
        "tenant": "acme",
        "role": "admin",
        "actor": f"access:{ALICE['sub']}",
        "how": "access",
        "key_id": None,
        "name": None,
        "team": None,
        "expires_at": ALICE["exp"] * 1_000,
        "calls": False,
        "origins": None,
        "config_version": 1,
    }
    robot = Visitor(world, isolate, ROBOT).read("/v1/whoami")
    assert (robot["role"], robot["actor"]) == ("admin", f"service:{ROBOT['common_name']}")


def test_a_developer_by_domain_reads_and_may_not_change(world: World, isolate: Isolate) -> None:
    bob = Visitor(world, isolate, BOB)

    assert bob.read("/v1/whoami")["team"] == "search"
    assert bob.ask("GET", "/v1/config").status == 403
    assert bob.ask("PUT", "/v1/budget", {"limit_usd": "1000"}).status == 403
    assert ("not_permitted", f"access:{BOB['sub']}", "developer") in told(world, "auth", "outcome", "actor", "role")


def test_each_sign_on_is_one_row_in_whatever_isolate_and_however_often_it_asks(world: World, isolate: Isolate) -> None:
    for where in (isolate, isolate, an_isolate(**SETTINGS)):
        Visitor(world, where).ask("GET", "/v1/config")
    later = Visitor(world, isolate, iat=NOW_S)
    later.ask("GET", "/v1/config")

    rows = told(world, "auth", "outcome", "tenant", "actor", "role", "key_id", "event_id")
    assert {row[:5] for row in rows} == {("accepted", "acme", f"access:{ALICE['sub']}", "admin", None)}
    assert len({row[5] for row in rows}) == 2, "of one event the table keeps one row"
    assert len(rows) == 3


def test_what_a_person_asks_is_logged_with_the_person(world: World, isolate: Isolate) -> None:
    alice = Visitor(world, isolate)
    alice.ask("PUT", "/v1/budget", {"limit_usd": "5"})
    Visitor(world, isolate, ROBOT).ask("GET", "/v1/config")

    assert told(world, "access", "method", "path", "status", "actor", "role", "key_id") == [
        ("PUT", "/v1/budget", 200, f"access:{ALICE['sub']}", "admin", None),
        ("GET", "/v1/config", 200, f"service:{ROBOT['common_name']}", "admin", None),
    ]


def test_an_assertion_is_verified_once_and_its_person_asked_about_once_a_minute(
    world: World, isolate: Isolate, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, asked = Visitor(world, isolate), asked_ledger(world)
    alice.ask("GET", "/v1/config")
    world.key_set = None
    monkeypatch.setattr("tests.support.memory_ports.is_signed", None)

    for _ in range(3):
        assert alice.ask("GET", "/v1/config").status == 200

    assert (world.key_set_asks, asked.count("SignOnRequest")) == (1, 1)
    world.pass_time(60_000)
    alice.ask("GET", "/v1/config")
    assert asked.count("SignOnRequest") == 2


def test_what_is_remembered_ends_with_the_assertion(world: World, isolate: Isolate) -> None:
    alice = Visitor(world, isolate, exp=NOW_S + 10)
    assert alice.ask("GET", "/v1/config").status == 200

    world.pass_time(69_999)
    assert alice.ask("GET", "/v1/config").status == 200
    world.pass_time(1)
    assert alice.ask("GET", "/v1/config").status == 401


def test_nothing_that_a_person_is_answered_is_stored_on_the_way(world: World, isolate: Isolate) -> None:
    answers = [
        Visitor(world, isolate).ask("GET", "/v1/config"),
        Visitor(world, isolate, STRANGER).ask("GET", "/v1/config"),
        Visitor(world, isolate).ask("PUT", "/v1/config", {}),
        Visitor(world, isolate, exp=NOW_S - 300).ask("GET", "/v1/config"),
    ]

    assert [answer.status for answer in answers] == [200, 403, 428, 401]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store, no-transform"}
    assert not any("access-control-allow-origin" in answer.headers for answer in answers)


# Where it counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CHAT, CALL),
        ("GET", "/v1/proxy/openai/v1/models", None),
        ("POST", "/v1/chat/completions", CALL),
        ("GET", "/v1/models", None),
        ("GET", "/v1/budget-check?session_id=s", None),
        ("POST", "/v1/ingest", {"model": "gpt-4o-mini", "prompt_tokens": 1, "completion_tokens": 1, "latency_ms": 1}),
    ],
)
def test_who_has_signed_on_administers_and_makes_no_calls(
    world: World, isolate: Isolate, method: str, path: str, body: Any
) -> None:
    assert Visitor(world, isolate).ask(method, path, body).status == 401
    assert world.sent == []


def test_each_application_is_one_tenant_s(world: World, isolate: Isolate) -> None:
    elsewhere = Visitor(world, isolate, aud=[OTHER_AUDIENCE])

    assert elsewhere.ask("GET", "/v1/config").status == 403
    assert told(world, "auth", "outcome", "tenant", "actor") == [("not_permitted", "other", f"access:{ALICE['sub']}")]


def test_the_operator_s_routes_are_nobody_s_who_has_signed_on(world: World, isolate: Isolate) -> None:
    routes = [(each.method, each.path) for each in ENDPOINTS if each.audience == "operator"]
    for method, path in routes:
        assert Visitor(world, isolate).ask(method, path.replace("{", "").replace("}", ""), {}).status == 403


# Who loses it -------------------------------------------------------------------------------------------------


def write_config(world: World, document: dict[str, Any]) -> None:
    """By an administrator's key, at another isolate."""
    admin = Client(world, an_isolate(), ADMIN)
    assert admin.ask("PUT", "/v1/config", document, if_match="*").status == 200


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"sign_on": [{"email": "bob@example.com", "role": "admin"}]},
        {**CONFIG, "sign_on_denied": [ALICE["sub"]]},
    ],
    ids=["nobody is anything", "somebody else is", "denied"],
)
def test_who_loses_a_role_has_it_no_more_at_the_next_request(
    world: World, isolate: Isolate, document: dict[str, Any]
) -> None:
    alice = Visitor(world, isolate)
    assert alice.ask("GET", "/v1/config").status == 200

    write_config(world, document)

    answers = [alice.ask("PUT", "/v1/config", CONFIG, if_match="*"), alice.ask("GET", "/v1/config")]
    assert [answer.status for answer in answers] == [403, 403]
    assert ("not_permitted", f"access:{ALICE['sub']}") in told(world, "auth", "outcome", "actor")


def test_a_role_that_changes_is_the_other_one_at_the_next_request(world: World, isolate: Isolate) -> None:
    alice = Visitor(world, isolate)
    alice.ask("GET", "/v1/config")

    write_config(world, {"sign_on": [{"email": "alice@example.com", "role": "developer", "team": "search"}]})

    whoami = alice.read("/v1/whoami")
    assert (whoami["role"], whoami["team"]) == ("developer", "search")
    assert alice.ask("GET", "/v1/config").status == 403


def test_whose_address_it_was_is_another_s_only_when_an_administrator_forgets_them(
    world: World, isolate: Isolate
) -> None:
    old, new = Visitor(world, isolate), Visitor(world, isolate, sub="another-alice")
    assert old.ask("GET", "/v1/config").status == 200

    refused = new.ask("GET", "/v1/config")

    assert (refused.status, json.loads(refused.body)["error"]["message"]) == (401, "this token is not valid")
    assert told(world, "auth", "outcome", "tenant", "actor")[-1] == ("bad_assertion", "acme", "access:another-alice")
    admin = Client(world, isolate, ADMIN)
    assert json.loads(admin.ask("DELETE", "/v1/people/Alice%40example.com").body)["sub"] == ALICE["sub"]
    assert new.ask("GET", "/v1/config").status == 200
    world.pass_time(60_000)
    assert old.ask("GET", "/v1/config").status == 401


def test_an_address_in_another_case_is_the_same_one(world: World, isolate: Isolate) -> None:
    assert Visitor(world, isolate, email="ALICE@example.com").ask("GET", "/v1/config").status == 200
    assert Visitor(world, isolate, sub="another-alice").ask("GET", "/v1/config").status == 401


def test_who_was_never_let_in_takes_nobody_s_address(world: World, isolate: Isolate) -> None:
    assert Visitor(world, isolate, STRANGER).ask("GET", "/v1/config").status == 403

    assert Client(world, isolate, ADMIN).read("/v1/people")["data"] == []


# People -------------------------------------------------------------------------------------------------------


def test_people_are_listed_with_what_they_may_do_now(world: World, isolate: Isolate) -> None:
    Visitor(world, isolate).ask("GET", "/v1/config")
    Visitor(world, isolate, BOB).ask("GET", "/v1/sessions")
    Visitor(world, isolate, ROBOT).ask("GET", "/v1/config")
    seen = {"first_seen_at": START_MS, "last_seen_at": START_MS}
    admin = Client(world, isolate, ADMIN)

    assert admin.read("/v1/people") == {
        "data": [
            {"email": ALICE["email"], "sub": ALICE["sub"], "role": "admin", "team": None, **seen},
            {"email": BOB["email"], "sub": BOB["sub"], "role": "developer", "team": "search", **seen},
        ],
        "next": None,
    }
    admin.ask("PUT", "/v1/config", {"sign_on": [], "sign_on_denied": []}, if_match="*")
    assert [(each["role"], each["team"]) for each in admin.read("/v1/people")["data"]] == [(None, None)] * 2


def test_the_list_is_paged(world: World, isolate: Isolate) -> None:
    names = [f"person{number}@example.com" for number in range(5)]
    for name in names:
        Visitor(world, isolate, email=name, sub=name).ask("GET", "/v1/sessions")
    admin = Client(world, isolate, ADMIN)
    pages, after = [], ""
    while after is not None:
        page = admin.read(f"/v1/people?limit=2&after={after}")
        pages.append([each["email"] for each in page["data"]])
        after = page["next"]

    assert pages == [names[:2], names[2:4], names[4:]]
    assert admin.ask("GET", "/v1/people?after=nonsense").status == 400


@pytest.mark.parametrize("email", ["nobody%40example.com", "x", "x" * 300])
def test_who_is_not_known_cannot_be_forgotten(world: World, isolate: Isolate, email: str) -> None:
    answer = Client(world, isolate, ADMIN).ask("DELETE", f"/v1/people/{email}")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (404, "email")


def test_people_are_the_administrators_business(world: World, isolate: Isolate) -> None:
    bob = Visitor(world, isolate, BOB)

    assert [bob.ask("GET", "/v1/people").status, bob.ask("DELETE", "/v1/people/x").status] == [403, 403]


def test_people_survive_a_ledger_s_sleep(world: World, isolate: Isolate) -> None:
    Visitor(world, isolate).ask("GET", "/v1/config")
    world.wake_ledger("acme")

    assert Visitor(world, an_isolate(**SETTINGS), sub="another").ask("GET", "/v1/config").status == 401


# The team's keys ----------------------------------------------------------------------------------------------


def rotated(number: int) -> str:
    return token(claims(iat=NOW_S - number), head=header(kid=f"k{number}"), key=a_key(number))


def visit(world: World, isolate: Isolate, text: str) -> int:
    return Client(world, isolate, None).ask("GET", "/v1/whoami", **{ASSERTION: text}).status


def test_a_key_that_is_new_is_asked_for_and_the_old_one_goes_on(world: World, isolate: Isolate) -> None:
    assert visit(world, isolate, rotated(1)) == 200
    world.pass_time(60_000)
    world.key_set = key_set(k2=a_key(2), k1=a_key(1))

    assert [visit(world, isolate, rotated(number)) for number in (2, 1)] == [200, 200]
    assert world.key_set_asks == 2


def test_a_key_that_is_gone_verifies_nothing_new(world: World, isolate: Isolate) -> None:
    visit(world, isolate, rotated(1))
    world.key_set = key_set(k2=a_key(2))
    world.pass_time(3_600_000)

    assert visit(world, isolate, token(claims(iat=NOW_S, exp=NOW_S + 7_200))) == 401
    assert world.key_set_asks == 2


def test_a_thousand_made_up_keys_are_one_question(world: World, isolate: Isolate) -> None:
    made_up = [token(head=header(kid=f"made-up-{number}")) for number in range(3)]
    parts = [text.split(".") for text in made_up]
    heads = [token(head=header(kid=f"other-{number}")).split(".")[0] for number in range(3)]

    statuses = [visit(world, isolate, ".".join([head, *parts[0][1:]])) for head in heads * 333]

    assert set(statuses) == {401}
    assert world.key_set_asks == 1
    assert visit(world, isolate, rotated(1)) == 200
    world.pass_time(60_000)
    visit(world, isolate, made_up[1])
    visit(world, isolate, made_up[2])
    assert world.key_set_asks == 2


def test_requests_that_come_at_once_share_one_question(world: World, isolate: Isolate) -> None:
    async def all_at_once() -> list[int]:
        headers = {"cf-access-jwt-assertion": rotated(1)}
        requests = [an_inbound("GET", "/v1/whoami", "", headers, b"") for _ in range(5)]
        answers = await asyncio.gather(*(handle(each, world.ports(), isolate) for each in requests))
        return [answer.status for answer in answers]

    assert world.run(all_at_once()) == [200] * 5
    assert world.key_set_asks == 1


BROKEN = [b"", b"<html>", b'{"keys":[]}', b'{"keys":[{"kid":"k1","kty":"oct","k":"AAAA"}]}', None]


@pytest.mark.parametrize("answer", BROKEN, ids=str)
def test_without_keys_nobody_is_let_in_and_it_is_asked_again_soon(
    world: World, isolate: Isolate, answer: bytes | None
) -> None:
    good, world.key_set = world.key_set, answer

    assert [visit(world, isolate, rotated(1)) for _ in range(3)] == [503] * 3
    assert world.key_set_asks == 1
    world.key_set = good
    world.pass_time(5_000)
    assert visit(world, isolate, rotated(1)) == 200


def test_a_key_server_that_hangs_is_one_that_is_away(world: World, isolate: Isolate) -> None:
    world.hanging.add("key server")

    assert visit(world, isolate, rotated(1)) == 503


@pytest.mark.parametrize(("hours", "status"), [(1, 200), (23, 200), (24, 503)])
def test_keys_that_are_known_go_on_for_a_day_while_their_server_is_away(
    world: World, isolate: Isolate, hours: int, status: int
) -> None:
    visit(world, isolate, rotated(1))
    world.key_set = None
    world.pass_time(hours * 3_600_000)
    now_s = world.now_ms() // 1_000

    assert visit(world, isolate, token(claims(iat=now_s, exp=now_s + 60))) == status
    assert world.key_set_asks == 2


def test_while_the_server_is_away_a_key_that_is_not_known_is_nobody_s_fault(world: World, isolate: Isolate) -> None:
    visit(world, isolate, rotated(1))
    world.key_set = None
    world.pass_time(60_000)

    assert visit(world, isolate, rotated(2)) == 503


# What is away -------------------------------------------------------------------------------------------------


def test_without_the_ledger_nobody_signs_on_anew(world: World, isolate: Isolate) -> None:
    alice = Visitor(world, isolate)
    alice.ask("GET", "/v1/config")
    world.is_ledger_away = True

    assert alice.ask("GET", "/v1/whoami").status == 200
    assert Visitor(world, isolate, BOB).ask("GET", "/v1/whoami").status == 503


def test_only_an_audience_of_the_team_s_own_leads_anywhere(world: World) -> None:
    other = an_isolate(ACCESS_TEAM_DOMAIN="https://other.example", ACCESS_APPLICATIONS=json.dumps({AUDIENCE: "acme"}))

    assert visit(world, other, rotated(1)) == 401
    assert world.key_set_asks == 0


def test_a_developer_without_a_team_sees_nobody_s_sessions(isolate: Isolate) -> None:
    """Also not those that were opened by tokens of no team and no id, which are the tenant's."""
    world = a_world_with_access({"sign_on": [{"email": ALICE["email"], "role": "developer"}]})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    world.knows(ADMIN, tenant="acme", role="member", key_id=None)
    assert Client(world, isolate, ADMIN).call(CALL, x_agentwatch_session_id="run-1").status == 200
    alice = Visitor(world, isolate)

    assert alice.read("/v1/sessions")["sessions"] == []
    assert alice.ask("GET", "/v1/sessions/run-1").status == 404


@pytest.mark.parametrize("how", ["key", "access"])
def test_nothing_is_written_by_whom_the_ledger_could_not_be_asked_about(
    world: World, isolate: Isolate, how: str
) -> None:
    """It may have taken the role away: that it answers again a moment later is no confirmation."""
    who = Visitor(world, isolate) if how == "access" else Client(world, isolate, ADMIN)
    assert who.ask("GET", "/v1/config").status == 200
    ledger = world.ledger_of("acme")
    tell = ledger.tell

    async def without_standing(question: Any) -> Any:
        if isinstance(question, StandingRequest):
            raise LedgerUnreachable
        return await tell(question)

    ledger.tell = without_standing

    written = who.ask("PUT", "/v1/config", {**CONFIG, "fail_closed": True}, if_match="*")
    made = who.ask("POST", "/v1/keys", {"name": "mine", "role": "admin"})

    assert (written.status, made.status) == (503, 503)
    assert who.ask("GET", "/v1/config").status == 200
    assert "fail_closed" not in json.loads(who.ask("GET", "/v1/config").body)


@pytest.mark.parametrize(
    ("keys", "status"), [((1, 2), 200), ((2,), 401), ((), 503)], ids=["kept", "taken back", "away"]
)
def test_an_assertion_that_is_remembered_is_good_no_longer_than_its_key(
    world: World, isolate: Isolate, keys: tuple[int, ...], status: int
) -> None:
    """An isolate that has seen it says what one that has not would say."""
    assertion = token(claims(exp=NOW_S + 30 * 86_400), head=header(kid="k1"), key=a_key(1))
    assert visit(world, isolate, assertion) == 200

    world.key_set = key_set(**{f"k{number}": a_key(number) for number in keys}) if keys else None
    world.pass_time(25 * 3_600_000)

    assert visit(world, isolate, assertion) == visit(world, an_isolate(**SETTINGS), assertion) == status
