"""Our token may stand wherever a provider's key would, and never shows."""

import hashlib

import pytest

from core.tenant.credentials import digest, parse_key_record, parse_token_map, read_credential
from core.wire.json_text import InvalidJSON

TOKEN = "aw_live_" + "0123456789abcdef" * 3
DIGEST = hashlib.sha256(TOKEN.encode()).digest()

PLACES = [
    {"authorization": f"Bearer {TOKEN}"},
    {"authorization": f"bearer {TOKEN}"},
    {"x-api-key": TOKEN},
    {"x-goog-api-key": TOKEN},
    {"api-key": TOKEN},
    {"x-agentwatch-key": TOKEN},
    {"x-agentwatch-key": f"Bearer {TOKEN}"},
]


@pytest.mark.parametrize("headers", PLACES, ids=lambda headers: next(iter(headers)))
def test_the_token_is_found_in_every_place_an_sdk_may_put_it(headers: dict[str, str]) -> None:
    credential = read_credential(headers)

    assert credential is not None
    assert credential.token_digest == DIGEST
    assert credential.own_keys == ()


OWN = "sk-R2d2C3poBb8K2soIg88L337"
OWN_KEYS = [
    ({"authorization": f"Bearer {TOKEN}:{OWN}"}, None),
    ({"x-api-key": f"{TOKEN}:{OWN}"}, None),
    ({"x-agentwatch-key": TOKEN, "authorization": f"Bearer {OWN}"}, "authorization"),
    ({"x-agentwatch-key": TOKEN, "x-api-key": OWN}, "x-api-key"),
    ({"x-agentwatch-key": TOKEN, "x-goog-api-key": OWN}, "x-goog-api-key"),
    ({"authorization": f"Bearer {TOKEN}", "x-api-key": OWN}, "x-api-key"),
]


@pytest.mark.parametrize(("headers", "place"), OWN_KEYS)
def test_a_provider_key_of_the_callers_own_is_told_from_the_token(headers: dict[str, str], place: str | None) -> None:
    credential = read_credential(headers)

    assert credential is not None
    assert credential.token_digest == DIGEST
    assert [(key.value, key.place) for key in credential.own_keys] == [(OWN, place)]


BEHIND = [
    (TOKEN, None, []),
    (f"{TOKEN}~run-42", "run-42", []),
    (f"{TOKEN}~run-42:{OWN}", "run-42", [OWN]),
    (f"{TOKEN}~run-42:openai={OWN}~x", "run-42", [f"{OWN}~x"]),
    (f"{TOKEN}~", "", []),
    (f"{TOKEN}~a/b", "a/b", []),
    (f"{TOKEN}~a~b", "a~b", []),
    (f"{TOKEN}:{OWN}", None, [OWN]),
    (f"{TOKEN}~agent:run-42", "agent:run-42", []),
    (f"{TOKEN}~team:xai-nightly", "team:xai-nightly", []),
    (f"{TOKEN}~user:3f2c8a1e-1111-4111-8111-3f2c8a1e1111", "user:3f2c8a1e-1111-4111-8111-3f2c8a1e1111", []),
]


@pytest.mark.parametrize(("value", "session", "own_keys"), BEHIND)
@pytest.mark.parametrize("place", [*PLACES, {"?key": TOKEN}], ids=lambda headers: next(iter(headers)))
def test_a_session_may_stand_between_the_token_and_a_key(
    place: dict[str, str], value: str, session: str | None, own_keys: list[str]
) -> None:
    """Whatever it says: the token is looked up as it is without it, and nobody judges the session before that."""
    ((name, shown),) = place.items()
    shown = shown.replace(TOKEN, value)

    credential = read_credential({}, f"key={shown}") if name == "?key" else read_credential({name: shown})

    assert credential is not None
    assert (credential.token_digest, credential.sessions) == (DIGEST, () if session is None else (session,))
    assert [key.value for key in credential.own_keys] == own_keys


def test_no_session_behind_a_token_is_lost_wherever_another_token_stands() -> None:
    headers = {"x-agentwatch-key": TOKEN, "authorization": f"Bearer {TOKEN}~a", "x-api-key": f"{TOKEN}~b"}

    credential = read_credential(headers, f"key={TOKEN}~c&key={TOKEN}~d")

    assert credential is not None
    assert (credential.token_digest, credential.own_keys) == (DIGEST, ())
    assert sorted(credential.sessions) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("query", [f"key={TOKEN}", f"alt=sse&key={TOKEN}", f"k%65y={TOKEN.replace('_', '%5F')}"])
def test_the_token_may_stand_where_googles_clients_put_a_key_in_the_address(query: str) -> None:
    credential = read_credential({}, query)

    assert credential is not None
    assert (credential.token_digest, credential.own_keys) == (DIGEST, ())


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer sk-foreign"}, {"x-api-key": " "}, {"authorization": f"Basic {TOKEN}"}]
)
def test_a_request_without_our_token_has_no_credential(headers: dict[str, str]) -> None:
    assert read_credential(headers) is None


def test_a_malformed_token_is_digested_like_any_other() -> None:
    credential = read_credential({"x-agentwatch-key": "nonsense"})

    assert credential is not None
    assert credential.token_digest == digest("nonsense")


def test_a_credential_never_prints_the_provider_key() -> None:
    assert "sk-own" not in repr(read_credential({"x-api-key": f"{TOKEN}:sk-own"}))


def test_the_static_map_takes_a_tenant_name_or_a_whole_record() -> None:
    entries = parse_token_map('{"aw_live_a": "acme", "aw_live_b": {"tenant": "acme", "role": "admin"}}')

    assert [(record.tenant, record.role == "admin") for _, record in entries] == [
        ("acme", False),
        ("acme", True),
    ]
    assert entries[0][0] == digest("aw_live_a")


UNUSABLE_RECORDS = [
    '{"team": "research"}',
    '{"tenant": ""}',
    '{"tenant": "acme:s:x"}',
    '{"tenant": "acme\\n"}',
    '{"tenant": "acme", "role": "Admin"}',
    '{"tenant": "acme", "requests_per_minute": 0}',
]


@pytest.mark.parametrize("document", UNUSABLE_RECORDS)
def test_a_record_that_names_no_tenant_or_an_unknown_right_is_refused(document: str) -> None:
    with pytest.raises(InvalidJSON):
        parse_key_record(document)


def test_the_static_map_refuses_a_tenant_that_could_reach_into_another() -> None:
    with pytest.raises(InvalidJSON):
        parse_token_map('{"aw_live_a": "acme:s:x"}')
