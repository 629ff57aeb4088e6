"""A key's tokens and their ends, and what whoever changes keys may give."""

import msgspec
import pytest

from core.ledger.keys.grants import FREE_TO_GIVE, JUDGED, fault_of_grant, shuts_the_door
from core.ledger.keys.key import TOKENS_KEPT, KeyTerms, KeyToken, StoredKey, changed, revoked, rotated
from core.tenant.credentials import KeyRecord, parse_key_record
from core.tenant.proofs.key_records import record_text

NOW_MS = 1_000_000


def a_token(name: str = "a") -> KeyToken:
    return KeyToken(1, name * 64, "aw_live_1234", "cdef")


def a_key(**terms: object) -> StoredKey:
    return StoredKey(
        key_id="key_1",
        version=1,
        terms=KeyTerms(**{"name": "agent", **terms}),  # type: ignore[arg-type]
        tokens=(a_token(),),
        created_at_ms=0,
    )


def test_a_key_that_was_stored_before_keys_had_origins_may_be_used_from_anywhere() -> None:
    stored = (
        b'{"key_id":"key_1","version":3,"terms":{"name":"agent","team":"search"},'
        b'"tokens":[[1,"' + b"a" * 64 + b'","aw_live_1234","cdef"]],"created_at_ms":0}'
    )

    key = msgspec.json.decode(stored, type=StoredKey)

    assert key.terms.origins is None
    assert msgspec.json.decode(record_text(key, key.token, "acme"), type=KeyRecord).origins is None


def test_the_pages_that_a_key_is_for_are_in_the_record_of_each_of_its_tokens() -> None:
    key = rotated(a_key(origins=("https://a.example",)), a_token("b"), overlap_ms=10, now_ms=NOW_MS)

    records = [parse_key_record(record_text(key, token, "acme")) for token in key.tokens]

    assert [record.origins for record in records] == [("https://a.example",)] * 2


STATES = [
    (a_key(), "active"),
    (a_key(expires_at_ms=NOW_MS + 1), "active"),
    (a_key(expires_at_ms=NOW_MS), "expired"),
    (a_key(is_disabled=True), "disabled"),
    (a_key(is_disabled=True, expires_at_ms=1), "disabled"),
    (revoked(a_key()), "revoked"),
    (revoked(a_key(is_disabled=True)), "revoked"),
]


@pytest.mark.parametrize(("key", "state"), STATES)
def test_only_an_active_key_opens(key: StoredKey, state: str) -> None:
    assert key.state(NOW_MS) == state
    assert key.opens(1, NOW_MS) == (state == "active")


@pytest.mark.parametrize("number", [None, 0, 2, -1])
def test_a_token_that_the_key_does_not_have_opens_nothing(number: int | None) -> None:
    assert not a_key().opens(number, NOW_MS)


def test_the_token_before_goes_on_for_the_overlap_and_not_a_millisecond_longer() -> None:
    key = rotated(a_key(), a_token("b"), overlap_ms=10, now_ms=NOW_MS)

    assert [key.opens(1, NOW_MS + after) for after in (0, 9, 10)] == [True, True, False]
    assert key.opens(2, NOW_MS + 10**9)
    assert key.rotated_until_ms(NOW_MS) == NOW_MS + 10
    assert key.rotated_until_ms(NOW_MS + 10) is None


def test_without_an_overlap_the_token_before_ends_at_once() -> None:
    key = rotated(a_key(), a_token("b"), overlap_ms=0, now_ms=NOW_MS)

    assert not key.opens(1, NOW_MS)
    assert key.rotated_until_ms(NOW_MS) is None


def test_rotating_again_ends_all_but_the_last_two() -> None:
    once = rotated(a_key(), a_token("b"), overlap_ms=1_000, now_ms=NOW_MS)
    twice = rotated(once, a_token("c"), overlap_ms=500, now_ms=NOW_MS + 1)

    assert [twice.opens(number, NOW_MS + 1) for number in (1, 2, 3)] == [False, True, True]
    assert [token.number for token in twice.tokens] == [1, 2, 3]


def test_an_overlap_never_brings_an_end_later() -> None:
    key = a_key()
    for name in "bcdefgh":
        key = rotated(key, a_token(name), overlap_ms=5, now_ms=NOW_MS)

    assert len(key.tokens) == TOKENS_KEPT
    ends = [token.ends_at_ms for token in key.tokens]
    assert ends == [NOW_MS, NOW_MS, NOW_MS + 5, None]


def test_what_is_said_of_a_key_stays_through_a_rotation() -> None:
    key = a_key(team="search", requests_per_minute=5)

    assert rotated(key, a_token("b"), overlap_ms=0, now_ms=NOW_MS).terms == key.terms
    assert [changed(key, key.terms).version, revoked(key).version] == [2, 2]


def test_somebody_has_thought_of_every_member_of_a_key() -> None:
    assert set(KeyTerms.__struct_fields__) == FREE_TO_GIVE | JUDGED
    assert not FREE_TO_GIVE & JUDGED


ADMIN = KeyTerms(name="a", role="admin")
ENDING = msgspec.structs.replace(ADMIN, expires_at_ms=100)
GRANTS = [
    (None, ADMIN, None),
    (a_key(role="admin"), ADMIN, None),
    (a_key(role="admin", expires_at_ms=100), ADMIN, "outlives_its_maker"),
    (a_key(role="admin", expires_at_ms=100), ENDING, None),
    (a_key(role="admin", expires_at_ms=99), ENDING, "outlives_its_maker"),
    (a_key(role="admin", expires_at_ms=99), KeyTerms(name="d", role="developer"), None),
    (a_key(role="admin", expires_at_ms=99), None, None),
]


@pytest.mark.parametrize(("actor", "terms", "fault"), GRANTS)
def test_a_key_that_ends_opens_no_administration_that_ends_later(
    actor: StoredKey | None, terms: KeyTerms | None, fault: str | None
) -> None:
    assert fault_of_grant(actor, terms) == fault


OWN = a_key(role="admin")
OTHER = msgspec.structs.replace(OWN, key_id="key_2")
DOORS = [
    (OWN, OWN, None, True),
    (OWN, OWN, KeyTerms(name="a", role="developer"), True),
    (OWN, OWN, KeyTerms(name="a", role="admin", is_disabled=True), True),
    (OWN, OWN, ENDING, True),
    (OWN, OWN, KeyTerms(name="b", role="admin"), False),
    (OTHER, OWN, None, False),
    (None, OWN, None, False),
    (a_key(), a_key(), None, False),
]


@pytest.mark.parametrize(("actor", "before", "after", "is_shut"), DOORS)
def test_the_last_administrator_s_key_does_not_lock_its_tenant_out(
    actor: StoredKey | None, before: StoredKey, after: KeyTerms | None, is_shut: bool
) -> None:
    assert shuts_the_door(actor, before, after, has_other_administrator=False) == is_shut
    assert not shuts_the_door(actor, before, after, has_other_administrator=True)
