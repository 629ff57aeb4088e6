"""With the key that tenants share, a call reaches nothing another tenant may have stored."""

from dataclasses import replace

import pytest

from core.refusals import SharedAccount
from core.tenant.shared_account import refuse_shared_references, refuse_shared_references_in
from core.wire.facts import ParsedCall, PromptSize

CALL = ParsedCall(model="gpt-4o-mini", is_streaming=False, prompt=PromptSize(1), output_tokens_max=10)
CONTINUED = replace(
    CALL,
    prompt=PromptSize(1, earlier_answers=1),
    stored_references=("previous_response_id",),
    earlier_answers=("resp_1",),
)

REFUSED = [
    (replace(CALL, stored_references=("file_id",)), "responses", "file_id"),
    (replace(CONTINUED, stored_references=("previous_response_id", "file_id")), "responses", "file_id"),
    (replace(CONTINUED, earlier_answers=()), "responses", "previous_response_id"),
    (replace(CONTINUED, earlier_answers=("r" * 257,)), "responses", "previous_response_id"),
    (replace(CONTINUED, prompt=PromptSize(1, earlier_answers=2)), "responses", "previous_response_id"),
    (replace(CALL, model="ft:gpt-4o-mini:acme::x"), "responses", "model"),
    (CALL, "v1beta/tunedModels/x:generateContent", "model"),
]


@pytest.mark.parametrize(("parsed", "path", "member"), REFUSED)
def test_what_is_stored_under_the_shared_account_is_refused_by_name(parsed: ParsedCall, path: str, member: str) -> None:
    with pytest.raises(SharedAccount, match=member) as refused:
        refuse_shared_references(parsed, path=path)

    assert refused.value.param == member


@pytest.mark.parametrize("parsed", [CALL, CONTINUED], ids=["refers to nothing", "names the answer it continues"])
def test_what_is_nobody_s_or_the_ledger_s_to_judge_passes(parsed: ParsedCall) -> None:
    refuse_shared_references(parsed, path="responses")


COUNTED = [
    (b'{"model":"m","input":"hi","previous_response_id":"resp_1"}', "previous_response_id"),
    (b'{"model":"m","input":"hi","conversation":{"id":"conv_1"}}', "conversation"),
    (b'{"model":"m","input":[{"type":"item_reference","id":"msg_1"}]}', "id"),
    (b'{"model":"m","prompt":{"id":"pmpt_1"}}', "prompt"),
    (b'{"model":"m","messages":[{"content":[{"source":{"type":"file","file_id":"file_1"}}]}]}', "file_id"),
    (b'{"contents":[],"cachedContent":"cachedContents/x"}', "cachedContent"),
    (b'{"model":"ft:gpt-4o-mini:acme::x","input":"hi"}', "model"),
    (b'{"generateContentRequest":{"model":"tunedModels/x","contents":[]}}', "model"),
]


@pytest.mark.parametrize(("body", "member"), COUNTED)
def test_nobody_counts_what_is_stored_under_the_shared_account(body: bytes, member: str) -> None:
    with pytest.raises(SharedAccount) as refused:
        refuse_shared_references_in(body, path="responses/input_tokens")

    assert refused.value.param == member


@pytest.mark.parametrize("body", [b'{"input":"hi"}', b'{"contents":[{"parts":[{"text":"hi"}]}]}', b'{"thread":null}'])
def test_what_is_in_the_request_is_counted(body: bytes) -> None:
    refuse_shared_references_in(body, path="responses/input_tokens")


def test_nobody_counts_by_what_a_tenant_has_taught_a_model() -> None:
    with pytest.raises(SharedAccount) as refused:
        refuse_shared_references_in(b'{"contents":[]}', path="v1beta/tunedModels/x:countTokens")

    assert refused.value.param == "model"
