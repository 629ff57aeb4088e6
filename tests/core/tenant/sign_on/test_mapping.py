"""Who may do what is written; nobody is anything by default."""

from typing import Any

import msgspec
import pytest

from core.tenant.document import InvalidDocument, Writing
from core.tenant.policy import CONFIG, TenantPolicy, parse_policy
from core.tenant.sign_on.claims import Person, Service
from core.tenant.sign_on.mapping import Grant

ALICE = Person("sub-1", "alice@example.com")


def a_policy(*entries: dict[str, Any], denied: list[str] | None = None) -> TenantPolicy:
    return parse_policy(msgspec.json.encode({"sign_on": entries, "sign_on_denied": denied or []}))


def test_the_most_specific_entry_counts_wherever_it_stands() -> None:
    entries = [
        {"email_domain": "example.com", "role": "developer", "team": "all"},
        {"email": "alice@example.com", "role": "developer", "team": "search"},
        {"sub": "sub-1", "role": "admin"},
    ]

    for order in (entries, entries[::-1]):
        sign_on = a_policy(*order).sign_on
        assert sign_on.grant_of(ALICE) == Grant("admin", None)
        assert sign_on.grant_of(Person("sub-2", "alice@example.com")) == Grant("developer", "search")
        assert sign_on.grant_of(Person("sub-3", "bob@example.com")) == Grant("developer", "all")


@pytest.mark.parametrize(
    "who",
    [
        Person("sub-9", "eve@evil.example"),
        Person("sub-9", "eve@sub.example.com"),
        Person("sub-9", "eve@notexample.com"),
        Person("sub-9", "eve@example.com.evil"),
        Person("example.com", "eve@evil.example"),
        Person("robot.access", "eve@evil.example"),
        Service("alice@example.com"),
        Service("sub-1"),
        Service("example.com"),
        Service("other.access"),
    ],
    ids=str,
)
def test_who_is_not_written_of_is_nobody(who: Person | Service) -> None:
    sign_on = a_policy(
        {"email_domain": "example.com", "role": "admin"},
        {"email": "alice@example.com", "role": "admin"},
        {"sub": "sub-1", "role": "admin"},
        {"service_client_id": "robot.access", "role": "admin"},
    ).sign_on

    assert sign_on.grant_of(who) is None
    assert sign_on.grant_of(Service("robot.access")) == Grant("admin", None)


def test_who_is_denied_is_nobody_whatever_else_is_written() -> None:
    sign_on = a_policy(
        {"email_domain": "example.com", "role": "admin"}, {"sub": "sub-1", "role": "admin"}, denied=["sub-1"]
    ).sign_on

    assert sign_on.grant_of(ALICE) is None
    assert sign_on.grant_of(Person("sub-2", "bob@example.com")) == Grant("admin", None)


def test_addresses_are_written_in_any_case() -> None:
    sign_on = a_policy({"email": "Alice@Example.com", "role": "admin"}, {"email_domain": "B.Example", "role": "admin"})

    assert sign_on.sign_on.grant_of(ALICE) is not None
    assert sign_on.sign_on.grant_of(Person("s", "bob@b.example")) is not None


REFUSED = [
    ([{"role": "admin"}], "sign_on[0]"),
    ([{"email": "a@b.c", "sub": "s", "role": "admin"}], "sign_on[0]"),
    ([{"sub": "s", "role": "admin"}, {"sub": "s", "role": "developer"}], "sign_on[1].sub"),
    ([{"email": "a@b.c", "role": "admin"}, {"email": "A@b.c", "role": "admin"}], "sign_on[1].email"),
    ([{"email": "a@b.c", "role": "operator"}], "sign_on[0].role"),
    ([{"email": "a@b.c", "role": "member"}], "sign_on[0].role"),
    ([{"email": "a@b.c"}], "sign_on[0]"),
    ([{"email": "a@b@c", "role": "admin"}], "sign_on[0].email"),
    ([{"email": "a@b.c\n", "role": "admin"}], "sign_on[0].email"),
    ([{"email_domain": "@b.c", "role": "admin"}], "sign_on[0].email_domain"),
    ([{"email_domain": "", "role": "admin"}], "sign_on[0].email_domain"),
    ([{"sub": "", "role": "admin"}], "sign_on[0].sub"),
    ([{"service_client_id": "a b", "role": "admin"}], "sign_on[0].service_client_id"),
    ([{"mail": "a@b.c", "role": "admin"}], "sign_on[0]"),
    ([{"sub": f"s{number}", "role": "admin"} for number in range(201)], "sign_on"),
]


@pytest.mark.parametrize(("entries", "place"), REFUSED, ids=str)
def test_a_list_that_cannot_be_used_is_refused_by_its_place(entries: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(InvalidDocument) as fault:
        a_policy(*entries)

    assert fault.value.param == place


def test_a_denial_that_cannot_be_one_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidDocument) as fault:
        a_policy(denied=["sub-1", ""])

    assert fault.value.param == "sign_on_denied[1]"


def test_a_developer_without_a_team_is_odd() -> None:
    document = '{"sign_on": [{"sub": "a", "role": "admin"}, {"sub": "b", "role": "developer"}]}'

    (warning,) = CONFIG.judge(document, Writing(allows_private_receivers=False, at_ms=0))

    assert (warning.path, warning.code) == ("/sign_on/1/team", "no_team")
