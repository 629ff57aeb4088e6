"""Waking up: the ledger's memory made again from its rows.

An account is what its row says, and what the holds say that its row does not contain. Only holds that are open or
ended after the last checkpoint are read, so a wake costs what happened lately, not what there is.
"""

from core.ledger.account import standing_in, with_replay
from core.ledger.hold import Hold, ScopeKey
from core.ledger.rate_limit import Arrivals
from durable_objects.accounts import AccountBook
from durable_objects.answers import Answers
from durable_objects.open_holds import OpenHolds
from durable_objects.rows import LedgerStore


def rebuild(
    store: LedgerStore, book: AccountBook, holds: OpenHolds, arrivals: Arrivals, answers: Answers
) -> tuple[int, int]:
    """Fill the four of them, all empty so far. Returns the last checkpoint's number and that of the last end."""
    checkpoint = store.checkpoint()
    arrivals.note(checkpoint.arrivals_us)
    number = checkpoint.number
    contained: dict[ScopeKey, int] = {}
    for hold in store.holds_since(checkpoint.number):
        number = max(number, 0 if hold.charge is None else hold.charge.number)
        arrivals.note(hold.arrivals_us)
        answers.note(hold.answer)
        if hold.state == "open":
            holds.put(hold)
        _replay(hold, book, contained)
    return checkpoint.number, number


def _replay(hold: Hold, book: AccountBook, contained: dict[ScopeKey, int]) -> None:
    """Give every account the hold stands on what its row lacks of it."""
    for scope in hold.scopes:
        if scope.key not in contained:
            stored = book.find_stored(scope.key)
            contained[scope.key] = 0 if stored is None else stored.number
        account = standing_in(book.find(scope.key), scope)
        if account is not None:
            book.put(with_replay(account, hold, contained[scope.key]))
