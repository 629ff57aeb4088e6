"""Messages that can never be dealt with go to the dead-letter queue, each with its reason, many in one request.

A letter is what an operator sees and may have delivered again, so it holds a whole message: of a journal the one entry
at fault. The rule easy to break: the same message is the same text at every delivery, because its hash is the letter's
identity, and what was buried twice is kept once.
"""

from collections.abc import Iterator, Mapping

import msgspec

from core.bounds import QUEUE_MESSAGE_BYTES_MAX
from services import Services, Unreachable
from verdicts import Buried, Place, Postponed, Verdicts

LETTERS_SENT_AT_ONCE_MAX = 100
"""Messages of one `sendBatch` (Cloudflare's limits of Queues, November 2026)."""

BYTES_SENT_AT_ONCE_MAX = 240_000
"""Of one `sendBatch`: it takes 256,000, and each message may have a hundred of the queue's own."""

LETTER_BYTES_MAX = QUEUE_MESSAGE_BYTES_MAX - 1_000
"""What the queue takes as one message, without its own words: a journal of 60 KB fits with its quotes escaped."""

CUT_LETTER_CHARACTERS_MAX = 20_000
"""Of a message that does not fit, which is none of ours: at six bytes a character it does then."""


class DeadLetter(msgspec.Struct, frozen=True):
    """What is put on the dead-letter queue: a message, and why it is there."""

    reason: str
    message: str


async def bury(letters: Mapping[Place, DeadLetter], services: Services) -> Verdicts:
    """A letter's part is done with once the queue has it."""
    verdicts: Verdicts = {}
    for packet in _packets({place: letter_text(letter) for place, letter in letters.items()}):
        try:
            await services.bury([text for _, text in packet])
        except Unreachable:
            verdicts |= {place: Postponed("the dead-letter queue did not answer") for place, _ in packet}
        else:
            verdicts |= {place: Buried(letters[place].reason) for place, _ in packet}
    return verdicts


def letter_text(letter: DeadLetter) -> str:
    """Whole, wherever the queue takes it so."""
    text = msgspec.json.encode(letter)
    if len(text) > LETTER_BYTES_MAX:
        text = msgspec.json.encode(DeadLetter(letter.reason, letter.message[:CUT_LETTER_CHARACTERS_MAX]))
    return text.decode()


def _packets(texts: Mapping[Place, str]) -> Iterator[list[tuple[Place, str]]]:
    """As few as the queue's limits allow."""
    packet: list[tuple[Place, str]] = []
    room = BYTES_SENT_AT_ONCE_MAX
    for place, text in texts.items():
        size = len(text.encode())
        if packet and (size > room or len(packet) == LETTERS_SENT_AT_ONCE_MAX):
            yield packet
            packet, room = [], BYTES_SENT_AT_ONCE_MAX
        packet.append((place, text))
        room -= size
    if packet:
        yield packet
