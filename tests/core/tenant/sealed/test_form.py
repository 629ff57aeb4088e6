"""The form of sealed texts and of the setting with the keys: strict, unambiguous, and silent about what they hold."""

import base64

import pytest

from core.tenant.sealed.form import (
    KEYS_MAX,
    InvalidSealingKeys,
    SealingKey,
    bound_to,
    parse_sealing_keys,
    read_sealed,
    sealed_text,
    sealed_with,
)

ONE, TWO = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
BOX = bytes(range(200, 240))


def test_the_first_key_of_the_setting_is_the_first_here() -> None:
    assert parse_sealing_keys(f"new:{TWO}, old:{ONE}") == (
        SealingKey("new", b"\x02" * 32),
        SealingKey("old", b"\x01" * 32),
    )


@pytest.mark.parametrize("setting", ["", "  "])
def test_an_empty_setting_has_no_keys(setting: str) -> None:
    assert parse_sealing_keys(setting) == ()


BROKEN = {
    "no id": ONE,
    "an empty id": f":{ONE}",
    "an id with a dot": f"a.b:{ONE}",
    "16 bytes": f"k:{base64.b64encode(bytes(16)).decode()}",
    "33 bytes": f"k:{base64.b64encode(bytes(33)).decode()}",
    "no padding": f"k:{ONE.rstrip('=')}",
    "base64 for addresses": "k:" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
    "a line break": f"k:{ONE}\nx",
    "an end": f"k:{ONE},",
    "a second that is none": f"k:{ONE},{TWO}",
    "two alike": f"k:{ONE},k:{TWO}",
    "too many": ",".join(f"k{n}:{ONE}" for n in range(KEYS_MAX + 1)),
}


@pytest.mark.parametrize("setting", BROKEN.values(), ids=BROKEN)
def test_a_setting_that_is_none_says_so_and_shows_nothing_of_it(setting: str) -> None:
    with pytest.raises(InvalidSealingKeys) as raised:
        parse_sealing_keys(setting)

    assert ONE[:8] not in str(raised.value)


def test_a_key_is_not_printed() -> None:
    assert "\\x01" not in repr(parse_sealing_keys(f"k:{ONE}"))


def test_a_sealed_text_names_its_key_and_is_read_as_it_was_written() -> None:
    text = sealed_text("k-1_a", BOX)

    assert text.startswith("v1.k-1_a.") and "=" not in text
    sealed = read_sealed(text)
    assert sealed is not None and (sealed.key_id, sealed.box) == ("k-1_a", BOX)
    assert sealed_with(text) == "k-1_a"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1..AAAA",
        "v2.k." + "A" * 60,
        "v1.k",
        "v1.k." + "A" * 30,
        "v1.k." + "A" * 61,
        f"v1.k.{'A' * 60}\n",
        "v1.k.+/==",
    ],
)
def test_what_is_no_sealed_text_is_none(text: str) -> None:
    assert read_sealed(text) is None


def test_no_two_tenants_or_purposes_are_bound_alike() -> None:
    pairs = [("a", "b:c"), ("a:b", "c"), ('a","b', "c"), ("a", 'b","c'), ("ab", "c"), ("a", "bc")]

    assert len({bound_to(tenant, purpose) for tenant, purpose in pairs}) == len(pairs)
