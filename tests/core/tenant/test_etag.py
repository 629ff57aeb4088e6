"""Which version a write replaces is read from `If-Match`, or asked for."""

import pytest

from core.refusals import InvalidRequest, VersionRequired
from core.tenant.etag import etag, version_to_replace

READ = [
    ('"7"', 7),
    ('W/"7"', 7),
    (' "0" ', 0),
    ("*", None),
    (etag(12), 12),
    ('"7", W/"8" ,"9"', (7, 8, 9)),
    ('"7","8"', (7, 8)),
]


@pytest.mark.parametrize(("if_match", "version"), READ)
def test_a_tag_names_the_version_it_replaces(if_match: str, version: int | tuple[int, ...] | None) -> None:
    assert version_to_replace(if_match) == version


@pytest.mark.parametrize("if_match", [None, "", "  "])
def test_a_write_without_a_tag_is_asked_for_one(if_match: str | None) -> None:
    with pytest.raises(VersionRequired) as caught:
        version_to_replace(if_match)

    assert caught.value.param == "if-match"


@pytest.mark.parametrize(
    "if_match",
    [
        "7",
        '"x"',
        '"-1"',
        '"' + "9" * 16 + '"',
        '"٧"',
        "W/*",
        "*, *",
        '"7" "8"',
        '"7",',
        ',"7"',
        '"7", *',
        '"7",' * 10 + '"7"',
    ],
)
def test_what_is_no_tag_of_ours_is_refused_by_its_header(if_match: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        version_to_replace(if_match)

    assert caught.value.param == "if-match"


def test_if_none_match_writes_only_what_nobody_has_written() -> None:
    assert version_to_replace(None, " * ") == 0


@pytest.mark.parametrize(("if_match", "if_none_match"), [(None, '"7"'), (None, ""), ('"7"', "*"), ("", "*")])
def test_if_none_match_says_nothing_else(if_match: str | None, if_none_match: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        version_to_replace(if_match, if_none_match)

    assert caught.value.param == "if-none-match"
