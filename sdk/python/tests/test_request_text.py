"""Which strings are searched in what the clients take and give, and that an agent's history is searched once."""

from __future__ import annotations

import base64
import copy
import random
import threading
import time
from collections import UserDict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from risk_vectors import CANARY, PLACES

from agentwatch import request_text
from agentwatch.request_text import SeenMessages, risk_tags_of, texts_of


def a_request(*contents: object) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content} for content in contents]}


def texts(value: object) -> list[str]:
    return list(texts_of(value))


class Searched:
    """Characters that were searched, and not remembered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = 0
        search = request_text.tags_of

        def noted(text: str, *arguments: Any) -> tuple[str, ...]:
            self.characters += len(text)
            return search(text, *arguments)

        monkeypatch.setattr(request_text, "tags_of", noted)
        monkeypatch.setattr(request_text, "_seen", SeenMessages())


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Searched:
    return Searched(monkeypatch)


# Places ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "is_read"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_what_a_model_reads_is_a_text_and_nothing_else(body: dict[str, Any], is_read: bool) -> None:
    before = copy.deepcopy(body)

    assert any(CANARY in text for text in texts_of(body)) == is_read
    assert risk_tags_of(body) == (("PII_EMAIL",) if is_read else ())
    assert body == before


def test_texts_come_in_their_order() -> None:
    body = {"instructions": "a", "messages": [{"content": [{"text": "b"}, {"text": "c"}]}, {"content": "d"}], "x": "e"}

    assert texts(body) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("value", [CANARY, [CANARY], (CANARY,), {"content": CANARY}, [[CANARY]]])
def test_a_part_of_a_request_may_be_given_alone(value: object) -> None:
    assert (texts(value), risk_tags_of(value)) == ([CANARY], ("PII_EMAIL",))


@pytest.mark.parametrize("value", [None, 5, 1.5, True, b"bob@corp-mail.com", object(), {}, [], ""])
def test_what_holds_no_text_has_none(value: object) -> None:
    assert (texts(value), risk_tags_of(value)) == ([], ())


def test_neighbours_do_not_fuse() -> None:
    assert risk_tags_of(a_request([{"type": "text", "text": "42424242"}, {"type": "text", "text": "42424242"}])) == ()
    assert risk_tags_of(["4242 4242 ", "4242 4242"]) == ()


def test_a_key_in_a_list_of_lines_is_found() -> None:
    lines = ["-----BEGIN " + "PRIVATE KEY-----", *["abcdefgh01234567" * 4] * 3, "-----END " + "PRIVATE KEY-----"]

    assert risk_tags_of(a_request([{"type": "tool_use", "input": {"lines": lines}}])) == ("SECRET_SSH_KEY",)
    assert risk_tags_of(lines) == ("SECRET_SSH_KEY",)


def test_a_name_tells_what_its_value_is_and_is_no_finding_itself() -> None:
    def tags_of_input(arguments: dict[str, object]) -> tuple[str, ...]:
        return risk_tags_of(a_request([{"type": "tool_use", "input": arguments}]))

    assert tags_of_input({"ssn": "536221234"}) == ("PII_SSN",)
    assert tags_of_input({"row": "536221234"}) == ()
    assert tags_of_input({"ssn 536-22-1234 of bob@corp-mail.com": 1}) == ()


def test_tags_of_several_messages_come_in_their_published_order() -> None:
    assert risk_tags_of(a_request("4242 4242 4242 4242", "536-22-1234", CANARY)) == (
        "PII_EMAIL",
        "PII_SSN",
        "FINANCIAL_CREDIT_CARD",
    )


# Objects -----------------------------------------------------------------------------------------------------------


class Function(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    arguments: str


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    content: str | list[Message] | None = None
    function: Function | None = None


@pytest.mark.parametrize(
    ("message", "is_read"),
    [
        (Message(id="x", content=CANARY), True),
        (Message(id="x", content=[Message(id="y", content=CANARY)]), True),
        (Message(id="x", function=Function(name="f", arguments='{"to":"bob\\u0040corp-mail.com"}')), True),
        (Message.model_validate({"id": "x", "reasoning": CANARY}), True),
        (Message.model_construct(id="x", content={"text": CANARY}), True),  # type: ignore[arg-type]
        (Message(id=CANARY), False),
        (Message(id="x", function=Function(name=CANARY, arguments="")), False),
        (Message.model_validate({"id": "x", "call_id": CANARY}), False),
    ],
    ids=["field", "in a list", "arguments", "unknown field", "constructed", "id", "name", "unknown id"],
)
def test_a_model_is_read_by_its_fields(message: Message, is_read: bool) -> None:
    wanted = ("PII_EMAIL",) if is_read else ()

    assert risk_tags_of(message) == wanted
    assert risk_tags_of({"messages": [message]}) == wanted


def test_a_model_of_pydantic_1_is_read_by_its_fields() -> None:
    v1 = pytest.importorskip("pydantic.v1")
    old = v1.create_model("Old", id=(str, ...), content=(str, ...))

    assert texts({"messages": [old(id="x", content=CANARY)]}) == [CANARY]


def test_a_class_of_models_is_no_message() -> None:
    assert texts({"response_format": Message}) == []


def test_mappings_of_other_kinds_are_read() -> None:
    assert texts({"messages": [UserDict({"content": CANARY})]}) == [CANARY]


def test_a_generator_is_not_consumed_nor_a_file_read() -> None:
    left = (part for part in [CANARY])

    assert texts({"messages": left, "file": open(__file__, "rb")}) == []  # noqa: SIM115
    assert next(left) == CANARY


class Broken(Mapping[str, object]):
    def __getitem__(self, name: str) -> object:
        raise RuntimeError("user's own")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("user's own")

    def __len__(self) -> int:
        return 1


def test_an_object_that_raises_disturbs_no_call() -> None:
    assert risk_tags_of({"messages": [Broken()]}) == ()


def test_lists_and_objects_may_be_within_themselves() -> None:
    knot: dict[str, Any] = {"content": CANARY}
    knot["again"] = [knot, knot]

    assert risk_tags_of({"messages": [knot]}) == ("PII_EMAIL",)


def test_a_request_that_is_changed_meanwhile_is_no_error() -> None:
    body = a_request(CANARY)

    for text in texts_of(body):
        body["messages"].append({"content": text})
        body["more"] = text

    assert len(body["messages"]) == 2


# Bounds ------------------------------------------------------------------------------------------------------------

MEDIA = base64.b64encode(random.Random(1).randbytes(3_750_000)).decode()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{MEDIA}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MEDIA}},
        {"type": "input_audio", "input_audio": {"data": MEDIA, "format": "wav"}},
        {"type": "input_file", "filename": "x.pdf", "file_data": MEDIA},
        {"type": "brand_new", "blob": MEDIA},
        {"type": "tool_use", "input": {"picture": f"data:image/png;base64,{MEDIA}"}},
    ],
    ids=lambda part: str(part["type"]),
)
def test_a_picture_is_neither_searched_nor_read(part: dict[str, object], searched: Searched) -> None:
    assert risk_tags_of(a_request([part, {"type": "text", "text": CANARY}])) == ("PII_EMAIL",)
    assert searched.characters < 100


def test_a_picture_of_twice_the_size_takes_the_same_time() -> None:
    def least_seconds(data: str) -> float:
        body, least = a_request([{"source": {"data": data}}]), float("inf")
        for _ in range(20):
            begun = time.process_time()
            risk_tags_of(body)
            least = min(least, time.process_time() - begun)
        return least

    assert least_seconds(MEDIA) < 10 * max(least_seconds(MEDIA[:10_000]), 20e-6)


def test_no_more_characters_are_read_than_a_model_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_text, "CHARACTERS_MAX", 1_000)

    assert sum(map(len, texts_of(a_request(*["so it goes "] * 1_000)))) == 1_000
    assert sum(map(len, texts_of("so it goes " * 1_000))) == 1_000


def test_depth_and_number_of_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = CANARY
    for _ in range(5_000):
        deep = [deep]

    assert texts({"messages": deep}) == []
    monkeypatch.setattr(request_text, "VALUES_MAX", 100)
    assert len(texts(["x"] * 1_000)) == 100


def test_numbers_do_not_count_as_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_text, "VALUES_MAX", 100)

    assert texts({"input": [*range(1_000), CANARY]}) == [CANARY]


def test_a_message_that_is_nearly_something_all_over_has_what_was_found_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_text, "CANDIDATES_MAX", 100)
    monkeypatch.setattr(request_text, "_seen", SeenMessages())

    assert risk_tags_of(a_request(f"{CANARY} " + "a@b.png " * 200, "536-22-1234")) == ("PII_EMAIL", "PII_SSN")


# What was searched before ------------------------------------------------------------------------------------------


def characters_of_an_agent(turns: int, searched: Searched) -> int:
    """Each turn sends all earlier ones again, as new objects."""
    history: list[dict[str, object]] = []
    searched.characters = 0
    for turn in range(turns):
        history += [
            {"role": "user", "content": f"{turn}: so it goes. " * 40},
            {"role": "assistant", "tool_calls": [{"id": f"c{turn}", "function": {"arguments": f'{{"n": {turn}}}'}}]},
            {"role": "tool", "tool_call_id": f"c{turn}", "content": f"{turn}: and on it goes. " * 40},
        ]
        risk_tags_of({"model": "m", "messages": copy.deepcopy(history)})
    return searched.characters


def test_an_agents_history_is_searched_once(searched: Searched) -> None:
    of_30_turns = characters_of_an_agent(30, searched)
    of_30_more = characters_of_an_agent(60, searched)  # the first thirty are known by then

    assert of_30_more == pytest.approx(of_30_turns, rel=0.1)


def test_a_known_message_has_its_tags_again(searched: Searched) -> None:
    assert [risk_tags_of(a_request(CANARY, "x")) for _ in range(3)] == [("PII_EMAIL",)] * 3
    assert searched.characters == len(CANARY) + 1


def test_a_message_that_changed_is_searched_again(searched: Searched) -> None:
    body = a_request("x")

    assert risk_tags_of(body) == ()
    body["messages"][0]["content"] = CANARY
    assert risk_tags_of(body) == ("PII_EMAIL",)


def test_no_more_messages_are_known_than_two_generations() -> None:
    seen = SeenMessages(messages_max=10)

    for number in range(1_000):
        seen.tags_of(f"message {number}")
        assert seen.tags_of(CANARY) == ("PII_EMAIL",)

    assert len(seen) <= 20


def test_what_is_known_holds_no_text() -> None:
    seen = SeenMessages()
    seen.tags_of(f"so it goes {CANARY}")

    assert "corp" not in repr(vars(seen))


def test_threads_share_what_is_known() -> None:
    seen, wrong = SeenMessages(messages_max=50), []

    def work(start: int) -> None:
        for number in range(start, start + 400):
            message = f"{number % 70}: {CANARY if number % 2 else 'x'}"
            if seen.tags_of(message) != (("PII_EMAIL",) if number % 2 else ()):
                wrong.append(message)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(seen) <= 100 + len(threads)
