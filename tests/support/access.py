"""Cloudflare Access as a test plays it: a team with keys of its own, and assertions of every kind, good and bad."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.memory_ports import START_MS, World
from tests.support.rsa import PrivateKey, a_key, base64url

TEAM = "https://team.example"
AUDIENCE = "a1" * 32
OTHER_AUDIENCE = "b2" * 32
"""Of another tenant's application."""

SETTINGS = {
    "ACCESS_TEAM_DOMAIN": TEAM,
    "ACCESS_APPLICATIONS": json.dumps({AUDIENCE: "acme", OTHER_AUDIENCE: "other"}),
}
ASSERTION = "cf_access_jwt_assertion"

NOW_S = START_MS // 1_000


class _Absent:
    def __repr__(self) -> str:
        return "absent"  # the same in every process: it is in the names of tests


ABSENT = _Absent()

ALICE = {
    "aud": [AUDIENCE],
    "email": "alice@example.com",
    "exp": NOW_S + 3_600,
    "iat": NOW_S - 600,
    "nbf": NOW_S - 600,
    "iss": TEAM,
    "type": "app",
    "identity_nonce": "6ei69kawdKzMIAPF",
    "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
    "country": "DE",
}
"""What Access says of a user, in the shape in which it does."""

ROBOT = {
    "type": "app",
    "aud": AUDIENCE,
    "exp": NOW_S + 3_600,
    "iss": TEAM,
    "common_name": "e367826f93b8d71185e03fe518aff3b4.access",
    "iat": NOW_S - 600,
    "sub": "",
}
"""And of a service token."""


def claims(of: Mapping[str, Any] = ALICE, **changes: Any) -> str:
    """With `ABSENT` a claim is left out."""
    return json.dumps({name: value for name, value in {**of, **changes}.items() if value is not ABSENT})


def header(**changes: Any) -> str:
    return json.dumps(
        {name: value for name, value in {"alg": "RS256", "kid": "k1", **changes}.items() if value is not ABSENT}
    )


def token(said: str | bytes | None = None, *, head: str | None = None, key: PrivateKey | None = None) -> str:
    """A token of this header and these claims, word by word, signed by the team's first key or by another."""
    said = claims() if said is None else said
    parts = [base64url((header() if head is None else head).encode()), base64url(_bytes(said))]
    signature = (key or a_key(1)).sign(".".join(parts).encode())
    return ".".join([*parts, base64url(signature)])


def key_set(**keys: PrivateKey) -> bytes:
    """As Access states them, with what it states beside them."""
    stated = [{"kid": name, "alg": "RS256", "use": "sig", **key.jwk} for name, key in keys.items()]
    return json.dumps({"keys": stated, "public_cert": {"kid": "", "cert": ""}, "public_certs": []}).encode()


def a_world_with_access(config: Mapping[str, Any]) -> World:
    world = World(config)
    world.key_set = key_set(k1=a_key(1))
    return world


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
