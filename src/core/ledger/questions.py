"""Every question that a tenant's Ledger can be asked, and how the texts of questions and answers are read.

A new operation is a question that names its answers, a line here, and a `case` in the Ledger's service.
"""

from functools import cache
from typing import Any, TypeVar, cast, get_args

import msgspec

from core.ledger.document_messages import CopyRequest, DocumentRequest, VersionsRequest, WriteRequest
from core.ledger.health.messages import HealthRequest
from core.ledger.keeping.outbox import KeepRequest
from core.ledger.keys.messages import KeyQuestion
from core.ledger.lists.accounts import ListSessionsRequest, ListTeamsRequest
from core.ledger.lists.tenants import TenantQuestion
from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.messages import (
    AdmitRequest,
    ConfigureRequest,
    CountRequest,
    ExtendRequest,
    Message,
    Question,
    RecordAllRequest,
    RecordRequest,
    SettleRequest,
    StatusRequest,
)
from core.ledger.people.messages import PeopleQuestion
from core.ledger.trials.messages import TrialRequest

A = TypeVar("A")

AnyQuestion = (
    AdmitRequest
    | CountRequest
    | ExtendRequest
    | SettleRequest
    | RecordRequest
    | RecordAllRequest
    | StatusRequest
    | SessionFactsRequest
    | ConfigureRequest
    | ListSessionsRequest
    | ListTeamsRequest
    | DocumentRequest
    | WriteRequest
    | VersionsRequest
    | CopyRequest
    | KeepRequest
    | HealthRequest
    | KeyQuestion
    | TenantQuestion
    | PeopleQuestion
    | TrialRequest
)

_read_question: msgspec.json.Decoder[AnyQuestion] = msgspec.json.Decoder(AnyQuestion)


def to_wire(message: Message) -> str:
    """The JSON text of a message."""
    return msgspec.json.encode(message).decode()


def read_question(text: str) -> AnyQuestion:
    """What is asked. Raises `msgspec.DecodeError` on a text that is no question of ours, or out of bounds."""
    return _read_question.decode(text)


def read_answer(text: str, question: Question[A]) -> A:
    """The answer to a question. Raises `msgspec.DecodeError` on any other text, `Fault` among them."""
    return cast(A, _answers_to(type(question)).decode(text))


@cache
def _answers_to(kind: type[Question[Any]]) -> msgspec.json.Decoder[Any]:
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined]  # `types.get_original_bases` is of Python 3.12
    (answers,) = get_args(base)
    return msgspec.json.Decoder(answers)
