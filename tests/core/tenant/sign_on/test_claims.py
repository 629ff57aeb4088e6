"""What Access claims is judged as a whole: nothing that is missing is taken for granted."""

import json
from typing import Any

import pytest

from core.tenant.sign_on.assertion import BadAssertion
from core.tenant.sign_on.claims import Person, Service, SignedOn, judge_claims
from tests.support.access import ABSENT, ALICE, AUDIENCE, NOW_S, OTHER_AUDIENCE, ROBOT, TEAM, claims

APPLICATIONS = {AUDIENCE: "acme", OTHER_AUDIENCE: "other", "c3": "acme"}


def judged(of: dict[str, Any] = ALICE, now_s: float = NOW_S, **changes: Any) -> SignedOn:
    said = json.loads(claims(of, **changes))
    return judge_claims(said, applications=APPLICATIONS, issuer=TEAM, now_ms=int(now_s * 1_000))


def test_a_user_is_a_person_of_the_application_s_tenant() -> None:
    signed_on = judged()

    assert (signed_on.tenant, signed_on.who) == ("acme", Person(ALICE["sub"], "alice@example.com"))
    assert (signed_on.issued_at_s, signed_on.expires_at_s) == (ALICE["iat"], ALICE["exp"])
    assert signed_on.actor == f"access:{ALICE['sub']}"


def test_a_service_token_is_a_service() -> None:
    signed_on = judged(ROBOT)

    assert signed_on.who == Service(ROBOT["common_name"])
    assert signed_on.actor == f"service:{ROBOT['common_name']}"


@pytest.mark.parametrize("of", [ALICE, ROBOT], ids=["user", "service"])
@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["elsewhere", AUDIENCE], [AUDIENCE, "c3"]])
def test_an_audience_is_one_name_or_a_list_of_them(of: dict[str, Any], audience: Any) -> None:
    assert judged(of, aud=audience).tenant == "acme"


FAULTY_MOMENTS = [ABSENT, None, str(NOW_S), float(NOW_S), -1, 2**63, 2**64, True, [NOW_S], 253_402_300_800]
REFUSED = {
    "aud": [
        *(ABSENT, None, "", [], "elsewhere", ["elsewhere"], [AUDIENCE, 1], [[AUDIENCE]], {AUDIENCE: 1}, 1),
        *(AUDIENCE.upper(), AUDIENCE + "\n", [AUDIENCE, OTHER_AUDIENCE]),
    ],
    "iss": [ABSENT, None, "", TEAM + "/", "https://other.example", TEAM.upper(), [TEAM], "http://team.example"],
    "type": [ABSENT, None, "", "org", "App", ["app"]],
    "exp": [*FAULTY_MOMENTS, NOW_S - 60, NOW_S - 3_600],
    "iat": [*FAULTY_MOMENTS, NOW_S + 61, NOW_S + 3_600, ALICE["exp"]],
    "sub": [ABSENT, None, "", 1, "a b", "ü", "x" * 129],
    "email": [
        *(ABSENT, None, "", 1, "alice", "a@b@c", "a @example.com", "@example.com", "alice@", "a\x00@b.c", "a@b.c\n"),
        *(["alice@example.com"], "a" * 251 + "@b.c"),
    ],
    "common_name": [None, "", "e367.access"],
    "nbf": [*FAULTY_MOMENTS[1:], NOW_S + 61],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values], ids=str
)
def test_a_claim_of_a_user_that_does_not_hold_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadAssertion):
        judged(**{name: value})


SERVICE_REFUSED = {
    "common_name": [ABSENT, None, "", 1, "a b", "x" * 129],
    "sub": [ABSENT, None, "somebody", 0],
    "email": [None, "", "alice@example.com"],
    "nbf": [NOW_S + 61, None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in SERVICE_REFUSED.items() for value in values], ids=str
)
def test_a_claim_of_a_service_that_does_not_hold_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadAssertion):
        judged(ROBOT, **{name: value})


def test_clocks_may_differ_by_a_minute_and_no_more() -> None:
    assert judged(iat=NOW_S + 60, nbf=NOW_S + 60)
    assert judged(exp=NOW_S - 59)

    with pytest.raises(BadAssertion, match="expired"):
        judged(exp=NOW_S - 60)


def test_nobody_is_signed_on_for_longer_than_a_month() -> None:
    month_s = 31 * 86_400

    assert judged(exp=ALICE["iat"] + month_s)
    with pytest.raises(BadAssertion, match="too long"):
        judged(exp=ALICE["iat"] + month_s + 1)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Alice@EXAMPLE.com", "alice@example.com"),
        ("ALİCE@example.com", "alİce@example.com"),
        ("\u212aarl@example.com", "\u212aarl@example.com"),
        ("ALÍCE@example.com", "alÍce@example.com"),
    ],
)
def test_addresses_are_compared_without_the_case_of_ascii_letters_alone(written: str, compared: str) -> None:
    """Python would make a `k` of the Kelvin sign, and so somebody else of its owner."""
    who = judged(email=written).who

    assert isinstance(who, Person)
    assert who.email == compared
