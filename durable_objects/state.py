"""One tenant's ledger between two calls: what is in memory, and how it changes.

The rule easy to break: a row is written before memory changes, and what follows the write cannot fail, so that memory
never knows of money that the rows do not. After any fault the whole state is made again from the rows.
"""

from collections.abc import Sequence
from typing import Literal

from core import telemetry
from core.ledger.account import Account, open_account, standing_in, turned, with_end
from core.ledger.alerts import due_alerts
from core.ledger.hold import Hold, ScopeKey, ended
from core.ledger.messages import AnswerNote, WindowName
from core.ledger.rate_limit import Arrivals
from durable_objects.accounts import AccountBook
from durable_objects.answers import Answers
from durable_objects.documents import Documents
from durable_objects.mirrors import Mirrors, is_stopped, mirror_after_ms
from durable_objects.open_holds import OpenHolds
from durable_objects.outbox import Outbox
from durable_objects.rebuild import rebuild
from durable_objects.rows import Checkpoint, LedgerStore

TENANT_WINDOWS: tuple[WindowName, ...] = ("day", "month", "total")

CHECKPOINT_AFTER_MS = 60_000
"""From the first change to the checkpoint that contains it. Every account that changed costs a row, so: seldom."""

CHECKPOINT_AFTER_ENDS = 2_000
"""And before a wake would have more ends than this to replay."""


class LedgerState:
    """Made from the rows at every wake."""

    def __init__(self, store: LedgerStore, tenant: str) -> None:
        self.store = store
        self.tenant = tenant
        self.book = AccountBook(store)
        self.holds = OpenHolds()
        self.arrivals = Arrivals()
        self.mirrors = Mirrors()
        self.outbox = Outbox(store)
        self.answers = Answers(store)
        self.documents = Documents(store)
        self._checkpoint_number, self._number = rebuild(store, self.book, self.holds, self.arrivals, self.answers)
        self._checkpoint_due_at_ms = 0 if self.book.has_changes else None
        for account in self.book.changed():
            if is_stopped(account):  # the sleep may have come before its mirror
                self.mirrors.want(account.id, 0)

    # Accounts -----------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """The number of the last end."""
        return max(self._number, self.book.highest_number)

    def account(self, key: ScopeKey, now_ms: int) -> Account:
        """The account in its present window; a fresh one where the scope has none."""
        account = self.book.find(key)
        if account is None:
            return open_account(key.kind, key.id, key.window, now_ms)
        return turned(account, now_ms)

    def accounts_of(
        self, session_id: str | None, team: str | None, now_ms: int, *, include_tenant: bool = True
    ) -> list[Account]:
        keys = []
        if session_id is not None:
            keys.append(ScopeKey("session", session_id, "session"))
        if team is not None:
            keys.append(ScopeKey("team", team, "month"))
        if include_tenant:
            keys += [ScopeKey("tenant", self.tenant, window) for window in TENANT_WINDOWS]
        return [self.account(key, now_ms) for key in keys]

    def standing(self, hold: Hold, now_ms: int) -> list[Account]:
        """The accounts a hold still stands on: those whose window is still the hold's."""
        standing = []
        for scope in hold.scopes:
            account = self.book.find(scope.key)
            present = standing_in(account and turned(account, now_ms), scope)
            if present is not None:
                standing.append(present)
        return standing

    def put(self, account: Account, now_ms: int) -> None:
        """Change an account in memory, its row to follow at the next checkpoint."""
        before = self.book.at_hand(account.key)
        self.book.put(account)
        self._mirror(before, account, now_ms)
        if self._checkpoint_due_at_ms is None:
            self._checkpoint_due_at_ms = now_ms + CHECKPOINT_AFTER_MS

    def write(self, account: Account, now_ms: int) -> None:
        """Change an account and its row."""
        before = self.book.at_hand(account.key)
        self.book.write(account, self.number)
        self._mirror(before, account, now_ms)

    def _mirror(self, before: Account | None, after: Account, now_ms: int) -> None:
        after_ms = mirror_after_ms(before, after) if after.kind == "session" else None
        if after_ms is not None:
            self.mirrors.want(after.id, now_ms, after_ms)

    # Ends ---------------------------------------------------------------------------------------------

    def end(
        self,
        hold: Hold,
        state: Literal["settled", "expired", "recorded"],
        charge_nanousd: int,
        now_ms: int,
        *,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        answer: AnswerNote | None = None,
        accounts: Sequence[Account] | None = None,
    ) -> Hold | None:
        """End a hold, or correct the charge of an expired one. None, and nothing done, where a new record's id is
        known already. `accounts` are those it stands on, where they are not in the book yet."""
        standing = self.standing(hold, now_ms) if accounts is None else accounts
        after = ended(
            hold,
            state,
            number=self.number + 1,
            charged_nanousd=charge_nanousd,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            used_at_ms=used_at_ms(hold, standing, now_ms),
            answer=answer,
        )
        changed = [with_end(account, hold, after) for account in standing]
        if state != "recorded":
            self.store.put_hold(after)
        elif not self.store.add_hold(after):
            return None
        self._number = self.number + 1
        self.holds.remove(hold.id)
        self.answers.note(answer)
        for account in changed:
            self.put(account, now_ms)
        self.tell(changed, now_ms)
        return after

    def tell(self, accounts: Sequence[Account], now_ms: int, *, is_refusing: bool = False) -> None:
        """Put what has to be told of these accounts into the outbox, and remember that in the same breath."""
        for account in accounts:
            told, messages = due_alerts(account, self.tenant, is_refusing=is_refusing, now_ms=now_ms)
            for message in messages:
                self.outbox.put(telemetry.to_wire(message))
            if messages:
                self.write(told, now_ms)

    # Checkpoints --------------------------------------------------------------------------------------

    def checkpoint(self, now_ms: int) -> None:
        """Write the accounts that changed, and the number of the last end that they contain."""
        self._checkpoint_due_at_ms = None
        if not self.book.has_changes:
            return
        # A fault between a charge and its alert left the alert to this.
        changed = self.book.changed()
        self.tell([account for account in changed if turned(account, now_ms) is account], now_ms)
        self.book.write_changes(self.number)
        self.answers.write()
        self.arrivals.forget_past(now_ms)
        self.store.put_checkpoint(Checkpoint(self.number, self.arrivals.moments()))
        self._checkpoint_number = self.number

    def checkpoint_due_at_ms(self) -> int | None:
        if self._checkpoint_due_at_ms is None:
            return None
        is_long = self.number - self._checkpoint_number >= CHECKPOINT_AFTER_ENDS
        return 0 if is_long or self.book.is_crowded else self._checkpoint_due_at_ms


def used_at_ms(hold: Hold, standing: Sequence[Account], now_ms: int) -> int:
    """When the hold last used its session: now, unless that session is over."""
    is_over = any(scope.key.kind == "session" for scope in hold.scopes) and not any(
        account.kind == "session" for account in standing
    )
    return hold.used_at_ms if is_over else max(hold.used_at_ms, now_ms)
