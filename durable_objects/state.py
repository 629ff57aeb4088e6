"""One tenant's ledger between two calls: rows, memory, and the three verbs that change money in both.

Theory of operation. A hold is `opened`, a hold or an account is `changed`, a hold is `ended`; nothing else changes a
hold or an account. Each verb works in the same order. First, what is to be is computed: that may fail, and nothing has
happened. Then one statement writes a row that says all of it: that may fail, and nothing has happened. Then memory
follows, by assignments alone, which cannot fail. So memory never knows of money that the rows do not, and a fault at
any statement leaves both as they were or both as they are to be.

An account is what its row says, and what the holds say that its row does not contain (`_replay`). So a hold's row
stands for its accounts' as well, and theirs are written at a checkpoint, all at once.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from core import telemetry
from core.ledger.account import (
    Account,
    open_account,
    session_of,
    standing_in,
    turned,
    under_ceiling,
    used_at_ms,
    with_end,
    with_replay,
    with_terms,
)
from core.ledger.alerts import due_alerts
from core.ledger.hold import Charge, Ending, Hold, ScopeKey, ended
from core.ledger.loops.history import SessionHistory, cleared, with_ended
from core.ledger.mirror import SOON_MS, is_stopped, mirror_after_ms
from core.ledger.rate_limit import TOKENS, Arrivals, tokens_us
from core.ledger.windows import BUDGET_WINDOWS
from durable_objects.answers import Answers
from durable_objects.documents import Documents
from durable_objects.health import TargetHealth
from durable_objects.keys import Keys
from durable_objects.memory import AccountBook, OpenHolds
from durable_objects.outgoing.copies import Mirrors
from durable_objects.outgoing.journal import CallJournal
from durable_objects.outgoing.outbox import Outbox
from durable_objects.storage.rows import Checkpoint, LedgerStore, StoredAccount
from durable_objects.watch import Watch

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
        self.journal = CallJournal(store, tenant)
        self.answers = Answers(store)
        self.documents = Documents(store)
        self.keys = Keys(store.keys, tenant)
        self.health = TargetHealth(store)
        self.watch = Watch(store, tenant, self.book, self.holds, self.outbox, self.documents)
        self._tenant_keys = [ScopeKey("tenant", tenant, window) for window in BUDGET_WINDOWS["tenant"]]
        self._number = self._checkpoint_number = self._place = 0
        self._checkpoint_due_at_ms: int | None = None
        self._wake()

    # What there is ------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """The number of the last end."""
        return max(self._number, self.book.highest_number)

    def find_hold(self, hold_id: str) -> Hold | None:
        """The hold, open or ended, as long as it is remembered."""
        return self.holds.find(hold_id) or self.store.find_hold(hold_id)

    def refuses_key(self, key_id: str | None, token_number: int | None, now_ms: int) -> bool:
        """Is this key, or the token by which its caller was let in, no good any more?"""
        return self.documents.is_disabled(key_id) or self.keys.refuses(key_id, token_number, now_ms)

    def refuses_writer(self, key_id: str | None, token_number: int | None, now_ms: int) -> bool:
        """Does this key change nothing, because it is no good or no administrator's any more? Whoever let it in may
        have known an older record of it."""
        key = self.keys.find(key_id)
        return self.refuses_key(key_id, token_number, now_ms) or (key is not None and key.terms.role != "admin")

    def key_used(self, key_id: str | None, now_ms: int) -> None:
        """A key was let in; the row of that comes with a checkpoint, also where the key has spent nothing."""
        if self.keys.used(key_id, now_ms) and self._checkpoint_due_at_ms is None:
            self._checkpoint_due_at_ms = now_ms + CHECKPOINT_AFTER_MS

    def account(self, key: ScopeKey, now_ms: int) -> Account:
        """The account in its present window; a fresh one where the scope has none."""
        account = self.book.find(key)
        if account is None:
            return self.under_ceiling(open_account(key.kind, key.id, key.window, now_ms))
        return self.under_ceiling(turned(account, now_ms))

    def under_ceiling(self, account: Account) -> Account:
        """The account as its tenant's documents have it now. Whatever is read of an account passes here."""
        return under_ceiling(account, self.documents.ceiling_of(account.key))

    def accounts_of(
        self,
        session_id: str | None,
        team: str | None,
        now_ms: int,
        *,
        key_id: str | None = None,
        include_tenant: bool = True,
    ) -> list[Account]:
        keys = []
        if session_id is not None:
            keys.append(ScopeKey("session", session_id, "session"))
        if team is not None:
            keys.append(ScopeKey("team", team, "month"))
        if key_id is not None:
            keys.append(ScopeKey("key", key_id, "month"))
        if include_tenant:
            keys += self._tenant_keys
        return [self.account(key, now_ms) for key in keys]

    def standing(self, hold: Hold, now_ms: int) -> list[Account]:
        """The accounts a hold still stands on: those whose window is still the hold's."""
        standing = []
        for scope in hold.scopes:
            account = self.book.find(scope.key)
            present = standing_in(account and turned(account, now_ms), scope)
            if present is not None:
                standing.append(self.under_ceiling(present))
        return standing

    # The three verbs ----------------------------------------------------------------------------------

    def opened(self, hold: Hold, accounts: Sequence[Account], now_ms: int) -> bool:
        """A new hold, and the accounts as they are with it. False, and nothing done, where its id is known already:
        the statement that writes it tells."""
        hold = msgspec.structs.replace(hold, place=self._place + 1)
        if not self.store.add_hold(hold):
            return False
        self._place = hold.place
        self.arrivals.note(hold.arrivals_us)
        self.holds.put(hold)
        self._remember(accounts, now_ms)
        return True

    def changed(
        self, accounts: Sequence[Account], now_ms: int, *, hold: Hold | None = None, lets_go: bool = False
    ) -> None:
        """An open hold that is not what it was, and the accounts as they are with it; or accounts that changed by
        themselves, whose own rows are then written at once. `lets_go` forgets what their sessions' calls had in common:
        an administrator lets them go on."""
        histories = [(each.key, cleared(self.book.history(each))) for each in accounts] if lets_go else []
        if hold is None:
            self.store.put_accounts(self._stored(accounts, dict(histories)))
        else:
            self.store.put_hold(hold)
            self.holds.put(hold)
        self._remember(accounts, now_ms, are_written=hold is None, histories=histories)

    def ended(
        self, hold: Hold, ending: Ending, now_ms: int, *, accounts: Sequence[Account] | None = None
    ) -> Hold | None:
        """A hold at its end, or an expired one whose charge is corrected. None, and nothing done, where it records what
        was never held and its id is known already. `accounts` are those it stands on, where memory lacks them yet."""
        standing = self.standing(hold, now_ms) if accounts is None else accounts
        after = ended(hold, ending, number=self.number + 1, used_at_ms=used_at_ms(hold, standing, now_ms))
        changed = [with_end(account, hold, after) for account in standing]
        histories = [
            (each.key, _with_call(self.book.history(each), after, corrected=hold.charge))
            for each in standing
            if each.kind == "session"
        ]
        if after.record is not msgspec.UNSET:
            after = msgspec.structs.replace(after, cumulative_tokens=_tokens_of_session(changed))
        if ending.state != "recorded":
            self.store.put_hold(after)
        elif self.store.add_hold(after := msgspec.structs.replace(after, place=self._place + 1)):
            self._place = after.place
            self.arrivals.note(after.arrivals_us)
        else:
            return None
        self._number = self.number + 1
        self.holds.remove(hold.id)
        self.journal.add(after, now_ms)
        self.answers.note(ending.answer)
        self._count_tokens(hold, after, now_ms)
        self._remember(changed, now_ms, histories=histories)
        self.tell(changed, now_ms)
        self.watch.ended(after, changed, now_ms)
        self.health.ended(after.id, ending.health, now_ms)
        return after

    def told_more(self, hold: Hold, ending: Ending) -> None:
        """An attempt that was settled as one that another would follow, and none did: who else could not serve its call
        was known only then. Its charge stands; its record is the later one, as long as it waits."""
        needed_above = self.journal.needed_above
        is_waiting = needed_above is not None and _number_of(hold) > needed_above
        if (
            hold.is_replaced
            and not ending.is_replaced
            and is_waiting
            and ending.record not in (hold.record, msgspec.UNSET)
        ):
            hold = msgspec.structs.replace(hold, record=ending.record)
            self.store.put_hold(hold)
            self.journal.correct(hold)

    def _count_tokens(self, before: Hold, after: Hold, now_ms: int) -> None:
        """Token rates have counted what the call was to read, unless it asked again (a further attempt, or after it
        waited for money); it has used what it has used. A debt is told too late to matter, and after a wake this is
        missing, for the minute that it would have mattered."""
        used = _tokens_of(after.charge)
        for name, limit in self._token_limits(after):
            counted = _tokens_of(before.charge)
            if name not in after.arrivals_us and after.state == "recorded":
                continue
            if name in after.arrivals_us and before.charge is None and after.state != "recorded":
                counted = before.turn.prompt_tokens or 0
            self.arrivals.shift(name, tokens_us(used - counted, limit), now_ms)

    def _token_limits(self, hold: Hold) -> list[tuple[str, int]]:
        """Under which names a call's tokens are counted, and the limits in force."""
        limits = [(f"{TOKENS}tenant", self.documents.policy.tokens_per_minute)]
        for scope in hold.scopes:
            key = self.keys.find(scope.key.id) if scope.key.kind == "key" else None
            limits += [] if key is None else [(f"{TOKENS}key:{key.key_id}", key.terms.tokens_per_minute)]
        return [(name, limit) for name, limit in limits if limit is not None]

    def _stored(
        self, accounts: Sequence[Account], histories: Mapping[ScopeKey, SessionHistory] = MappingProxyType({})
    ) -> list[StoredAccount]:
        number = self.number
        return [StoredAccount(number, each, histories.get(each.key) or self.book.history(each)) for each in accounts]

    def _remember(
        self,
        accounts: Sequence[Account],
        now_ms: int,
        *,
        are_written: bool = False,
        histories: Sequence[tuple[ScopeKey, SessionHistory]] = (),
    ) -> None:
        """Memory follows a row. A session's mirror follows memory."""
        for account in accounts:
            before = self.book.put(account, is_written=are_written)
            after_ms = mirror_after_ms(before, account) if account.kind == "session" else None
            if after_ms is not None:
                self.mirrors.want(account.id, now_ms, after_ms)
        for key, history in histories:
            self.book.put_history(key, history)
        if self._checkpoint_due_at_ms is None and self.book.has_changes:
            self._checkpoint_due_at_ms = now_ms + CHECKPOINT_AFTER_MS

    # What follows -------------------------------------------------------------------------------------

    def tell(self, accounts: Sequence[Account], now_ms: int, *, is_refusing: bool = False) -> None:
        """Put what has to be told of these accounts into the outbox, and remember that in the same breath. What a fault
        keeps from being told the next checkpoint tells."""
        for account in accounts:
            told, messages = due_alerts(account, self.tenant, is_refusing=is_refusing, now_ms=now_ms)
            for message in messages:
                self.outbox.put(telemetry.to_wire(message))
            if messages:
                self.changed([told], now_ms)

    def checkpoint(self, now_ms: int) -> None:
        """Write the accounts that changed, and the number of the last end that they contain."""
        self.keys.write_uses()
        if self.book.has_changes:
            changed = self.book.changed()
            self.tell([account for account in changed if turned(account, now_ms) is account], now_ms)
            self.store.put_accounts(self._stored(self.book.changed()))
            self.book.written()
            self.answers.write()
            self.arrivals.forget_past(now_ms)
            self.store.put_checkpoint(Checkpoint(self.number, self.arrivals.moments()))
            self._checkpoint_number = self.number
        self._checkpoint_due_at_ms = None

    def checkpoint_due_at_ms(self) -> int | None:
        if self._checkpoint_due_at_ms is None:
            return None
        is_long = self.number - self._checkpoint_number >= CHECKPOINT_AFTER_ENDS
        return 0 if is_long or self.book.is_crowded else self._checkpoint_due_at_ms

    # Waking up ----------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Memory as the rows have it. Only holds that are open or ended after the last checkpoint are read, so a wake
        costs what happened lately, not what there is."""
        checkpoint = self.store.checkpoint()
        self._checkpoint_number = checkpoint.number
        # Ends may have outlived what a checkpoint says of them: one that cannot be read, or was not called for.
        self._number = max(checkpoint.number, self.journal.highest_number)
        self.arrivals.note(checkpoint.arrivals_us)
        contained: dict[ScopeKey, int] = {}
        holds = self.store.holds_since(checkpoint.number)
        for hold in sorted(holds, key=lambda each: each.place):
            self._place = hold.place
            self._replay_terms(hold)
        for hold in sorted(holds, key=_number_of):
            self._number = max(self._number, _number_of(hold))
            self.arrivals.note(hold.arrivals_us)
            self.answers.note(hold.answer)
            if hold.state == "open":
                self.holds.put(hold)
            self._replay(hold, contained)
        self.journal.woke(self.number)
        self._checkpoint_due_at_ms = 0 if self.book.has_changes else None
        for account in self.book.changed():
            if account.kind == "session" and is_stopped(account):  # the sleep may have come before its mirror
                self.mirrors.want(account.id, 0, SOON_MS)

    def _replay_terms(self, hold: Hold) -> None:
        """A session takes its calls' terms in the order in which they came; money is counted by their ends."""
        for scope in hold.scopes:
            account = standing_in(self.book.find(scope.key), scope) if scope.key.kind == "session" else None
            if account is not None:
                self.book.put(with_terms(account, hold), is_written=False)

    def _replay(self, hold: Hold, contained: dict[ScopeKey, int]) -> None:
        """Give every account the hold stands on what its row lacks of it."""
        for scope in hold.scopes:
            if scope.key not in contained:
                stored = self.book.find_stored(scope.key)
                contained[scope.key] = 0 if stored is None else stored.number
            account = standing_in(self.book.find(scope.key), scope)
            if account is None:
                continue
            history = self.book.history(account)
            replayed = self.under_ceiling(with_replay(account, hold, contained[scope.key]))
            self.book.put(replayed, is_written=False)
            if scope.key.kind == "session" and _number_of(hold) > contained[scope.key]:
                is_corrected = hold.corrected is not None and hold.corrected.number <= contained[scope.key]
                known = hold.corrected if is_corrected else None
                self.book.put_history(scope.key, _with_call(history, hold, corrected=known))


def _tokens_of(charge: Charge | None) -> int:
    return 0 if charge is None else charge.prompt_tokens + charge.completion_tokens


def _tokens_of_session(accounts: Sequence[Account]) -> int | None:
    session = session_of(accounts)
    return None if session is None else session.prompt_tokens + session.completion_tokens


def _number_of(hold: Hold) -> int:
    """Of its end; zero while it is open. Ends are told to a session's history in their order."""
    return 0 if hold.charge is None else hold.charge.number


def _with_call(history: SessionHistory, hold: Hold, *, corrected: Charge | None) -> SessionHistory:
    """A session's history with a call that has ended, or with the charge in place of an earlier one."""
    charge = hold.charge
    assert charge is not None, "an end has a charge"
    return with_ended(
        history,
        hold.turn,
        number=charge.number,
        began_at_ms=hold.began_at_ms,
        prompt_tokens=charge.prompt_tokens,
        completion_tokens=charge.completion_tokens,
        cost_nanousd=charge.charged_nanousd,
        is_replaced=hold.is_replaced,
        ended_at_ms=hold.used_at_ms,
        is_correction=corrected is not None,
        earlier_cost_nanousd=0 if corrected is None else corrected.charged_nanousd,
    )
