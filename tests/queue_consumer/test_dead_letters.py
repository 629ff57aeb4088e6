"""Dead letters are kept where a person can see them, and dealt with again when one asks."""

import asyncio

import msgspec

from core.telemetry import to_wire
from dead_letters import keep, replay
from services import Answer
from tests.queue_consumer.records import a_call, a_debt
from tests.queue_consumer.scripted_services import POISON, ScriptedServices
from verdicts import Postponed, Stored

LETTER = '{"reason":"400 22003","message":"m"}'


def letters_of(services: ScriptedServices) -> list[tuple[str, str]]:
    return [(row["reason"], row["message"]) for row in services.tables["dead_letters"].values()]


def asked(*messages: str) -> dict[str, Answer]:
    rows = [{"letter_id": f"id{number}", "message": message} for number, message in enumerate(messages)]
    return {"dead_letters_to_replay": Answer(200, msgspec.json.encode(rows).decode()), "finish_replay": Answer(204, "")}


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


def test_what_cannot_be_dealt_with_yet_stays_asked_for() -> None:
    services = ScriptedServices(rpc_answers=asked(to_wire(a_debt())))

    assert asyncio.run(replay(services)) == {"replays": {"postponed": 1}}
    assert services.calls == []


def test_without_letters_nothing_is_done() -> None:
    assert asyncio.run(replay(ScriptedServices(rpc_answers=asked()))) == {"replays": {}}


def test_a_replay_without_the_database_says_so() -> None:
    assert asyncio.run(replay(ScriptedServices(is_database_away=True))) == {"replays": "the database did not answer"}
