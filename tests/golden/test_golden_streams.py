"""Whole streams of every dialect: what the client gets, what it gets when cut, and what is charged.

Each folder holds `upstream.sse` as a provider would send it. Beside it stand `client.sse` (hold in full, an injected
usage chunk taken out), `client_cut_hard.sse` and `client_cut_soft.sse` (the money ends after twenty tokens of output),
and `result.json`.
"""

from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest

from core.refusals import UpstreamTruncated
from tests.core.wire.streams.builders import (
    CASE_IDS,
    CASES,
    REFUSAL,
    REQUEST_ID,
    Played,
    a_meter,
    hold_for,
    play,
    refuses,
)

TRUNCATED = UpstreamTruncated("the provider's stream broke off before its end")


def check(path: Path, actual: bytes, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-golden", default=False):
        path.write_bytes(actual)
    assert actual == path.read_bytes()


def cut(case: Path, *, is_soft: bool) -> tuple[bytes, Played]:
    """A stream whose money ends after twenty tokens of output."""
    meter = a_meter(case.parent.name, granted_nanousd=hold_for(case, output_tokens=20))
    played = play(meter, [(case / "upstream.sse").read_bytes()], refuses)
    refusal = REFUSAL if played.is_cut else TRUNCATED
    is_early = played.is_cut or played.result.is_truncated
    ending = meter.render_cut(refusal, REQUEST_ID, is_soft=is_soft) if is_early else b""
    return played.forwarded + ending, played


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_a_stream_reaches_the_client_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    meter = a_meter(case.parent.name, is_full=True, strips_usage=True)

    played = play(meter, [(case / "upstream.sse").read_bytes()], refuses)

    check(case / "client.sse", played.forwarded, request)


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_a_stream_is_charged_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    meter = a_meter(case.parent.name, is_full=True)

    played = play(meter, [(case / "upstream.sse").read_bytes()], refuses)

    result = asdict(played.result)
    result["usage"] = {name: count for name, count in result["usage"].items() if count}
    check(case / "result.json", msgspec.json.format(msgspec.json.encode(result)) + b"\n", request)


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
def test_a_cut_stream_ends_as_reviewed(case: Path, request: pytest.FixtureRequest) -> None:
    hard, _ = cut(case, is_soft=False)
    soft, _ = cut(case, is_soft=True)

    check(case / "client_cut_hard.sse", hard, request)
    check(case / "client_cut_soft.sse", soft, request)
