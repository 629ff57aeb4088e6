"""What a ledger has in memory: the accounts in use and the holds that stand. All else is in rows only.

Nothing here writes a row: that is for `durable_objects.state`, which alone changes what is here. The rule easy to
break: an account leaves memory only when its row says all that memory does.
"""

import heapq
from collections.abc import Iterable, Iterator

from core.bounds import ACCOUNTS_IN_MEMORY_MAX
from core.ledger.account import Account, turned
from core.ledger.hold import Hold, ScopeKey, session_id_of
from core.ledger.loops.history import EMPTY, SessionHistory
from core.ledger.messages import ScopeKind
from durable_objects.storage.rows import LedgerStore, StoredAccount

_STALE_EXPIRIES_MAX = 1_000


class AccountBook:
    """One tenant's accounts by key: the others wait in their rows until somebody asks."""

    def __init__(self, store: LedgerStore, *, accounts_max: int = ACCOUNTS_IN_MEMORY_MAX) -> None:
        self._store = store
        self._accounts_max = accounts_max
        self._accounts: dict[ScopeKey, Account] = {}
        """In the order of their last use, the least recent first."""
        self._histories: dict[ScopeKey, SessionHistory] = {}
        """What the sessions among them did: of an account in memory all of it is here."""
        self._changed: set[ScopeKey] = set()
        self.highest_number = 0
        """The last end that any row read so far contains: the next one must come after it."""

    def find(self, key: ScopeKey) -> Account | None:
        """The account as it was last changed, its window perhaps over; None where there is none."""
        account = self._accounts.pop(key, None)
        if account is not None:
            # Now the last used: what is read next may let go of others, and a session's past with it.
            self._accounts[key] = account
            return account
        stored = self.find_stored(key)
        if stored is None:
            return None
        if len(self._accounts) > 2 * self._accounts_max:
            self.trim()
        self._accounts[key] = stored.account
        if stored.history != EMPTY:
            self._histories[key] = stored.history
        return stored.account

    def find_stored(self, key: ScopeKey) -> StoredAccount | None:
        """The account as its row has it."""
        stored = self._store.find_account(key)
        if stored is not None:
            self.highest_number = max(self.highest_number, stored.number)
        return stored

    def history(self, account: Account) -> SessionHistory:
        """What the session of an account did. An account that begins anew has no past."""
        known = self._accounts.get(account.key)
        if known is None or known.starts_at_ms != account.starts_at_ms:
            return EMPTY
        return self._histories.get(account.key, EMPTY)

    def put_history(self, key: ScopeKey, history: SessionHistory) -> None:
        """Change what a session did; its account is put beside it."""
        self._histories[key] = history

    def sessions_after(self, session_id: str, now_ms: int, sessions_max: int) -> list[Account]:
        """Live sessions in memory, the first of them in the order of their ids, after one id."""
        live = (each for each in self._accounts.values() if turned(each, now_ms) is each)
        return _after("session", session_id, live, sessions_max)

    def teams_after(self, team: str, teams_max: int) -> list[Account]:
        """Likewise teams, whose month is perhaps over."""
        return _after("team", team, self._accounts.values(), teams_max)

    def put(self, account: Account, *, is_written: bool) -> Account | None:
        """Change an account; unless its row is written already, the next checkpoint writes it. Returns the account as
        it was, if it was in memory."""
        key = account.key
        before = self._accounts.pop(key, None)
        self._accounts[key] = account
        if before is None or before.starts_at_ms != account.starts_at_ms:
            self._histories.pop(key, None)
        if is_written:
            self._changed.discard(key)
        else:
            self._changed.add(key)
        return before

    def changed(self) -> list[Account]:
        """What the next checkpoint has to write."""
        return [self._accounts[key] for key in self._changed]

    @property
    def has_changes(self) -> bool:
        return bool(self._changed)

    @property
    def is_crowded(self) -> bool:
        """More is unwritten than memory is meant for: a checkpoint would let it go."""
        return len(self._changed) > self._accounts_max

    def written(self) -> None:
        """The rows say all of this."""
        self._changed.clear()

    def trim(self) -> None:
        """Let go of the least recently used, where nothing is held and nothing unwritten."""
        excess = len(self._accounts) - self._accounts_max
        if excess <= 0:
            return
        idle = (key for key, each in self._accounts.items() if not each.held_nanousd and key not in self._changed)
        for key in [key for key, _ in zip(idle, range(excess), strict=False)]:
            del self._accounts[key]
            self._histories.pop(key, None)


class OpenHolds:
    """Open holds by id, and a heap of the moments at which they expire."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}
        self._sessions: dict[str, dict[str, int]] = {}
        """Of each session with open holds: when their calls began, by the holds' ids."""
        self._expiries: list[tuple[int, str]] = []
        """One entry per hold and moment it was given; those of moments gone by are dropped when they surface."""

    def __len__(self) -> int:
        return len(self._holds)

    def __iter__(self) -> Iterator[Hold]:
        return iter(list(self._holds.values()))

    def find(self, hold_id: str) -> Hold | None:
        return self._holds.get(hold_id)

    def put(self, hold: Hold) -> None:
        """Add a hold, or change one."""
        known = self._holds.get(hold.id)
        self._holds[hold.id] = hold
        session_id = session_id_of(hold)
        if session_id is not None:
            self._sessions.setdefault(session_id, {})[hold.id] = hold.began_at_ms
        if known is None or known.expires_at_ms != hold.expires_at_ms:
            heapq.heappush(self._expiries, (hold.expires_at_ms, hold.id))

    def remove(self, hold_id: str) -> None:
        hold = self._holds.pop(hold_id, None)
        session_id = None if hold is None else session_id_of(hold)
        if session_id is not None:
            began = self._sessions[session_id]
            del began[hold_id]
            if not began:
                del self._sessions[session_id]
        if len(self._expiries) > 2 * len(self._holds) + _STALE_EXPIRIES_MAX:
            self._expiries = [(hold.expires_at_ms, hold.id) for hold in self._holds.values()]
            heapq.heapify(self._expiries)

    def began_in(self, session_id: str) -> list[int]:
        """When the calls of a session that are still open began."""
        return list(self._sessions.get(session_id, {}).values())

    def next_expiry_at_ms(self) -> int | None:
        """When the first of them expires."""
        while self._expiries:
            moment, hold_id = self._expiries[0]
            hold = self._holds.get(hold_id)
            if hold is not None and hold.expires_at_ms == moment:
                return moment
            heapq.heappop(self._expiries)
        return None

    def next_overdue(self, now_ms: int) -> Hold | None:
        """A hold whose moment has come, or None."""
        moment = self.next_expiry_at_ms()
        if moment is None or moment > now_ms:
            return None
        return self._holds[self._expiries[0][1]]


def _after(kind: ScopeKind, scope_id: str, accounts: Iterable[Account], at_most: int) -> list[Account]:
    found = (each for each in accounts if each.kind == kind and each.id > scope_id)
    return heapq.nsmallest(at_most, found, key=lambda account: account.id)
