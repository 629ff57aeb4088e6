"""Messages that could not be dealt with, for the operator: whose they are, why they are there, and that they be dealt
with again. What a message says is never shown: it may be anything.
"""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from access.identity import Operator
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.records.asking import ask_as_operator
from api.records.cursors import After, Limit, Text, read_cursor, written_cursor
from api.records.spans import milliseconds_of
from core.refusals import NotFound, RecordsUnavailable
from exchange import Answer, json_answer

LETTER_ID_PATTERN = r"^[0-9a-f]{64}$(?!\n)"
"""A digest of the message."""


class LettersQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Limit = 100
    after: After = ""
    """What the page before has as `next`."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was put aside. Moments are UTC milliseconds; tenant and type as it names them itself, if at
    all."""

    letter_id: str
    reason: str
    buried_at: int
    replay_requested_at: int | None
    replayed_at: int | None
    result: str | None
    tenant: str | None
    type: str | None


class LetterPage(msgspec.Struct, frozen=True):
    data: list[Letter]
    next: str | None


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    letter_id: str
    reason: str
    buried_at: datetime
    replay_requested_at: datetime | None
    replayed_at: datetime | None
    result: str | None
    tenant: str | None
    type: str | None


class _Position(msgspec.Struct, frozen=True, array_like=True):
    buried_at: Annotated[datetime, msgspec.Meta(tz=True)]
    letter_id: Text


async def list_letters(request: ApiRequest[LettersQuery, Nothing]) -> Answer:
    """A page of letters, those last buried first."""
    asked = request.query
    position = read_cursor(asked.after, _Position, "dead_letters")
    arguments = {
        "p_after_buried_at": position and position.buried_at,
        "p_after_letter_id": position and position.letter_id,
        "p_rows_max": asked.limit + 1,
    }
    rows = await ask_as_operator(request.exchange, _operator(request), "dead_letters_page", arguments, list[_Row])
    next_cursor = None
    if len(rows) > asked.limit:
        last = rows[asked.limit - 1]
        next_cursor = written_cursor(_Position(last.buried_at, last.letter_id), "dead_letters")
    return json_answer(LetterPage([_letter(each) for each in rows[: asked.limit]], next_cursor))


async def replay_letter(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Ask that it be dealt with again, which the telemetry Worker's cron does within ten minutes."""
    arguments = {"p_letter_id": request.path["letter_id"]}
    found: list[_Row] = []
    if re.search(LETTER_ID_PATTERN, arguments["p_letter_id"]):
        found = await ask_as_operator(request.exchange, _operator(request), "request_replay", arguments, list[_Row])
    if not found:
        raise NotFound("there is no such letter", param="letter_id")
    return json_answer(_letter(found[0]))


def _operator(request: ApiRequest[LettersQuery, Nothing] | ApiRequest[Nothing, Nothing]) -> Operator:
    assert isinstance(request.who, Operator), "the table says whom this route is for"
    return request.who


def _letter(row: _Row) -> Letter:
    def moment(at: datetime | None) -> int | None:
        return None if at is None else milliseconds_of(at)

    return Letter(
        letter_id=row.letter_id,
        reason=row.reason,
        buried_at=milliseconds_of(row.buried_at),
        replay_requested_at=moment(row.replay_requested_at),
        replayed_at=moment(row.replayed_at),
        result=row.result,
        tenant=row.tenant,
        type=row.type,
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/dead-letters", list_letters, "Messages that could not be dealt with", LetterPage,
        audience="operator", query=LettersQuery, is_administration=True, refuses=(RecordsUnavailable,),
    ),
    Endpoint(
        "POST", "/v1/dead-letters/{letter_id}/replay", replay_letter, "Have a message dealt with again", Letter,
        audience="operator", is_administration=True, refuses=(NotFound, RecordsUnavailable),
    ),
)  # fmt: skip
