"""A secret in a wrangler.toml fails the gates, by its name or by how it looks."""

import tomllib

import pytest

from local.deploy_check import no_secrets
from local.paths import ROOT
from local.processes import StackError
from local.vars_check import secrets_in

SECRETS = [
    ('vars = { OPENAI_API_KEY = "x" }', "vars.OPENAI_API_KEY"),
    ('vars = { TENANT_TOKEN_MAP = "{}" }', "vars.TENANT_TOKEN_MAP"),
    ('vars = { OPERATOR_TOKEN = "x" }', "vars.OPERATOR_TOKEN"),
    ('vars = { SUPABASE_SERVICE_ROLE_KEY = "x" }', "vars.SUPABASE_SERVICE_ROLE_KEY"),
    ('vars = { signing_secret = "x" }', "vars.signing_secret"),
    ('[env.production.vars]\nGROQ_API_KEY = "x"', "env.production.vars.GROQ_API_KEY"),
    ('[vars.providers]\nxai_key = "x"', "vars.providers.xai_key"),
    ('vars = { NOTE = "sk-ant-api03-abcdefgh" }', "vars.NOTE"),
    ('vars = { NOTE = "use aw_live_0123456789ab" }', "vars.NOTE"),
    ('vars = { NOTE = "eyJhbGciOiJIUzI1NiJ9.e30.x" }', "vars.NOTE"),
    ('vars = { NOTE = "https://hooks.slack.com/services/T/B/x" }', "vars.NOTE"),
    ('vars = { OPENAI_BASE_URL = "https://user:word@host" }', "vars.OPENAI_BASE_URL"),
    ('vars = { NOTE = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f" }', "vars.NOTE"),
    ('vars = { LIST = ["AIzaSyabcdefgh"] }', "vars.LIST.0"),
    ('[define]\nKEY = "gsk_abcdefgh"', "define.KEY"),
]


@pytest.mark.parametrize(("toml", "place"), SECRETS, ids=[place for _, place in SECRETS])
def test_a_secret_is_found_and_its_place_named(toml: str, place: str) -> None:
    assert secrets_in(tomllib.loads(toml)) == [place]


PLAIN = [
    'vars = { OPENAI_BASE_URL = "https://gateway.example/openai/v1" }',
    'vars = { HOLD_TTL_MS = "120000", PASSED_HEADERS = "x-route" }',
    'kv_namespaces = [{ binding = "AGENTWATCH_KV", id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9" }]',
]


@pytest.mark.parametrize("toml", PLAIN)
def test_what_anybody_may_see_passes(toml: str) -> None:
    assert secrets_in(tomllib.loads(toml)) == []


def test_the_deploy_gate_refuses_a_secret_without_showing_it(tmp_path):
    toml_path = tmp_path / "wrangler.toml"
    toml_path.write_text('vars = { OPENAI_API_KEY = "sk-abcdefghijkl" }')

    with pytest.raises(StackError, match=r"vars\.OPENAI_API_KEY") as refused:
        no_secrets(toml_path)

    assert "sk-abcdefghijkl" not in str(refused.value)


def test_a_request_s_signal_is_switched_on_where_callers_come_in():
    flags = tomllib.loads((ROOT / "wrangler.toml").read_text())["compatibility_flags"]

    assert "enable_request_signal" in flags
