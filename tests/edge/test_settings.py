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
    {"GEMINI_BASE_URL": "https://user:word@x"},
    {"GROQ_BASE_URL": "http://api.groq.com/openai/v1"},
    {"GROQ_BASE_URL": "http://127.0.0.1.example.com"},
    {"GROQ_BASE_URL": "http://10.0.0.1:8080"},
    {"GROQ_BASE_URL": "HTTP://localhost.example"},
    {"XAI_BASE_URL": "https://"},
    {"XAI_BASE_URL": "https://[::1"},
    {"PASSED_HEADERS": "x-a,authorization"},
    {"PASSED_HEADERS": "content type"},
    {"ALLOW_PRIVATE_RECEIVERS": "yes"},
    {"SUPABASE_URL": "http://db.example.com"},
    {"HOLD_TTL_MS": "soon"},
    {"HOLD_TTL_MS": "0"},
    {"KEY_ENCRYPTION_KEY": "aw_live_secret"},
    {"KEY_ENCRYPTION_KEY": "k1:aw_live_secret"},
    {"TENANT_TOKEN_MAP": "{"},
    {"TENANT_TOKEN_MAP": '{"aw_live_secret": 5}'},
]


@pytest.mark.parametrize("environment", REFUSED)
def test_a_bad_value_fails_naming_its_key(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(environment))) as fault:
        parse_settings(environment)

    assert "aw_live_secret" not in str(fault.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://localhost", "http://[::1]:9", "https://10.0.0.1"])
def test_only_this_machine_is_reached_without_encryption(url: str) -> None:
    assert parse_settings({"XAI_BASE_URL": url + "/"}).base_urls["xai"] == url


def test_an_operator_names_headers_for_its_own_gateway() -> None:
    assert parse_settings({"PASSED_HEADERS": "X-Route, x-team"}).passed_headers == {"x-route", "x-team"}


def test_private_receivers_are_the_operator_s_to_allow() -> None:
    said = [parse_settings({"ALLOW_PRIVATE_RECEIVERS": text}) for text in ("", "false", "true")]

    assert [settings.allows_private_receivers for settings in said] == [False, False, True]


def test_the_first_key_seals() -> None:
    first, second = ("QUFB" * 10 + "QUE=", "QkJC" * 10 + "QkI=")

    settings = parse_settings({"KEY_ENCRYPTION_KEY": f"new:{first},old:{second}"})

    assert [(key.id, key.key) for key in settings.sealing_keys] == [("new", b"A" * 32), ("old", b"B" * 32)]
    assert "AAAA" not in repr(settings) and "QUFB" not in repr(settings)


def test_no_secret_is_printed() -> None:
    settings = parse_settings({"OPENAI_API_KEY": "sk-secret", "TENANT_TOKEN_MAP": '{"aw_live_secret": "acme"}'})

    assert "secret" not in repr(settings)


def test_the_secret_of_the_records_is_never_printed() -> None:
    secrets = {"SUPABASE_JWT_SECRET": "a-jwt-secret\n", "SUPABASE_ANON_KEY": "an-anon-key\n"}

    settings = parse_settings({"SUPABASE_URL": "https://db.example.com/", **secrets})

    assert settings.supabase_url == "https://db.example.com"
    assert (settings.supabase_jwt_secret, settings.supabase_anon_key) == (b"a-jwt-secret", "an-anon-key")
    assert "a-jwt-secret" not in repr(settings) and "an-anon-key" not in repr(settings)
