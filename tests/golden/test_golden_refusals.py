"""Every refusal as each family of clients gets it: `refusals/{code}.json` has the status, the headers and the bodies."""

from pathlib import Path

import msgspec
import pytest

from core.refusals import Refusal
from core.wire.dialects import DIALECTS, refusal_headers
from tests.core.wire.dialects.refusal_samples import REQUEST_ID, SAMPLES

FOLDER = Path(__file__).parent / "refusals"
FAMILIES = ("openai_chat", "anthropic_messages", "gemini")


@pytest.mark.parametrize("refusal", SAMPLES, ids=lambda refusal: refusal.code)
def test_a_refusal_is_written_as_reviewed(refusal: Refusal, request: pytest.FixtureRequest) -> None:
    bodies = {name: msgspec.Raw(DIALECTS[name].render_refusal(refusal, REQUEST_ID)) for name in FAMILIES}

    written = {"status": refusal.status, "headers": refusal_headers(refusal), "bodies": bodies}
    actual = msgspec.json.format(msgspec.json.encode(written)) + b"\n"

    path = FOLDER / f"{refusal.code}.json"
    if request.config.getoption("--rewrite-golden", default=False):
        path.write_bytes(actual)
    assert actual == path.read_bytes()


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_dialect_writes_its_family_s_body(name: str) -> None:
    family = {"anthropic_messages": "anthropic_messages", "gemini": "gemini", "gemini_embed": "gemini"}

    body = DIALECTS[name].render_refusal(SAMPLES[0], REQUEST_ID)

    assert body == DIALECTS[family.get(name, "openai_chat")].render_refusal(SAMPLES[0], REQUEST_ID)


def test_no_refusal_is_forgotten() -> None:
    assert {type(sample) for sample in SAMPLES} == set(Refusal.__subclasses__())
    assert {path.stem for path in FOLDER.glob("*.json")} == {sample.code for sample in SAMPLES}
