"""A key of the caller's own goes to the provider it belongs to, and to no other."""

import pytest

from core.providers import PROVIDERS
from core.refusals import InvalidRequest
from core.tenant.credentials import read_credential
from core.tenant.provider_keys import KeyToShow, own_key_for

TOKEN = "aw_live_" + "0123456789abcdef" * 3
ANTHROPIC = "sk-ant-api03-R2d2C3poBb8K2soIg88"
OPENAI = "sk-proj-R2d2C3poBb8K2soIg88"
PLAIN = "sk-R2d2C3poBb8K2soIg88L337"
GEMINI = "AIzaSyR2d2C3poBb8K2soIg88L337"
GROQ = "gsk_R2d2C3poBb8K2soIg88L337"
XAI = "xai-R2d2C3poBb8K2soIg88L337"
OAUTH = "ya29.R2d2C3poBb8K2soIg88L337"


def shown(headers: dict[str, str], provider: str, *, query: str = "", is_in_path: bool = True) -> KeyToShow | None:
    credential = read_credential({"x-agentwatch-key": TOKEN, **headers}, query)
    assert credential is not None
    return own_key_for(credential.own_keys, provider, is_in_path=is_in_path)


OWNED = [
    ({"x-api-key": ANTHROPIC}, {"anthropic"}),
    ({"x-api-key": PLAIN}, {"anthropic"}),
    ({"x-api-key": XAI}, {"xai"}),
    ({"x-goog-api-key": GEMINI}, {"gemini"}),
    ({"x-goog-api-key": OAUTH}, {"gemini"}),
    ({"api-key": PLAIN}, {"openai"}),
    ({"authorization": f"Bearer {ANTHROPIC}"}, {"anthropic"}),
    ({"authorization": f"bearer {GEMINI}"}, {"gemini"}),
    ({"authorization": f"Bearer {GROQ}"}, {"groq"}),
    ({"authorization": f"Bearer {OPENAI}"}, {"openai"}),
    ({"authorization": f"Bearer {PLAIN}"}, set(PROVIDERS)),
    ({"authorization": f"Basic {PLAIN}"}, set()),
    ({"authorization": f"Digest {PLAIN}"}, set()),
]


@pytest.mark.parametrize(("headers", "providers"), OWNED)
def test_a_key_goes_to_its_own_provider_only(headers: dict[str, str], providers: set[str]) -> None:
    assert {provider for provider in PROVIDERS if shown(headers, provider) is not None} == providers


def test_a_key_in_the_address_is_googles() -> None:
    keys = {provider: shown({}, provider, query=f"alt=sse&key={GEMINI}") for provider in PROVIDERS}

    assert {provider for provider, key in keys.items() if key is not None} == {"gemini"}


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "openai"])
def test_a_bearer_token_stays_one(provider: str) -> None:
    key = shown({"authorization": f"Bearer {PLAIN}"}, provider)

    assert key == KeyToShow(PLAIN, "caller", is_bearer=True)


def test_of_two_keys_each_provider_gets_its_own() -> None:
    headers = {"x-api-key": ANTHROPIC, "authorization": f"Bearer {OPENAI}"}

    assert shown(headers, "anthropic") == KeyToShow(ANTHROPIC, "caller")
    assert shown(headers, "openai") == KeyToShow(OPENAI, "caller", is_bearer=True)


PLACEHOLDERS = [
    "unused",
    "placeholder",
    "sk-no-key-required",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "your-provider-key-goes-here",
    "00000000000000000000000000000000",
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
@pytest.mark.parametrize("place", ["authorization", "x-api-key", "x-goog-api-key", "api-key"])
def test_a_word_that_stands_for_a_key_is_none(place: str, value: str) -> None:
    assert [shown({place: value}, provider) for provider in PROVIDERS] == [None] * len(PROVIDERS)


@pytest.mark.parametrize("value", ["sk-own", "unused", PLAIN])
def test_behind_the_token_every_key_is_one(value: str) -> None:
    assert shown({"x-agentwatch-key": f"{TOKEN}:{value}"}, "groq") == KeyToShow(value, "caller")


@pytest.mark.parametrize("provider", ["openai", "groq", "xai", "gemini"])
def test_a_key_behind_the_token_that_another_provider_issued_is_refused(provider: str) -> None:
    with pytest.raises(InvalidRequest, match="one of anthropic"):
        shown({"x-agentwatch-key": f"{TOKEN}:{ANTHROPIC}"}, provider)


@pytest.mark.parametrize("is_in_path", [True, False])
def test_a_key_with_its_providers_name_goes_there_alone(is_in_path: bool) -> None:
    headers = {"x-agentwatch-key": f"{TOKEN}:openai={PLAIN}"}

    keys = {provider: shown(headers, provider, is_in_path=is_in_path) for provider in PROVIDERS}

    assert keys == {**dict.fromkeys(PROVIDERS), "openai": KeyToShow(PLAIN, "caller")}


UNNAMED = [
    {"x-agentwatch-key": f"{TOKEN}:{PLAIN}"},
    {"x-agentwatch-key": f"{TOKEN}:{ANTHROPIC}"},
    {"authorization": f"Bearer {PLAIN}"},
]


@pytest.mark.parametrize("headers", UNNAMED)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_where_the_model_decides_the_provider_a_key_must_say_whose_it_is(
    headers: dict[str, str], provider: str
) -> None:
    with pytest.raises(InvalidRequest, match="openai=your-key"):
        shown(headers, provider, is_in_path=False)


@pytest.mark.parametrize(("headers", "owner"), [({"x-api-key": ANTHROPIC}, "anthropic"), ({"x-goog-api-key": GEMINI}, "gemini")])  # fmt: skip
def test_where_the_model_decides_the_provider_a_providers_own_header_says_it(
    headers: dict[str, str], owner: str
) -> None:
    keys = {provider: shown(headers, provider, is_in_path=False) for provider in PROVIDERS}

    assert {provider for provider, key in keys.items() if key is not None} == {owner}


def test_no_key_is_printed() -> None:
    key = shown({"x-api-key": ANTHROPIC}, "anthropic")

    assert ANTHROPIC not in repr(key)
    assert ANTHROPIC not in repr(read_credential({"x-agentwatch-key": f"{TOKEN}:{ANTHROPIC}", "x-api-key": ANTHROPIC}))
