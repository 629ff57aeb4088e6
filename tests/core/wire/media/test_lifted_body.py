"""How much of a body is looked at for base64: enough for any real request, and bounded for any other."""

import pytest

from core.wire.media.lifted_body import LIFTED_MAX, LOOKED_AT_MAX, LiftedBody

PIECE = b"QUJD" * 20
WORDS = b"no base64 at all, but a sentence that is quite as long as a piece of media is"


def body_of(*strings: bytes) -> bytes:
    return b"[" + b",".join(b'"%b"' % each for each in strings) + b"]"


def test_media_behind_many_long_texts_is_lifted() -> None:
    lifted = LiftedBody(body_of(*[WORDS] * (LOOKED_AT_MAX - 1), PIECE))

    assert PIECE not in lifted.marked


@pytest.mark.parametrize(
    ("strings", "left"),
    [([PIECE] * (LIFTED_MAX + 3), 3), ([WORDS] * LOOKED_AT_MAX + [PIECE] * 2, 2)],
    ids=["behind more media than any provider takes", "behind more texts than any conversation has"],
)
def test_beyond_its_bounds_base64_stays_text(strings: list[bytes], left: int) -> None:
    body = body_of(*strings)

    lifted = LiftedBody(body)

    assert lifted.marked.count(PIECE) == left
    assert lifted.text() == body
