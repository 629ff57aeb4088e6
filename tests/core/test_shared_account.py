"""With the key that tenants share, a call reaches nothing another tenant may have stored."""

from dataclasses import replace

import pytest

from core.calls import ParsedCall, PromptSize
from core.refusals import SharedAccount
from core.shared_account import refuse_shared_references

CALL = ParsedCall(model="gpt-4o-mini", is_streaming=False, prompt=PromptSize(1), output_tokens_max=10)
CONTINUED = replace(CALL, stored_references=("previous_response_id",), earlier_answers=("resp_1",))


def judge(
    parsed: ParsedCall, *, path: str = "responses", is_own_key: bool = False, allows: bool = False, known: str = ""
) -> None:
    refuse_shared_references(
        parsed,
        path=path,
        is_own_key=is_own_key,
        allows_unmetered_paths=allows,
        known_ids=frozenset(known.split()),
    )


REFUSED = [
    (replace(CALL, stored_references=("file_id",)), "responses", "file_id"),
    (CONTINUED, "responses", "previous_response_id"),
    (replace(CONTINUED, stored_references=()), "responses", "an earlier answer"),
    (replace(CALL, model="ft:gpt-4o-mini:acme::x"), "responses", "model"),
    (CALL, "v1beta/tunedModels/x:generateContent", "model"),
]


@pytest.mark.parametrize(("parsed", "path", "member"), REFUSED)
def test_what_is_stored_under_the_shared_account_is_refused_by_name(parsed: ParsedCall, path: str, member: str) -> None:
    with pytest.raises(SharedAccount, match=member) as refused:
        judge(parsed, path=path)

    assert refused.value.param == member


@pytest.mark.parametrize(("parsed", "path"), [case[:2] for case in REFUSED])
def test_with_its_own_key_a_caller_reaches_its_own_account(parsed: ParsedCall, path: str) -> None:
    judge(parsed, path=path, is_own_key=True)


@pytest.mark.parametrize(("parsed", "path"), [case[:2] for case in REFUSED])
def test_a_tenant_that_lets_unmetered_paths_through_has_the_account_to_itself(parsed: ParsedCall, path: str) -> None:
    judge(parsed, path=path, allows=True)


def test_an_answer_that_this_tenant_made_may_be_continued() -> None:
    judge(CONTINUED, known="resp_0 resp_1")


def test_a_known_answer_opens_no_file() -> None:
    with pytest.raises(SharedAccount, match="file_id"):
        judge(replace(CONTINUED, stored_references=("previous_response_id", "file_id")), known="resp_1")


def test_of_two_answers_both_must_be_known() -> None:
    with pytest.raises(SharedAccount):
        judge(replace(CONTINUED, earlier_answers=("resp_1", "resp_2")), known="resp_1")


def test_a_call_that_refers_to_nothing_passes() -> None:
    judge(CALL)
