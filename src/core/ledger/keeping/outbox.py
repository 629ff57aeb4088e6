"""What a Ledger is asked to keep for the queue, while that is away."""

from core.ledger.messages import Message, Question


class Kept(Message, frozen=True, tag="kept"):
    """The message is in a row; the ledger's alarm delivers it."""


class NotKept(Message, frozen=True, tag="not_kept"):
    """The outbox is full, or the message too long for the queue."""


class KeepRequest(Question[Kept | NotKept], frozen=True, tag="keep"):
    """Keep a telemetry message that the queue would not take."""

    text: str
