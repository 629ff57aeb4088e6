"""JSON that cannot be read fails in one way, whatever is wrong with it; what a provider wrote is read leniently."""

import msgspec
import pytest

from core.wire.json_text import InvalidJSON, read_json, read_leniently, says_the_same


class Shape(msgspec.Struct):
    word: str = ""
    count: int = 0
    rest: msgspec.Raw = msgspec.Raw()


decode_shape = msgspec.json.Decoder(Shape).decode

BROKEN = {
    "no UTF-8": b'{"word":"h\xff"}',
    "half a pair of surrogates": rb'{"word":"\ud83d"}',
    "half a pair before more": rb'{"word":"\ud83d and more"}',
    "number beyond a double": b'{"count":1e400}',
    "another type": b'{"word":[]}',
    "cut short": b'{"word":"h',
    "nothing": b"",
    "name that is no UTF-8": b'{"\xff":1,"word":"\xff"}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_every_fault_of_a_text_is_one_exception(text: bytes) -> None:
    with pytest.raises(InvalidJSON):
        read_json(text, Shape)


def test_a_wrong_shape_names_its_place() -> None:
    with pytest.raises(InvalidJSON) as caught:
        read_json(b'{"word":[]}', Shape)

    assert caught.value.place == "word"


LENIENT = {
    b'{"word":"h\xff","count":7}': "h�",
    rb'{"word":"\ud83d","count":7}': "�",
    rb'{"word":"\ude00\ud83d","count":7}': "��",
    rb'{"word":"\ud83d\ude00","count":7}': "😀",
    rb'{"word":"\ud83d\ude00\ud83d","count":7}': "😀�",
    rb'{"word":"\\ud83d \ud83d","count":7}': "\\ud83d �",
    rb'{"word":"\\\ud83d","count":7}': "\\�",
}


@pytest.mark.parametrize("text", LENIENT, ids=repr)
def test_what_is_no_character_is_replaced_and_the_rest_is_read(text: bytes) -> None:
    shape = read_leniently(text, decode_shape)

    assert (shape.word, shape.count) == (LENIENT[text], 7)


@pytest.mark.parametrize("text", [b'{"word":"h', b'{"count":1e400}', b"<html>", b"", b"\xff"], ids=repr)
def test_what_is_not_json_stays_unreadable(text: bytes) -> None:
    with pytest.raises(InvalidJSON):
        read_leniently(text, decode_shape)


SAME = [
    ('{"a":1,"b":[1,2]}', '{ "b": [1, 2],\n"a": 1 }'),
    ('{"a":"\\u0041"}', '{"a":"A"}'),
    ("nonsense", "nonsense"),
]
OTHER = [
    ('{"a":[1,2]}', '{"a":[2,1]}'),
    ('{"a":1}', '{"a":1.0}'),
    ('{"a":1}', '{"a":true}'),
    ('{"a":1}', '{"a":"1"}'),
    ('{"a":1}', '{"a":["1"]}'),
    ('{"a":null}', "{}"),
    ("nonsense", "other nonsense"),
    ('{"a":' + "9" * 5_000 + "}", '{"a":' + "9" * 4_999 + "8}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_blanks_and_the_order_of_members_say_nothing(one: str, other: str) -> None:
    assert says_the_same(one, other)


@pytest.mark.parametrize(("one", "other"), OTHER, ids=lambda text: text[:20])
def test_whatever_else_differs_says_something(one: str, other: str) -> None:
    assert not says_the_same(one, other)
