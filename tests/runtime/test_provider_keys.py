"""A tenant's own provider key on the genuine runtime: sealed by WebCrypto, opened in two isolates, and never replaced."""

import hashlib

import httpx
import pytest

from local.stack import Stack
from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually
from tests.runtime.sealed_tenant import Tenant, a_tenant

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}
KEY = "sk-proj-T3nantsOwnK3yOnTheRuntime0"
WORKERS = "sk-mock-openai"


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    return a_tenant(stack)


def call(member: Edge, run: str, **headers: str) -> httpx.Response:
    return member.post(CHAT, BODY, x_mock_tag=run, **headers)


def keys_shown(member: Edge, run: str) -> list[str]:
    """Which of the two keys each call came with, by the provider's journal."""
    names = {hashlib.sha256(key.encode()).hexdigest(): name for key, name in ((KEY, "tenant"), (WORKERS, "worker"))}
    digests = [entry["key_sha256"] for entry in member.billed(run)]
    return [next(name for digest, name in names.items() if digest.startswith(shown)) for shown in digests]


def test_calls_are_made_with_it_in_both_isolates_until_it_is_taken_away(tenant: Tenant, run: str) -> None:
    isolates: list[dict[str, str]] = [{}, {"host": SECOND_EDGE_HOST}]
    for step in ("without", "with", "without again"):
        if step == "with":
            assert tenant.admin.put("/v1/provider-keys/openai", {"key": KEY}).status_code == 200
        if step == "without again":
            assert tenant.admin.delete("/v1/provider-keys/openai").json()["data"] == []
        assert [call(tenant.member, run, **each).status_code for each in isolates] == [200, 200]

    assert keys_shown(tenant.member, run) == ["worker"] * 2 + ["tenant"] * 2 + ["worker"] * 2


def test_it_is_sealed_wherever_it_rests(stack: Stack, tenant: Tenant, run: str) -> None:
    entry = tenant.admin.put("/v1/provider-keys/openai", {"key": KEY}).json()
    assert (entry["last_four"], entry["sealed_with"]) == (KEY[-4:], "local")
    assert call(tenant.member, run).status_code == 200

    kv_key = f"t:{tenant.name}:config"
    copy = eventually(lambda: stack.get_kv(kv_key), lambda text: text is not None and "provider_keys" in text)
    assert copy is not None and KEY not in copy and "v1.local." in copy
    assert all(KEY.encode() not in path.read_bytes() for path in stack.state_dir.rglob("*") if path.is_file())


def test_a_copy_in_kv_into_which_somebody_has_moved_a_key_stops_the_call(
    stack: Stack, tenant: Tenant, run: str
) -> None:
    tenant.admin.put("/v1/provider-keys/openai", {"key": KEY})
    kv_key = f"t:{tenant.name}:config"
    text = eventually(lambda: stack.get_kv(kv_key), lambda text: text is not None and "provider_keys" in text)
    victim = a_tenant(stack)

    stack.put_kv(f"t:{victim.name}:config", text)
    answers = [victim.member.get("/v1/proxy/openai/v1/models", x_mock_tag=run), call(victim.member, run)]

    assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [
        (503, "invalid_configuration")
    ] * 2, [each.text for each in answers]
    assert {each.json()["error"]["provider"] for each in answers} == {"openai"}
    assert victim.member.billed(run) == []


def test_all_that_is_sealed_is_sealed_anew_on_request(tenant: Tenant) -> None:
    tenant.admin.put("/v1/provider-keys/openai", {"key": KEY})

    answer = tenant.admin.post("/v1/reseal", {})

    assert answer.json()["data"] == [{"what": "provider_key:openai", "sealed_with": "local", "fault": None}]
