"""Which version a write replaces is read from `If-Match`, or asked for."""

import pytest

from core.refusals import InvalidRequest, VersionRequired
from core.tenant.etag import etag, version_to_replace

READ = [('"7"', 7), ('W/"7"', 7), (' "0" ', 0), ("*", None), (etag(12), 12)]


@pytest.mark.parametrize(("if_match", "version"), READ)
def test_a_tag_names_the_version_it_replaces(if_match: str, version: int | None) -> None:
    assert version_to_replace(if_match) == version


@pytest.mark.parametrize("if_match", [None, "", "  "])
def test_a_write_without_a_tag_is_asked_for_one(if_match: str | None) -> None:
    with pytest.raises(VersionRequired) as caught:
        version_to_replace(if_match)

    assert caught.value.param == "if-match"


@pytest.mark.parametrize("if_match", ["7", '"7", "8"', '"x"', '"-1"', '"' + "9" * 16 + '"', '"٧"', "W/*"])
def test_what_is_no_tag_of_ours_is_refused_by_its_header(if_match: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        version_to_replace(if_match)

    assert caught.value.param == "if-match"
