"""Arguments are one JSON object, whatever a model wrote; and looking at them is never dangerous."""

import msgspec
import pytest

from core.wire.translation.answer import Argued, Called, Finished, Write
from core.wire.translation.call_arguments import is_object, object_text
from core.wire.translation.sequence import Sequence

DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_call_without_arguments_has_an_empty_object(text: str) -> None:
    assert object_text(text) == "{}"


@pytest.mark.parametrize("text", ["{}", '{"city": "Paris"}', ' {"a":\n1} '])
def test_an_object_stays_as_it_was_written(text: str) -> None:
    assert object_text(text) == text


@pytest.mark.parametrize("text", ['{"city": "Par', "[1]", "7", "null", '"{}"', "{}}", DEEP], ids=lambda text: text[:9])
def test_what_is_no_object_is_put_into_one(text: str) -> None:
    assert msgspec.json.decode(object_text(text)) == {"arguments": text}


def test_arguments_nested_too_deeply_to_be_looked_at_are_no_object() -> None:
    assert not is_object(DEEP)


def test_a_stream_with_such_arguments_passes_as_it_came() -> None:
    sequence = Sequence(model="m")

    told = [step for heard in (Called("0", "a", "f"), Argued("0", DEEP), Finished()) for step in sequence.hear(heard)]

    assert [step.text for step in told if isinstance(step, Write)] == [DEEP]
