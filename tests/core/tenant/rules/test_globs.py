"""Patterns know `*` and `?` alone, and no name makes one of them slow."""

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tenant.rules.globs import Glob, compile_glob, compile_globs
from tests.support.growth import least_seconds

SMALL = st.text("ab/", max_size=10)
PATTERNS = st.text("ab/*?", min_size=1, max_size=8)


def as_regex(pattern: str) -> re.Pattern[str]:
    """What a pattern means, for a matcher that may be slow."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)


@given(PATTERNS, SMALL)
def test_a_pattern_matches_what_its_regular_expression_does(pattern: str, text: str) -> None:
    expected = as_regex(pattern).fullmatch(text) is not None

    assert compile_glob(pattern).matches(text) == expected
    assert compile_globs([pattern]).match_any([text]) == expected


@given(st.lists(PATTERNS, min_size=1, max_size=4), st.lists(SMALL, max_size=3))
def test_of_several_patterns_and_names_one_of_each_is_enough(patterns: list[str], texts: list[str]) -> None:
    expected = any(as_regex(pattern).fullmatch(text) for pattern in patterns for text in texts)

    assert compile_globs(patterns).match_any(texts) == expected


CASES = [
    ("gpt-*", "gpt-4o", True),
    ("GPT-*", "gpt-4o", True),
    ("gpt-[45]*", "gpt-4o", False),
    ("gpt-[45]*", "gpt-[45]o", True),
    ("gpt-4o", "gpt-4o\n", False),
    ("*", "", True),
    ("**", "anything\nat all", True),
    ("?", "", False),
    ("o?-mini", "o3-mini", True),
    ("a.c", "abc", False),
    ("\u212a*", "kelvin", False),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_nothing_but_two_characters_is_special(pattern: str, text: str, expected: bool) -> None:
    assert compile_globs([pattern]).match_any([text]) is expected


HOSTILE = ["*" + "a*" * 12 + "b", "*" + "a?" * 12 + "*b", "*a?a*a?a*b*c"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_twice_the_name_takes_twice_the_time(pattern: str) -> None:
    glob = compile_glob(pattern)
    seconds = [least_seconds(partial(misses, glob), "a" * length) for length in (20_000, 40_000)]

    assert seconds[1] < 4 * seconds[0] + 0.001


def misses(glob: Glob, name: str) -> None:
    for _ in range(3):
        assert not glob.matches(name)
