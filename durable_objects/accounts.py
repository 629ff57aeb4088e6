"""The accounts at hand: those in use are in memory, the others in their rows until somebody asks.

The rule easy to break: an account leaves memory only when its row says all that memory does, so nothing may change
one but through here.
"""

import heapq

from core.bounds import ACCOUNTS_IN_MEMORY_MAX
from core.ledger.account import Account, turned
from core.ledger.hold import ScopeKey
from durable_objects.rows import LedgerStore, StoredAccount


class AccountBook:
    """One tenant's accounts by key."""

    def __init__(self, store: LedgerStore, *, accounts_max: int = ACCOUNTS_IN_MEMORY_MAX) -> None:
        self._store = store
        self._accounts_max = accounts_max
        self._accounts: dict[ScopeKey, Account] = {}
        """In the order of their last use, the least recent first."""
        self._changed: set[ScopeKey] = set()
        self.highest_number = 0
        """The last end that any row read so far contains: the next one must come after it."""

    def find(self, key: ScopeKey) -> Account | None:
        """The account as it was last changed, its window perhaps over; None where there is none."""
        account = self._accounts.get(key)
        if account is not None:
            return account
        stored = self.find_stored(key)
        if stored is None:
            return None
        if len(self._accounts) > 2 * self._accounts_max:
            self.trim()
        self._accounts[key] = stored.account
        return stored.account

    def find_stored(self, key: ScopeKey) -> StoredAccount | None:
        """The account as its row has it."""
        stored = self._store.find_account(key)
        if stored is not None:
            self.highest_number = max(self.highest_number, stored.number)
        return stored

    def sessions_after(self, session_id: str, now_ms: int, sessions_max: int) -> list[Account]:
        """Live sessions in memory, the first of them in the order of their ids, after one id."""
        live = (
            account
            for account in self._accounts.values()
            if account.kind == "session" and account.id > session_id and turned(account, now_ms) is account
        )
        return heapq.nsmallest(sessions_max, live, key=lambda account: account.id)

    def at_hand(self, key: ScopeKey) -> Account | None:
        """The account as memory has it."""
        return self._accounts.get(key)

    def put(self, account: Account) -> None:
        """Change an account in memory; the next checkpoint writes it."""
        key = account.key
        self._accounts.pop(key, None)
        self._accounts[key] = account
        self._changed.add(key)

    def write(self, account: Account, number: int) -> None:
        """Change an account and write it at once, as it is after an end."""
        self._store.put_accounts([account], number)
        self.put(account)
        self._changed.discard(account.key)

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

    def write_changes(self, number: int) -> None:
        self._store.put_accounts(self.changed(), number)
        self._changed.clear()

    def trim(self) -> None:
        """Let go of the least recently used, where nothing is held and nothing unwritten."""
        excess = len(self._accounts) - self._accounts_max
        if excess <= 0:
            return
        idle = (key for key, each in self._accounts.items() if not each.held_nanousd and key not in self._changed)
        for key in [key for key, _ in zip(idle, range(excess), strict=False)]:
            del self._accounts[key]
