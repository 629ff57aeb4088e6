"""What may be a provider's key, which of a webhook's secrets sign, and that neither is printed."""

import msgspec
import pytest

from core.tenant.document import InvalidDocument
from core.tenant.sealed.opened import KEPT_MAX, OpenedKeys
from core.tenant.sealed.provider_keys import PROVIDER_KEYS, PlainKey, key_fault
from core.tenant.sealed.webhook_secrets import (
    SECRET_BYTES,
    WEBHOOK_SECRETS,
    SealedSecret,
    WebhookSecretsDocument,
    rotated,
    secret_of,
    signing_key,
)

NONE = WebhookSecretsDocument()

GOOD = {
    "openai": ["sk-proj-R2d2C3poBb8K2soIg88", "sk-R2d2C3poBb8K2soIg88L337", "0123456789abcdefABCDEF0123456789"],
    "anthropic": ["sk-ant-api03-R2d2C3poBb8K2soIg88"],
    "gemini": ["AIzaSyR2d2C3poBb8K2soIg88L337"],
}
BAD = [
    ("openai", "sk-ant-api03-R2d2C3poBb8K2soIg88", "anthropic"),
    ("groq", "xai-R2d2C3poBb8K2soIg88L337", "xai"),
    ("anthropic", "sk-proj-R2d2C3poBb8K2soIg88", "openai"),
    ("openai", "aw_live_" + "ab" * 24, "AgentWatch"),
    ("openai", "aw_test_x:sk-proj-R2d2C3poBb8K2soIg88", "AgentWatch"),
    ("openai", "your-key-goes-right-here", "issue"),
    ("openai", "sk-123", "issue"),
]


def a_secret(name: str, ends_at: int | None = None, made_at: int = 0) -> SealedSecret:
    return SealedSecret(sealed=name, last_four=name[-4:], made_at=made_at, made_by="key:a", ends_at=ends_at)


@pytest.mark.parametrize(("provider", "keys"), GOOD.items(), ids=GOOD)
def test_a_key_of_the_provider_is_taken(provider: str, keys: list[str]) -> None:
    assert [key_fault(key, provider) for key in keys] == [None] * len(keys)


@pytest.mark.parametrize(("provider", "key", "word"), BAD)
def test_obvious_nonsense_is_told_from_a_key_without_repeating_it(provider: str, key: str, word: str) -> None:
    fault = key_fault(key, provider)

    assert fault is not None and word in fault and key[:12] not in fault


@pytest.mark.parametrize(
    "key", ["", "a " * 20, "a" * 20 + "\n", "a\tb" * 10, "schlüssel" * 3, "\x7f" * 20, "x" * 19, "x" * 4_097]
)
def test_a_key_that_no_header_can_hold_is_no_key(key: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(key, PlainKey)


@pytest.mark.parametrize("kind", [PROVIDER_KEYS, WEBHOOK_SECRETS], ids=lambda kind: kind.name)
def test_a_document_that_cannot_be_read_is_no_empty_one(kind: object) -> None:
    with pytest.raises(InvalidDocument):
        kind.parse('{"keys":7,"secrets":7}')  # type: ignore[attr-defined]


def test_a_new_secret_signs_beside_the_one_before_until_that_ends() -> None:
    first = rotated(NONE, a_secret("one"), overlap_ms=1_000)
    second = rotated(first, a_secret("two", made_at=100), overlap_ms=1_000)

    assert [each.sealed for each in first.live(100)] == ["one"] and first.rotated_until(100) is None
    assert [each.sealed for each in second.live(1_099)] == ["two", "one"] and second.rotated_until(1_099) == 1_100
    assert [each.sealed for each in second.live(1_100)] == ["two"] and second.rotated_until(1_100) is None


def test_a_third_secret_ends_the_first_however_long_it_had() -> None:
    document = NONE
    for name in ("one", "two", "three"):
        document = rotated(document, a_secret(name), overlap_ms=2_592_000_000)

    assert [each.sealed for each in document.live(0)] == ["three", "two"]


def test_without_an_overlap_the_secret_before_ends_at_once() -> None:
    document = rotated(rotated(NONE, a_secret("one"), overlap_ms=0), a_secret("two"), overlap_ms=0)

    assert [each.sealed for each in document.secrets] == ["two"]


def test_a_secret_is_what_standard_webhooks_asks_for() -> None:
    secret = secret_of(bytes(range(SECRET_BYTES)))

    assert secret.startswith("whsec_")
    assert signing_key(secret) == bytes(range(SECRET_BYTES))


def test_an_opened_key_is_found_by_its_tenant_and_its_sealed_text_alone() -> None:
    opened = OpenedKeys()
    opened.put("acme", "v1.k.A", "sk-plain")

    assert opened.find("acme", "v1.k.A") == "sk-plain"
    assert opened.find("other", "v1.k.A") is None and opened.find("acme", "v1.k.B") is None
    assert "plain" not in repr(opened)


def test_no_more_opened_keys_are_kept_than_there_is_room_for() -> None:
    opened = OpenedKeys()
    for number in range(KEPT_MAX + 1):
        opened.put("acme", f"v1.k.{number}", str(number))

    assert opened.find("acme", "v1.k.0") is None and opened.find("acme", f"v1.k.{KEPT_MAX}") == str(KEPT_MAX)
