"""Dead letters are kept where a person can see them, and dealt with again when one asks."""

import asyncio
from typing import Any

import msgspec

from core.telemetry import to_wire
from dead_letters import REPLAYED_AT_ONCE_MAX, keep, replay
from services import Answer
from tests.queue_consumer.records import a_call, a_debt, a_journal, an_entry
from tests.queue_consumer.scripted_services import POISON, ScriptedServices
from verdicts import Postponed, Stored

LETTER = '{"reason":"400 22003","message":"m"}'


def letters_of(services: ScriptedServices) -> list[tuple[str, str]]:
    return [(row["reason"], row["message"]) for row in services.tables["dead_letters"].values()]


def letters_asked_for(*messages: str) -> Answer:
    rows = [{"letter_id": f"id{number}", "message": message} for number, message in enumerate(messages)]
    return Answer(200, msgspec.json.encode(rows).decode())


def asked(*messages: str) -> dict[str, Answer | list[Answer]]:
    return {"dead_letters_to_replay": letters_asked_for(*messages), "finish_replay": Answer(204, "")}


def test_each_message_is_one_row_with_its_reason() -> None:
    services = ScriptedServices()
    worn_out = to_wire(a_call())

    verdicts = asyncio.run(keep([LETTER, worn_out, None, LETTER, "a\x00b"], services))

    assert verdicts == [Stored()] * 5
    assert letters_of(services) == [
        ("400 22003", "m"),
        ("its deliveries were used up", worn_out),
        ("the message is not a text", ""),
        ("its deliveries were used up", "a\ufffdb"),
    ]


def test_letters_wait_for_a_database_that_is_away() -> None:
    services = ScriptedServices(is_database_away=True)

    assert asyncio.run(keep([LETTER], services)) == [Postponed("the database did not answer")]


def test_a_replay_is_a_delivery_and_its_outcome_is_written_down() -> None:
    services = ScriptedServices(rpc_answers=asked(to_wire(a_call(1)), to_wire(a_call(2, project=POISON))))

    done = asyncio.run(replay(services))

    assert done == {"replays": {"stored": 1, "buried": 1}}
    assert len(services.tables["llm_request_logs"]) == 1
    assert services.calls == [
        ("finish_replay", {"p_letter_id": "id0", "p_result": "stored"}),
        ("finish_replay", {"p_letter_id": "id1", "p_result": "buried again: 400 22003 value out of range"}),
    ]


def test_a_journal_whose_deliveries_were_used_up_can_be_replayed_whole() -> None:
    text = a_journal(an_entry(a_call(1)), an_entry(a_call(2, project=POISON)), an_entry(a_call(3)))
    services = ScriptedServices(rpc_answers=asked(text))

    asyncio.run(replay(services))

    assert len(services.tables["llm_request_logs"]) == 2
    assert services.calls == [
        (
            "finish_replay",
            {"p_letter_id": "id0", "p_result": "stored, but 1 of 3 buried: 400 22003 value out of range"},
        )
    ]


def a_round(number: int, **changes: Any) -> Answer:
    first = REPLAYED_AT_ONCE_MAX * number
    return letters_asked_for(*[to_wire(a_call(first + n, **changes)) for n in range(REPLAYED_AT_ONCE_MAX)])


def test_many_letters_are_replayed_by_and_by() -> None:
    answers = {**asked(), "dead_letters_to_replay": [a_round(0), a_round(1), letters_asked_for(to_wire(a_call(999)))]}
    services = ScriptedServices(rpc_answers=answers)

    assert asyncio.run(replay(services)) == {"replays": {"stored": 2 * REPLAYED_AT_ONCE_MAX + 1}}


def test_letters_that_have_to_wait_are_not_asked_for_again_at_once() -> None:
    answers = {**asked(), "dead_letters_to_replay": [a_round(0)]}
    services = ScriptedServices(rpc_answers=answers, troubles=["busy"])

    assert asyncio.run(replay(services)) == {"replays": {"postponed": REPLAYED_AT_ONCE_MAX}}


def test_what_cannot_be_dealt_with_yet_stays_asked_for() -> None:
    services = ScriptedServices(rpc_answers=asked(to_wire(a_debt())))

    assert asyncio.run(replay(services)) == {"replays": {"postponed": 1}}
    assert services.calls == []


def test_without_letters_nothing_is_done() -> None:
    assert asyncio.run(replay(ScriptedServices(rpc_answers=asked()))) == {"replays": {}}


def test_a_replay_without_the_database_says_so() -> None:
    assert asyncio.run(replay(ScriptedServices(is_database_away=True))) == {"replays": "the database did not answer"}
