"""Of what a key server states, usable keys are taken, and of each what verifying needs."""

import json
from typing import Any

import pytest

from core.tenant.sign_on.key_set import KEY_SET_BYTES_MAX, InvalidKeySet, PublicKey, parse_key_set
from tests.support.access import key_set
from tests.support.rsa import a_key, base64url

KEY = {"kid": "k1", **a_key(1).jwk}


def stated(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_keys_are_taken_by_their_ids_and_without_what_stands_beside_them() -> None:
    found = parse_key_set(key_set(k1=a_key(1), k2=a_key(2)))

    assert found == {f"k{number}": PublicKey(a_key(number).jwk["n"], a_key(number).jwk["e"]) for number in (1, 2)}
    assert parse_key_set(stated({**KEY, "d": "AQAB", "x5c": ["MII"]})) == {"k1": found["k1"]}


UNUSABLE = {
    "a symmetric key": {"kid": "k1", "kty": "oct", "k": "AAAA"},
    "an elliptic curve": {"kid": "k1", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
    "another algorithm": {**KEY, "alg": "RS512"},
    "for encryption": {**KEY, "use": "enc"},
    "no id": {**KEY, "kid": ""},
    "no modulus": {**KEY, "n": ""},
    "a padded modulus": {**KEY, "n": KEY["n"] + "=="},
    "a short modulus": {**KEY, "n": base64url(((1 << 1_023) + 1).to_bytes(128))},
    "an endless modulus": {**KEY, "n": base64url(((1 << 8_191) + 1).to_bytes(1_024))},
    "an even modulus": {**KEY, "n": base64url((1 << 2_047).to_bytes(256))},
    "an exponent of one": {**KEY, "e": "AQ"},
    "an even exponent": {**KEY, "e": "Ag"},
    "an endless exponent": {**KEY, "e": KEY["n"]},
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_of_another_kind_or_a_weak_one_is_none(key: dict[str, str]) -> None:
    with pytest.raises(InvalidKeySet):
        parse_key_set(stated(key))
    assert list(parse_key_set(stated(key, {**KEY, "kid": "good"}))) == ["good"]


def test_of_two_keys_with_one_id_the_first_counts() -> None:
    found = parse_key_set(stated(KEY, {**KEY, "n": a_key(2).jwk["n"]}))

    assert found["k1"].n == a_key(1).jwk["n"]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{}", b"[]", b'{"keys":[]}', b'{"keys":{}}', b"<html>", b"\xff", b'{"keys":' + b"[" * 10_000),
        stated(KEY) + b" " * KEY_SET_BYTES_MAX,
    ],
    ids=lambda text: str(text[:20]),
)
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidKeySet):
        parse_key_set(text)
