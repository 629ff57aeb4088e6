"""`analyze_text`: the tags of the shared vectors, none in ordinary text, linear time, and no error of its own."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable

import pytest
from risk_vectors import CANARY, FOLDER, ORDINARY, TAGGED, TAGS

from agentwatch.finding import (
    azure_keys,
    credentials,
    email,
    member_names,
    numbers,
    pattern,
    plain_text,
    tags,
    tokens,
)
from agentwatch.risk import analyze_text

RATIO_MAX = 3.0
"""Twice the text may take twice the time, and the machine may be disturbed. Quadratic work takes four times."""
ONCE = 30_000
RUNS = 3


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in TAGGED], ids=[case[0] for case in TAGGED])
def test_a_text_has_the_tags_of_the_vectors(text: str, said: list[str]) -> None:
    assert analyze_text(text) == said


@pytest.mark.parametrize("text", [text for _, text in ORDINARY], ids=[name for name, _ in ORDINARY])
def test_ordinary_text_has_no_tags(text: str) -> None:
    assert analyze_text(text) == []


def test_tags_come_in_their_published_order_and_each_once() -> None:
    together = "\n\n".join(text for _, text, said in reversed(TAGGED) if said)

    assert analyze_text(together) == TAGS
    assert analyze_text(f"{CANARY} and {CANARY}") == ["PII_EMAIL"]


@pytest.mark.parametrize("value", [None, 5, b"bob@corp-mail.com", ["bob@corp-mail.com"]])
def test_what_is_no_string_is_a_type_error_that_does_not_quote_it(value: object) -> None:
    with pytest.raises(TypeError) as error:
        analyze_text(value)  # type: ignore[arg-type]

    assert "corp-mail" not in str(error.value)


def test_a_text_that_is_nearly_something_all_over_has_what_was_found_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "CANDIDATES_MAX", 100)
    near_misses = "a@b.png " * 200

    assert analyze_text(f"{CANARY} {near_misses}") == ["PII_EMAIL"]
    assert analyze_text(f"{near_misses} {CANARY}") == []


@pytest.mark.parametrize("text", ["", "\x00", "\ud800 bob", "\ud800" * 50 + CANARY, "\U0010ffff" * 3, "a" * 300_000])
def test_no_text_is_an_error(text: str) -> None:
    assert analyze_text(text) == (["PII_EMAIL"] if CANARY in text else [])


ANCHORS = sorted({anchor.decode() for _, each in tags._OWNERS for anchor in each.anchors})
HOSTILE = {
    **{f"{anchor!r} repeated": anchor for anchor in ANCHORS},
    **{f"{anchor!r} and letters": f"{anchor}abcDEF01" for anchor in ANCHORS},
    **{f"{name} repeated": f"{text}\n" for name, text, _ in TAGGED if "not: " in name and len(text) < 500},
    "labels": "@" + "a." * 8,
    "user and password": "://a:" + "b" * 260,
    "web token": "eyJhbGciOiJIUzI1NiJ9.",
    "reserved": "a@b.example ",
    "nothing visible": "\u200b",
    "a ligature of eighteen": "\ufdfa",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_takes_twice_the_time(unit: str) -> None:
    once, twice = (unit * (size // len(unit) + 1) for size in (ONCE, 2 * ONCE))

    assert least_ratio(analyze_text, once, twice) < RATIO_MAX


def least_ratio(work: Callable[[str], object], once: str, twice: str) -> float:
    """Measured anew where the machine was disturbed: one run in quiet is enough to show that the growth is linear."""
    ratio = RATIO_MAX
    for _ in range(4):
        if ratio >= RATIO_MAX:
            ratio = seconds(work, twice) / max(seconds(work, once), 20e-6)
    return ratio


def seconds(work: Callable[[str], object], text: str) -> float:
    least = float("inf")
    gc.disable()
    for _ in range(RUNS):
        begun = time.process_time()
        work(text)
        least = min(least, time.process_time() - begun)
    gc.enable()
    return least


def test_no_pattern_has_what_python_3_10_does_not_know() -> None:
    parser = pytest.importorskip("re._parser")
    modules = (azure_keys, credentials, email, member_names, numbers, plain_text, tags, tokens)
    patterns = [each.expression for _, each in tags._OWNERS]
    patterns += [each for module in modules for each in vars(module).values() if isinstance(each, re.Pattern)]

    assert len(patterns) > 50
    for each in patterns:
        operations = repr(parser.parse(each.pattern, each.flags))
        assert "POSSESSIVE" not in operations and "ATOMIC" not in operations, each.pattern


@pytest.mark.parametrize("name", ["risk_tags.json", "request_texts.json", "ordinary_text.json"])
def test_no_vector_looks_like_a_secret_before_its_fragments_are_joined(name: str) -> None:
    found = analyze_text((FOLDER / name).read_text(encoding="utf-8"))

    assert [tag for tag in found if not tag.startswith("PII_")] == []
