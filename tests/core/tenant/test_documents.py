"""A tenant's documents travel as one text with one number, and what bears no number is no copy."""

import json

import pytest

from core.tenant.document import InvalidDocument
from core.tenant.documents import (
    DOCUMENTS,
    TenantDocuments,
    copy_text,
    parse_by_hand,
    parse_copy,
    read_copy,
)
from core.tenant.policy import CONFIG, DEFAULT_POLICY


def parsed(number: int, **texts: str) -> TenantDocuments:
    copy = read_copy(copy_text(number, texts))
    assert copy is not None
    return parse_copy(copy)


def test_a_copy_brings_every_document_as_its_author_wrote_it() -> None:
    text = copy_text(7, {"config": '{ "fail_closed": true }'})

    assert json.loads(text).items() >= {"number": 7, "documents": {"config": {"fail_closed": True}}}.items()
    assert parsed(7, config='{ "fail_closed": true }').policy.fails_closed


def test_what_was_not_written_has_its_default() -> None:
    assert TenantDocuments().policy == DEFAULT_POLICY
    assert [TenantDocuments().of(kind) for kind in DOCUMENTS] == [kind.default for kind in DOCUMENTS]


def test_a_kind_of_a_newer_version_is_left_out() -> None:
    assert parsed(2, tomorrow='{"a": 1}', config="{}").policy == DEFAULT_POLICY


CHANGES = [("block", "estimate"), ('"number":7', '"number":8'), ('"config"', '"rules"'), (": ", ":")]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_copy_that_somebody_has_changed_is_none(old: str, new: str) -> None:
    text = copy_text(7, {"config": '{"unpriced_models": "block"}'})
    assert read_copy(text) is not None

    assert old in text and read_copy(text.replace(old, new)) is None


BY_HAND = [
    "{}",
    '{"fail_closed": true}',
    '{"number": 0, "documents": {}}',
    '{"number": 3}',
    '{"documents": {}}',
    "[1]",
    "{",
    "",
]


@pytest.mark.parametrize("text", BY_HAND)
def test_what_bears_no_number_is_no_copy(text: str) -> None:
    assert read_copy(text) is None


def test_a_configuration_by_hand_holds_and_has_no_number() -> None:
    documents = parse_by_hand('{"session_budget_usd": "5"}')

    assert (documents.number, documents.policy.session_limit_nanousd) == (0, 5_000_000_000)


def test_a_document_that_does_not_parse_is_named_with_its_field() -> None:
    with pytest.raises(InvalidDocument, match=r"config: .*sesion_budget_usd") as caught:
        parsed(1, config='{"sesion_budget_usd": "5"}')

    assert caught.value.param == "sesion_budget_usd"


def test_the_kinds_have_names_of_their_own() -> None:
    names = [kind.name for kind in DOCUMENTS]

    assert len(set(names)) == len(names)
    assert CONFIG in DOCUMENTS
