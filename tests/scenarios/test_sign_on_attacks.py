"""What would let somebody in who should not be: each refused in the words of any token that is not good, and a row."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from exchange import Answer
from isolate import Isolate
from settings import InvalidSetting
from tests.support.access import (
    ABSENT,
    ALICE,
    ASSERTION,
    NOW_S,
    ROBOT,
    SETTINGS,
    TEAM,
    a_world_with_access,
    claims,
    header,
    token,
)
from tests.support.api_client import ADMIN, Client, an_isolate
from tests.support.memory_ports import TOKEN, World
from tests.support.rsa import a_key, base64url

CONFIG = {
    "sign_on": [
        {"email_domain": "example.com", "role": "admin"},
        {"service_client_id": ROBOT["common_name"], "role": "admin"},
    ]
}


@pytest.fixture
def world() -> World:
    world = a_world_with_access(CONFIG)
    world.knows(ADMIN, tenant="acme", role="admin", key_id="key_admin")
    return world


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate(**SETTINGS)


def visit(world: World, isolate: Isolate, text: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
    named = {ASSERTION: text, "host": "admin.example", **headers}
    return Client(world, isolate, None).ask(method, "/v1/config", body, **named)


def outcomes(world: World) -> list[str]:
    return [each["outcome"] for each in world.records if each["type"] == "auth"]


def signed_by_hash(secret: bytes) -> str:
    """HS256, whose secret everybody knows: the team's public key."""
    signed = f"{base64url(header(alg='HS256').encode())}.{base64url(claims().encode())}"
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def with_signature(text: str, signature: str) -> str:
    return f"{text.rpartition('.')[0]}.{signature}"


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
MODULUS = a_key(1).n.to_bytes(256)

FORGED = {
    "no algorithm and no signature": with_signature(token(head=header(alg="none")), ""),
    "no algorithm, signed": token(head=header(alg="none")),
    "HS256 by the public key": signed_by_hash(json.dumps(a_key(1).jwk).encode()),
    "HS256 by the modulus": signed_by_hash(MODULUS),
    "RS512": token(head=header(alg="RS512")),
    "PS256": token(head=header(alg="PS256")),
    "ES256": token(head=header(alg="ES256")),
    "a key of one's own": token(key=a_key(9)),
    "a key of one's own, in the header": token(head=header(jwk=a_key(9).jwk), key=a_key(9)),
    "a key of one's own, at an address": token(head=header(jku="https://evil.example/"), key=a_key(9)),
    "a key of one's own, under another id": token(head=header(kid="k9"), key=a_key(9)),
    "other claims under the signature": f"{HEAD}.{base64url(claims(email='root@example.com').encode())}.{SIGNATURE}",
    "another header over the signature": f"{base64url(header(typ='JWT').encode())}.{BODY}.{SIGNATURE}",
    "a signature of zeros": with_signature(GOOD, base64url(bytes(256))),
    "a signature of ones": with_signature(GOOD, base64url(b"\xff" * 256)),
    "a shorter signature": with_signature(GOOD, SIGNATURE[:-4]),
    "a signature plus the modulus": with_signature(
        GOOD, base64url((a_key(1).n + int.from_bytes(a_key(1).sign(GOOD.rpartition(".")[0].encode()))).to_bytes(257))
    ),
    "a signature over something else": with_signature(GOOD, base64url(a_key(1).sign(b"else"))),
    "padded": GOOD + "=",
    "the signature in another form": with_signature(GOOD, SIGNATURE[:-1] + chr(ord(SIGNATURE[-1]) + 1)),
    "two assertions": f"{GOOD}, {GOOD}",
    "an encrypted one": f"{HEAD}..{BODY}.{SIGNATURE}.{SIGNATURE}",
    "members twice": token(claims().replace('"type": "app"', '"type": "org", "type": "app"')),
    "two algorithms": token(head='{"alg": "none", "alg": "RS256", "kid": "k1"}'),
    "without end": token(claims(custom="x" * 20_000)),
    "nothing": "",
    "an AgentWatch key": TOKEN,
}

NUMBERS = (ABSENT, None, str(NOW_S), float(NOW_S), -1, 2**63)
CLAIMED = {
    **{f"{name} {value!r}"[:40]: {name: value} for name in ("exp", "iat") for value in NUMBERS},
    **{f"nbf {value!r}": {"nbf": value} for value in NUMBERS[1:]},
    **{f"{name} absent": {name: ABSENT} for name in ("aud", "iss", "type", "sub", "email")},
    **{f"{name} null": {name: None} for name in ("aud", "iss", "type", "sub", "email")},
    **{f"{name} empty": {name: ""} for name in ("aud", "iss", "type", "sub", "email")},
    "another audience": {"aud": ["c3" * 32]},
    "another issuer": {"iss": "https://other.cloudflareaccess.com"},
    "the issuer's address with a slash": {"iss": TEAM + "/"},
    "a session of the whole organisation": {"type": "org"},
    "expired": {"exp": NOW_S - 60},
    "issued in time to come": {"iat": NOW_S + 61},
    "not yet valid": {"nbf": NOW_S + 61},
    "for two months": {"exp": NOW_S + 61 * 86_400},
    "a user and a service": {"common_name": ROBOT["common_name"]},
    "a user with an empty service": {"common_name": ""},
}
SERVICES = {
    "a service with a user's address": {"email": "alice@example.com"},
    "a service with an empty address": {"email": ""},
    "a service without its name": {"common_name": ""},
    "a service with a user's sub": {"sub": "somebody"},
    "a service without a sub": {"sub": ABSENT},
    "a service, expired": {"exp": NOW_S - 60},
    "a service, elsewhere": {"aud": "c3" * 32},
}
ATTACKS = {
    **FORGED,
    **{name: token(claims(**changes)) for name, changes in CLAIMED.items()},
    **{name: token(claims(ROBOT, **changes)) for name, changes in SERVICES.items()},
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_what_proves_nothing_is_refused_like_any_bad_token_and_is_a_row(
    world: World, isolate: Isolate, text: str
) -> None:
    answer = visit(world, isolate, text)

    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["message"]) == (401, "invalid_token", "this token is not valid")
    assert outcomes(world) == ["bad_assertion"]
    assert not any(text and text in json.dumps(record) for record in world.records)


@pytest.mark.parametrize(
    "said",
    [claims(), claims(ROBOT), claims(iat=NOW_S + 60), claims(nbf=ABSENT)],
    ids=["a person", "a service", "of the minute to come", "with no nbf"],
)
def test_what_the_attacks_are_made_of_is_let_in(world: World, isolate: Isolate, said: str) -> None:
    assert visit(world, isolate, token(said)).status == 200
    assert outcomes(world) == ["accepted"]


def test_who_proves_who_they_are_and_is_nobody_here_is_told_so(world: World, isolate: Isolate) -> None:
    for said in (claims(email="eve@elsewhere.example"), claims(ROBOT, common_name="other.access")):
        answer = visit(world, isolate, token(said))
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (403, "not_permitted")

    assert outcomes(world) == ["not_permitted", "not_permitted"]


def test_a_service_has_nothing_that_people_have(world: World, isolate: Isolate) -> None:
    disguised = token(claims(ROBOT, common_name="alice@example.com"))

    assert visit(world, isolate, disguised).status == 403


def test_a_flood_of_bad_assertions_is_slowed_like_any_stranger(world: World, isolate: Isolate) -> None:
    world.strangers_max = 2

    statuses = [visit(world, isolate, token(key=a_key(9))).status for _ in range(4)]

    assert statuses == [401, 401, 429, 429]
    assert outcomes(world) == ["bad_assertion"], "once a minute"
    assert visit(world, isolate, GOOD).status == 200


# Beside Access ------------------------------------------------------------------------------------------------


def test_where_no_team_is_configured_the_header_says_nothing(world: World) -> None:
    answer = visit(world, an_isolate(), GOOD)

    assert (answer.status, outcomes(world), world.key_set_asks) == (401, ["missing"], 0)


@pytest.mark.parametrize("name", ["CF_Authorization", "CF_AppSession", "CF_Binding"])
def test_the_cookie_is_never_read(world: World, isolate: Isolate, name: str) -> None:
    answer = Client(world, isolate, None).ask("GET", "/v1/config", cookie=f"{name}={GOOD}")

    assert (answer.status, outcomes(world)) == (401, ["missing"])


@pytest.mark.parametrize("place", ["authorization", "x_api_key", "x_agentwatch_key"])
def test_an_assertion_counts_in_its_own_header_alone(world: World, isolate: Isolate, place: str) -> None:
    assert Client(world, isolate, None).ask("GET", "/v1/config", **{place: GOOD}).status == 401


@pytest.mark.parametrize(
    ("key", "status", "actor"),
    [(TOKEN, 403, "key:key_1"), ("aw_live_" + "0" * 48, 401, None), (ADMIN, 200, "key:key_admin")],
    ids=["a member", "nobody", "an administrator"],
)
def test_of_two_credentials_the_key_is_the_one(
    world: World, isolate: Isolate, key: str, status: int, actor: str | None
) -> None:
    both = visit(world, isolate, GOOD, authorization=f"Bearer {key}")

    assert both.status == status
    assert [each.get("actor") for each in world.records if each["type"] == "auth"] == [actor]
    assert world.key_set_asks == 0


# Other sites --------------------------------------------------------------------------------------------------

OWN = {"origin": "https://admin.example", "sec_fetch_site": "same-origin", "content_type": "application/json"}
FOREIGN = {
    "a form": {"content_type": "application/x-www-form-urlencoded"},
    "a form with parts": {"content_type": "multipart/form-data; boundary=x"},
    "plain text": {"content_type": "text/plain"},
    "plain text that looks like JSON": {"content_type": "text/plain; application/json"},
    "no type": {"content_type": ""},
    "a type that begins so": {"content_type": "application/json-seq"},
    "another origin": {"origin": "https://evil.example"},
    "a subdomain": {"origin": "https://x.admin.example"},
    "the parent's": {"origin": "https://example"},
    "another port": {"origin": "https://admin.example:8443"},
    "unencrypted": {"origin": "http://admin.example"},
    "no origin to tell": {"origin": "null"},
    "an empty origin": {"origin": ""},
    "another case": {"origin": "https://ADMIN.example"},
    "another site, by the browser's word": {"sec_fetch_site": "cross-site"},
    "a sibling, by the browser's word": {"sec_fetch_site": "same-site"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_write_that_another_site_may_have_made_is_refused_and_told(
    world: World, isolate: Isolate, headers: dict[str, str]
) -> None:
    answer = visit(world, isolate, GOOD, "PUT", CONFIG, if_match="*", **{**OWN, **headers})

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (403, "not_permitted")
    assert outcomes(world) == ["accepted", "not_permitted"]
    access = [(each["status"], each["actor"]) for each in world.records if each["type"] == "access"]
    assert access == [(403, f"access:{ALICE['sub']}")]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}],
    ids=str,
)
def test_nothing_is_deleted_for_another_site(world: World, isolate: Isolate, headers: dict[str, str]) -> None:
    client = Client(world, isolate, None)
    answer = client.ask("DELETE", "/v1/sessions/s", **{ASSERTION: GOOD, "host": "admin.example", **headers})

    assert answer.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {"content_type": "application/json"},
        {"content_type": "Application/JSON; charset=utf-8", "sec_fetch_site": "none"},
        {**OWN, "origin": "http://localhost:8787", "host": "localhost:8787"},
    ],
    ids=["a page of ours", "a program", "by hand", "this machine"],
)
def test_a_write_of_our_own_pages_and_of_programs_passes(
    world: World, isolate: Isolate, headers: dict[str, str]
) -> None:
    assert visit(world, isolate, GOOD, "PUT", CONFIG, if_match="*", **headers).status == 200


def test_a_key_needs_no_origin_because_no_browser_sends_it_by_itself(world: World, isolate: Isolate) -> None:
    admin = Client(world, isolate, ADMIN)

    assert admin.ask("PUT", "/v1/config", CONFIG, if_match="*", origin="https://evil.example").status == 200


# Settings -----------------------------------------------------------------------------------------------------

DOMAIN, APPLICATIONS = SETTINGS["ACCESS_TEAM_DOMAIN"], SETTINGS["ACCESS_APPLICATIONS"]
UNUSABLE = [
    ({"ACCESS_TEAM_DOMAIN": DOMAIN}, "need each other"),
    ({"ACCESS_APPLICATIONS": APPLICATIONS}, "need each other"),
    ({"ACCESS_TEAM_DOMAIN": "http://team.example", "ACCESS_APPLICATIONS": APPLICATIONS}, "ACCESS_TEAM_DOMAIN"),
    ({"ACCESS_TEAM_DOMAIN": "team.example", "ACCESS_APPLICATIONS": APPLICATIONS}, "ACCESS_TEAM_DOMAIN"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN + "/certs", "ACCESS_APPLICATIONS": APPLICATIONS}, "without a path"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN + "?x=1", "ACCESS_APPLICATIONS": APPLICATIONS}, "ACCESS_TEAM_DOMAIN"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN, "ACCESS_APPLICATIONS": "acme"}, "ACCESS_APPLICATIONS"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN, "ACCESS_APPLICATIONS": '{"a": 1}'}, "ACCESS_APPLICATIONS"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN, "ACCESS_APPLICATIONS": '{"a": "b:c"}'}, "ACCESS_APPLICATIONS"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN, "ACCESS_APPLICATIONS": '{"": "acme"}'}, "ACCESS_APPLICATIONS"),
    ({"ACCESS_TEAM_DOMAIN": DOMAIN, "ACCESS_APPLICATIONS": '{"a": "b", "a": "c"}'}, "once"),
]


@pytest.mark.parametrize(("environment", "words"), UNUSABLE, ids=str)
def test_settings_that_cannot_be_meant_so_stop_the_worker_by_name(environment: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        an_isolate(**environment)


def test_the_public_half_of_a_key_is_no_secret_that_signs() -> None:
    """What the attack by HS256 is made of verifies as such: the algorithm alone stops it."""
    signed, _, signature = signed_by_hash(MODULUS).rpartition(".")

    assert base64url(hmac.digest(MODULUS, signed.encode(), hashlib.sha256)) == signature
