"""Searching costs a multiple of the text's length, whatever a stranger writes: n against 2n, for every anchor, for what
is almost a finding, and for a finding, over and over."""

from collections.abc import Callable

import pytest

from core.risk.finding.tags import _OWNERS, find
from core.risk.redaction import redacted
from core.risk.request_text import request_tags
from tests.core.risk.vectors import CASES
from tests.support.growth import least_ratio

RATIO_MAX = 3.0
"""Twice the text may take twice the time, and the machine may be disturbed. Quadratic work takes four times."""
PER_PLAIN_CHARACTER_MAX = 300
"""Times what prose costs. A pattern that looks over its whole window again and again is linear, and ruinous."""
ONCE = 30_000

ANCHORS = sorted({anchor.decode() for _, pattern in _OWNERS for anchor in pattern.anchors})
HOSTILE = {
    **{f"{anchor!r} repeated": anchor for anchor in ANCHORS},
    **{f"{anchor!r} apart": f"{anchor} " for anchor in ANCHORS},
    **{f"{anchor!r} and letters": f"{anchor}abcDEF01" for anchor in ANCHORS},
    **{f"{case.name} repeated": f"{case.text}\n" for case in CASES if case.about and len(case.text) < 2_000},
    "local part": "a.",
    "labels": "@" + "a." * 8,
    "long labels": "@" + "a" * 63 + ".",
    "user": "://" + "a" * 130,
    "user and password": "://a:" + "b" * 260,
    "settings": "server=x;pwd=<y>;",
    "settings without server": "pwd=xy;",
    "header and base64": "-----BEGIN " + "PRIVATE KEY-----" + "A" * 63 + "-",
    "header and breaks": "-----BEGIN " + "PRIVATE KEY-----" + "\n" * 100,
    "header and header lines": "-----BEGIN " + "PRIVATE KEY-----\n" + "Ab-c: d\n" * 10,
    "putty": "PuTTY-User-" + "Key-File-2: \nPrivate-Lines: 1\n",
    "digits": "4",
    "digits in fours": "4242 ",
    "digits in threes": "212-",
    "plus": "+1 ",
    "phone": "+1 2 3 4 5 6 7 ",
    "ssn": "ssn ",
    "web token": "eyJhbGciOiJIUzI1NiJ9.",
    "web tokens glued": "eyJhbGciOiJIUzI1NiJ9.eyJ",
    "dots": ".",
    "nothing visible": "\u200b",
    "nothing visible between": "a\u200b@\u200bb.",
    "full width": "４２",
    "a ligature of eighteen": "\ufdfa",
    "placeholders": "[CARD]",
    "findings side by side": "a@b.cc,",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_takes_twice_the_time(unit: str) -> None:
    once, twice = (unit * (size // len(unit) + 1) for size in (ONCE, 2 * ONCE))

    assert least_ratio(find, once, twice, enough=RATIO_MAX) < RATIO_MAX


PROSE = "so it goes, and on it goes. "


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_a_character_costs_no_more_than_so_many_of_prose(unit: str) -> None:
    prose, hostile = (each * (4 * ONCE // len(each) + 1) for each in (PROSE, unit))

    assert least_ratio(find, prose, hostile, enough=PER_PLAIN_CHARACTER_MAX) < PER_PLAIN_CHARACTER_MAX


BODIES = {
    "quotes": '"' + '\\"' * 10_000 + '"',
    "backslashes": '"' + "\\\\" * 10_000 + '"',
    "escapes": '"' + "\\u0040" * 4_000 + '"',
    "json in a string": '"[' + '\\"\\\\n\\",' * 3_000 + '1]"',
    "strings": ",".join(['"a"'] * 8_000),
    "objects": ",".join(['{"a":"b"}'] * 3_000),
    "names": "{" + ",".join(f'"n{number}":1' for number in range(3_000)) + "}",
    "lists": "[]," * 10_000 + "1",
    "depth": "[" * 15_000 + "]" * 15_000,
    "open strings": '"a\\' * 8_000,
    "findings": ",".join(['"a@b.cc"'] * 3_000),
    "base64": '"' + "QUJD" * 8_000 + '"',
    "an address": '"data:image/png;base64,' + "QUJD" * 8_000 + '"',
    "blanks": " " * 30_000,
    "numbers": "1," * 15_000 + "1",
}
FRAMES = {"text": '{"messages":[%s]}', "own data": '{"messages":[{"input":{"x":[%s]}}]}'}


@pytest.mark.parametrize("work", [request_tags, redacted], ids=["tags", "redaction"])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("inner", BODIES.values(), ids=BODIES)
def test_twice_the_body_takes_twice_the_time(work: Callable[[bytes], object], frame: str, inner: str) -> None:
    once, twice = ((frame % ",".join([inner] * times)).encode() for times in (1, 2))

    assert least_ratio(work, once, twice, enough=RATIO_MAX) < RATIO_MAX
