"""Digests tell the same from another, for whoever has the key, and nothing else."""

import pytest

from core.wire.steps.digests import DIGEST_BYTES, digest_key, keyed_digest, prompt_digest
from tests.core.wire.steps.transcripts import KEY

SECRETS = [b"sk-one", b"sk-two"]


def test_a_digest_is_sixteen_characters_of_the_whole_request() -> None:
    told = prompt_digest(b'{"model":"m"}', key=KEY)

    assert len(told) == 2 * DIGEST_BYTES == 16
    assert told == prompt_digest(b'{"model":"m"}', key=KEY) != prompt_digest(b'{"model":"n"}', key=KEY)


def test_a_digest_needs_its_key() -> None:
    assert prompt_digest(b"{}", key=KEY) != prompt_digest(b"{}", key=b"another")
    with pytest.raises(AssertionError):
        prompt_digest(b"{}", key=b"")


def test_kinds_of_digests_are_never_compared() -> None:
    assert keyed_digest(b"x", kind=b"step", key=KEY) != prompt_digest(b"x", key=KEY)


def test_all_isolates_of_a_deployment_have_one_key() -> None:
    assert digest_key(SECRETS, "acme") == digest_key(reversed(SECRETS), "acme")
    assert len(digest_key(SECRETS, "acme")) == 32


@pytest.mark.parametrize(
    ("secrets", "tenant"),
    [(SECRETS, "acme2"), (SECRETS[:1], "acme"), ([], "acme"), ([b"sk-onesk-two"], "acme"), ([*SECRETS, b""], "acme")],
)
def test_another_tenant_or_another_secret_makes_another_key(secrets: list[bytes], tenant: str) -> None:
    assert digest_key(secrets, tenant) != digest_key(SECRETS, "acme")


def test_a_key_shows_neither_secret_nor_tenant() -> None:
    key = digest_key(SECRETS, "acme")

    assert not [word for word in (*SECRETS, b"acme") if word in key]
