"""The configuration as a document on the genuine runtime: two administrators, two isolates, KV and its copy."""

import json

import httpx
import pytest

from local.stack import Stack
from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
UNPRICED = {**BODY, "model": "unheard-of"}
KV_KEY = "t:demo:config"


@pytest.fixture(scope="module")
def documents_stack(tmp_path_factory):
    state = tmp_path_factory.mktemp("documents") / "state"
    with Stack(state, with_database=False, has_gates=True, has_second_edge=True) as running:
        yield running


@pytest.fixture
def admin(documents_stack):
    return Edge(documents_stack, documents_stack.tokens["admin"])


@pytest.fixture
def isolates(documents_stack):
    """What a member asks each of the two isolates; returns status and error code."""

    def asking(host):
        token = documents_stack.tokens["live"]
        headers = {"authorization": f"Bearer {token}", **({"host": host} if host else {})}

        def ask(body):
            answer = httpx.post(documents_stack.edge_url + CHAT, json=body, headers=headers, timeout=60)
            return answer.status_code, answer.json().get("error", {}).get("code")

        return ask

    return asking(None), asking(SECOND_EDGE_HOST)


def read(admin):
    answer = admin.get("/v1/config")
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["etag"]


def write(admin, document, etag):
    return httpx.put(
        f"{admin.stack.edge_url}/v1/config", json=document, headers=admin.headers(if_match=etag), timeout=60
    )


def change(admin, **values):
    document, etag = read(admin)
    answer = write(admin, {**document, **values}, etag)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def test_of_two_administrators_one_is_told_that_the_other_was_faster(admin):
    document, etag = read(admin)

    answers = [write(admin, {**document, **values}, etag) for values in ({"budget_wait_s": 4}, {"fail_closed": True})]

    assert [answer.status_code for answer in answers] == [200, 412]
    assert answers[1].json()["error"]["present_version"] == answers[0].json()["version"]
    present, present_etag = read(admin)
    assert write(admin, {**present, "fail_closed": True}, present_etag).status_code == 200
    assert read(admin)[0].items() >= {"budget_wait_s": 4, "fail_closed": True}.items()


def test_what_lay_in_kv_by_hand_was_taken_in_and_its_copy_is_numbered(admin, documents_stack):
    versions = admin.get("/v1/config/history").json()["versions"]
    assert versions[-1]["written_by"] == "kv"
    number = change(admin, requests_per_minute=1_000_000)

    copied = eventually(lambda: json.loads(documents_stack.get_kv(KV_KEY)), lambda copy: copy.get("number") == number)
    assert copied["documents"]["config"] == read(admin)[0]


@pytest.mark.parametrize("kv", ["there", "away"])
def test_a_change_holds_from_the_next_metered_call_on_in_both_isolates(admin, isolates, documents_stack, kv):
    change(admin, unpriced_models="estimate")
    assert [ask(BODY) for ask in isolates] == [(200, None)] * 2
    documents_stack.set_gate("kv", is_open=kv == "there")

    try:
        change(admin, unpriced_models="block")
        assert [ask(UNPRICED) for ask in isolates] == [(400, "unpriced_model")] * 2
        change(admin, unpriced_models="free")
        assert [ask(BODY)[0] for ask in isolates] == [200] * 2
    finally:
        documents_stack.set_gate("kv", is_open=True)
    number = change(admin, unpriced_models="estimate")
    eventually(lambda: json.loads(documents_stack.get_kv(KV_KEY)), lambda copy: copy.get("number") == number)


def test_a_disabled_key_is_refused_at_its_next_call_in_both_isolates(admin, isolates):
    assert [ask(BODY) for ask in isolates] == [(200, None)] * 2

    change(admin, disabled_keys=["key_live"])
    assert [ask(BODY) for ask in isolates] == [(401, "invalid_token")] * 2
    change(admin, disabled_keys=[])

    assert eventually(lambda: [ask(BODY) for ask in isolates], lambda asked: asked == [(200, None)] * 2)


def test_versions_survive_the_end_of_the_process(admin, documents_stack):
    version = change(admin, budget_wait_s=9)
    documents_stack.restart_workers()

    document, etag = read(admin)
    assert (document["budget_wait_s"], etag) == (9, f'"{version}"')
    assert admin.get(f"/v1/config?version={version}").json() == document
