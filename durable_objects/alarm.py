"""The alarm's work on a ledger: end overdue holds, checkpoint, forget. Each sweep does a bounded part of it, and
`next_work_at_ms` says when there is more."""

from core.ledger.hold import expiry_of
from durable_objects.state import LedgerState

EXPIRED_PER_SWEEP_MAX = 500
"""A sweep blocks every call meanwhile: at about 0.1 ms each, 50 ms."""

REWRITTEN_AFTER_MS = 10 * 60_000
"""An open hold whose row is this old is written again before its table can be dropped."""

FORGOTTEN_PER_TURN_MAX = 1_000
"""Accounts of teams without a budget, forgotten at a time after their month."""


def sweep(state: LedgerState, now_ms: int) -> None:
    """Do what is due."""
    if not _expire(state, now_ms):
        return
    if _is_due(state.checkpoint_due_at_ms(), now_ms):
        state.checkpoint(now_ms)
    state.watch.tell_digest(now_ms)
    _turn_rings(state, now_ms)
    state.book.trim()


def next_work_at_ms(state: LedgerState) -> int | None:
    """When the next sweep is due (perhaps long past), or None. The same effort whatever the ledger holds."""
    moments = (
        state.holds.next_expiry_at_ms(),
        state.checkpoint_due_at_ms(),
        state.mirrors.due_at_ms(),
        state.documents.copy_due_at_ms(),
        state.keys.copy_due_at_ms(),
        state.watch.digest_due_at_ms(),
        state.journal.due_at_ms,
        state.store.hold_ring.turn_at_ms(),
        state.store.session_ring.turn_at_ms(),
    )
    return min((moment for moment in moments if moment is not None), default=None)


def _expire(state: LedgerState, now_ms: int) -> bool:
    """End overdue holds, the longest overdue first. False when some are left for the next sweep."""
    for _ in range(EXPIRED_PER_SWEEP_MAX):
        hold = state.holds.next_overdue(now_ms)
        if hold is None:
            return True
        state.ended(hold, expiry_of(hold), now_ms)
    return state.holds.next_overdue(now_ms) is None


def _turn_rings(state: LedgerState, now_ms: int) -> None:
    """Let tables of old rows go, once everything that is still needed is written elsewhere."""
    state.store.hold_ring.begin(now_ms)
    state.store.session_ring.begin(now_ms)
    if _is_due(state.store.hold_ring.turn_at_ms(), now_ms):
        state.checkpoint(now_ms)
        for hold in state.holds:
            if hold.used_at_ms + REWRITTEN_AFTER_MS <= now_ms:
                state.changed([], now_ms, hold=hold)
        state.store.hold_ring.turn(now_ms, highest_mark=state.number, needed_above=state.journal.needed_above)
    if _is_due(state.store.session_ring.turn_at_ms(), now_ms):
        state.checkpoint(now_ms)
        state.store.session_ring.turn(now_ms)
        state.store.forget_accounts(now_ms, FORGOTTEN_PER_TURN_MAX)


def _is_due(moment_ms: int | None, now_ms: int) -> bool:
    return moment_ms is not None and moment_ms <= now_ms
