"""The shared vectors: every text has exactly the tags it is said to have, and its findings where they are said to be."""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest

from core.risk.finding import tags
from core.risk.finding.pattern import TooManyCandidates
from core.risk.finding.tags import find, tags_of
from core.risk.redaction import redacted
from core.risk.request_text import request_tags
from tests.core.risk.vectors import CASES, FOLDER, HITS, PLACEHOLDERS, TAGS, Case

CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@CASE
def test_a_text_has_the_tags_it_is_said_to_have(case: Case) -> None:
    assert tags_of(case.text) == case.tags


@CASE
def test_findings_are_where_they_are_said_to_be(case: Case) -> None:
    assert replaced(case.text) == case.redacted


@CASE
def test_a_text_in_the_middle_of_a_long_one_has_the_same_tags(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "WINDOW_CHARACTERS", 40_000)
    before = "so it goes, and on it goes. " * (38_000 // 28)

    assert tags_of(f"{before}\n\n{case.text}\n\n{before}") == case.tags


@pytest.mark.parametrize("shift", range(0, 17_000, 997))
def test_a_window_cuts_no_finding(shift: int) -> None:
    case = max(HITS, key=lambda case: len(case.text) if len(case.text) < 1_000 else 0)
    text = "x " * ((tags.WINDOW_CHARACTERS - shift) // 2) + case.text + " x" * 20_000

    assert [finding.tag for finding in find(text)] == list(case.tags)


def test_the_document_and_the_core_know_the_same_tags() -> None:
    assert (TAGS, PLACEHOLDERS) == (tags.TAGS, tags.PLACEHOLDERS)


@pytest.mark.parametrize("tag", TAGS)
def test_every_tag_has_hits_and_near_misses(tag: str) -> None:
    about = [case for case in CASES if case.about == tag]

    assert len([case for case in about if tag in case.tags]) >= 9
    assert len([case for case in about if tag not in case.tags]) >= 5


DOCUMENT = pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.name)


@DOCUMENT
def test_nothing_in_a_document_looks_like_a_secret_before_its_fragments_are_joined(path: Path) -> None:
    found = find(path.read_text(encoding="utf-8"))

    assert [finding for finding in found if not finding.tag.startswith("PII_")] == []


QUOTED = re.compile(r"""(["'])([A-Za-z0-9+/=_\\-]{9,})(?=\1)""")


@DOCUMENT
def test_no_string_of_a_document_is_as_mixed_as_scanners_of_repositories_take_for_a_key(path: Path) -> None:
    for _, string in QUOTED.findall(path.read_text(encoding="utf-8")):
        is_hexadecimal = not string.strip("0123456789abcdefABCDEF")
        assert bits_of_a_character(string) <= (3.0 if is_hexadecimal else 4.5), string


def bits_of_a_character(string: str) -> float:
    shares = [string.count(character) / len(string) for character in set(string)]
    return -sum(share * math.log2(share) for share in shares)


def test_findings_stand_in_order_and_none_overlaps() -> None:
    found = find("\n".join(case.text for case in CASES))

    assert all(one.end <= other.start for one, other in pairwise(found))


def replaced(text: str) -> str:
    pieces, done = [], 0
    for tag, start, end in find(text):
        pieces += [text[done:start], PLACEHOLDERS[tag]]
        done = end
    return "".join([*pieces, text[done:]])


def test_no_number_of_near_misses_hides_what_comes_after_them() -> None:
    assert tags_of("a@b.png " * 20_000 + " jane.doe@corp-mail.com") == ("PII_EMAIL",)


def test_a_text_that_is_nearly_something_all_over_is_given_up_and_never_called_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.risk.finding.pattern.CANDIDATES_MAX", 100)

    for body in (
        b'{"input": "' + b"a@b.png " * 101 + b'"}',
        b'{"input": ["' + b'","'.join([b"a@corp-mail.com "] * 101) + b'"]}',
    ):
        with pytest.raises(TooManyCandidates):
            request_tags(body)
        with pytest.raises(TooManyCandidates):
            redacted(body)
