"""What is asked of a Ledger about a session's history."""

from core.ledger.loops.turns import SessionFacts, Turn
from core.ledger.messages import Message, Name, Question


class SessionStanding(Message, frozen=True, tag="session_standing"):
    """What a session would be judged by."""

    facts: SessionFacts
    prompt_sizes: tuple[int, ...] = ()
    """Of its last calls, in tokens, the youngest last."""


class SessionFactsRequest(Question[SessionStanding], frozen=True, tag="session_facts"):
    """What rules would find of a session if this call came now; changes nothing."""

    session_id: Name
    turn: Turn
