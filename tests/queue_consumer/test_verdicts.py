"""What an answer of the database means, and how long a message waits."""

import pytest

from services import Answer
from verdicts import (
    RETRY_DELAY_MAX_S,
    Buried,
    Charged,
    Judgement,
    Postponed,
    Stored,
    Told,
    Verdict,
    joined,
    judge,
    reason_of,
    retry_delay_s,
)

CASES = {
    "created": (201, "", Judgement.ACCEPTED),
    "nothing new": (200, "", Judgement.ACCEPTED),
    "bad value": (400, '{"code":"22P02","message":"invalid input"}', Judgement.SUSPECT),
    "check violated": (400, '{"code":"23514"}', Judgement.SUSPECT),
    "another key violated": (409, '{"code":"23505"}', Judgement.SUSPECT),
    "too large": (413, "<html>", Judgement.SUSPECT),
    "expired JWT": (401, '{"code":"PGRST301"}', Judgement.LATER),
    "no right": (403, '{"code":"42501"}', Judgement.LATER),
    "no such table": (404, '{"code":"42P01"}', Judgement.LATER),
    "table not in the schema cache": (404, '{"code":"PGRST205"}', Judgement.LATER),
    "column not in the schema cache": (400, '{"code":"PGRST204"}', Judgement.LATER),
    "no such conflict target": (400, '{"code":"42P10"}', Judgement.LATER),
    "a gateway's words": (400, "<html>Bad Request</html>", Judgement.LATER),
    "another shape of JSON": (400, "[]", Judgement.LATER),
    "too many requests": (429, "", Judgement.LATER),
    "a redirect": (302, "", Judgement.LATER),
    "statement timeout": (500, '{"code":"57014"}', Judgement.LATER),
    "a gateway down": (503, '{"code":"22003"}', Judgement.LATER),
}


@pytest.mark.parametrize(("status", "text", "expected"), CASES.values(), ids=CASES.keys())
def test_an_answer_means(status: int, text: str, expected: Judgement) -> None:
    assert judge(Answer(status, text)) is expected


def test_a_reason_names_the_code_but_never_the_row() -> None:
    answer = Answer(
        400,
        '{"code":"23514","message":"violates check","details":"Failing row contains (secret name)"}',
    )

    assert reason_of(answer) == "400 23514 violates check"


def test_a_message_waits_twice_as_long_each_time_up_to_an_hour() -> None:
    waiting = Postponed("away")
    delays = [retry_delay_s(deliveries, waiting) for deliveries in range(1, 12)]

    assert delays[:4] == [10, 20, 40, 80]
    assert delays == sorted(delays)
    assert retry_delay_s(100, waiting) == RETRY_DELAY_MAX_S


def test_a_message_waits_as_long_as_somebody_asked_for_if_that_is_longer() -> None:
    waiting = Postponed("busy", delay_least_s=60)

    assert [retry_delay_s(deliveries, waiting) for deliveries in (1, 3, 4)] == [60, 60, 80]


MESSAGES: dict[str, tuple[list[Verdict], Verdict]] = {
    "no part": ([], Stored(0)),
    "one part": ([Told("sent")], Told("sent")),
    "all stored": ([Stored()] * 3, Stored(3)),
    "one buried": ([Stored(), Buried("bad"), Stored()], Buried("bad", letters=1, rows=2)),
    "all buried": ([Buried("bad"), Buried("worse")], Buried("bad", letters=2, rows=0)),
    "one waits": ([Stored(), Buried("bad"), Postponed("away")], Postponed("away")),
    "several wait": (
        [Postponed("away", delay_max_s=300), Stored(), Postponed("busy", delay_least_s=60)],
        Postponed("away", delay_max_s=300, delay_least_s=60),
    ),
    "no rows": ([Charged()], Charged()),
}


@pytest.mark.parametrize(("parts", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_message_of_such_parts(parts: list[Verdict], expected: Verdict) -> None:
    assert joined(parts) == expected
