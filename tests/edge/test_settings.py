"""Settings parse once, fail by name, and never print a secret."""

import pytest

from settings import InvalidSetting, parse_settings


def test_an_empty_environment_leads_to_the_real_providers() -> None:
    settings = parse_settings({})

    assert settings.base_urls["openai"] == "https://api.openai.com/v1"
    assert settings.provider_keys == {}


def test_base_urls_and_keys_are_replaceable() -> None:
    settings = parse_settings({"OPENAI_BASE_URL": "http://127.0.0.1:9/openai/v1/", "OPENAI_API_KEY": "sk-1"})

    assert settings.base_urls["openai"] == "http://127.0.0.1:9/openai/v1"
    assert settings.provider_keys == {"openai": "sk-1"}


REFUSED = [
    {"OPENAI_BASE_URL": "ftp://x"},
    {"GEMINI_BASE_URL": "https://x?key=1"},
    {"HOLD_TTL_MS": "soon"},
    {"HOLD_TTL_MS": "0"},
    {"TENANT_TOKEN_MAP": "{"},
    {"TENANT_TOKEN_MAP": '{"aw_live_secret": 5}'},
]


@pytest.mark.parametrize("environment", REFUSED)
def test_a_bad_value_fails_naming_its_key(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(environment))) as fault:
        parse_settings(environment)

    assert "aw_live_secret" not in str(fault.value)


def test_no_secret_is_printed() -> None:
    settings = parse_settings({"OPENAI_API_KEY": "sk-secret", "TENANT_TOKEN_MAP": '{"aw_live_secret": "acme"}'})

    assert "secret" not in repr(settings)
