"""When a call that finds no money should ask again instead of being refused.

Holds are worst cases, and most of a worst case comes back within seconds. A call is short for good when what is spent
leaves no room for it; when only holds of other calls are in its way, it is worth waiting a little. The rule easy to
break: whoever waits holds nothing, so calls that wait for each other cannot lock each other out.
"""

from zlib import crc32

from core.ledger.messages import AccountView

FIRST_MS = 250
MOST_MS = 4_000
"""Asking costs the ledger a turn: a thousand calls that wait ask it some 250 times a second."""


def ask_again_in_ms(
    account: AccountView, *, least_nanousd: int, hold_id: str, tries: int, waited_ms: int, patience_ms: int
) -> int | None:
    """How long to wait before asking once more, or None where it is hopeless or has taken too long.

    `account` is the one that refused, `tries` how often it did. Pauses double, and are spread by the hold's id so that
    calls which came together do not return together.
    """
    if is_short_for_good(account, least_nanousd) or waited_ms >= patience_ms:
        return None
    pause_ms = min(FIRST_MS << min(tries - 1, 10), MOST_MS)
    spread_ms = crc32(f"{hold_id}:{tries}".encode()) % pause_ms
    return min(pause_ms // 2 + spread_ms, patience_ms - waited_ms)


def is_short_for_good(account: AccountView, least_nanousd: int) -> bool:
    """Whether the account that refused a call would still lack the least for it if every hold came back."""
    assert account.limit_nanousd is not None, "an account without a limit refuses nothing"
    return account.held_nanousd == 0 or account.limit_nanousd - account.spent_nanousd < least_nanousd
