"""The ledger against a naive model, through any history of calls, repeats, expiries, sleeps and clock moves."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.messages import (
    AdmitRequest,
    Conflict,
    Extended,
    ExtendRequest,
    Granted,
    RecordRequest,
    Settled,
    SettleRequest,
    StatusRequest,
)
from tests.support.sqlite_ledger import SqliteDatabase, a_service

START_MS = 1_795_478_400_000
LIMIT = 1_000
TTL_MS = 60_000
AMOUNTS = st.integers(min_value=0, max_value=600)


class LedgerMachine(RuleBasedStateMachine):
    """One session with a limit. The model: open holds, and what was charged under each id."""

    @initialize()
    def begin(self) -> None:
        self.database = SqliteDatabase()
        self.service = a_service(self.database)
        self.now_ms = START_MS
        self.count = 0
        self.open: dict[str, int] = {}
        self.expires: dict[str, int] = {}
        self.charged: dict[str, int] = {}
        self.overrun: dict[str, int] = {}
        self.granted: dict[str, int] = {}
        self.settled: set[str] = set()
        self.metered: dict[str, int] = {}

    @rule(want=AMOUNTS, least=AMOUNTS, is_stream=st.booleans())
    def admit(self, want: int, least: int, is_stream: bool) -> None:
        self.count += 1
        request = AdmitRequest(
            hold_id=f"rsv_{self.count}", want_nanousd=want, least_nanousd=min(want, least), floor_nanousd=0,
            ttl_ms=TTL_MS, session_id="s", session_limit_nanousd=LIMIT, slice_nanousd=50 if is_stream else None,
        )  # fmt: skip
        answer = self.service.admit(request, self.now_ms)
        if isinstance(answer, Granted):
            assert min(want, least) <= answer.granted_nanousd <= want
            assert answer.granted_nanousd == 0 or self.spent + self.held + answer.granted_nanousd <= LIMIT
            self.open[request.hold_id] = answer.granted_nanousd
            self.granted[request.hold_id] = answer.granted_nanousd
            self.expires[request.hold_id] = self.now_ms + TTL_MS
        else:
            assert want > 0 and LIMIT - self.spent - self.held < max(1, min(want, least))
        assert type(self.service.admit(request, self.now_ms)) is type(answer)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), more=AMOUNTS)
    def extend(self, data: st.DataObject, more: int) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.open)))
        held = self.open[hold_id]
        request = ExtendRequest(
            hold_id=hold_id, want_nanousd=held + more, least_nanousd=held, metered_nanousd=held, ttl_ms=TTL_MS
        )
        answer = self.service.extend(request, self.now_ms)
        if isinstance(answer, Extended):
            assert held <= answer.granted_nanousd <= held + more
            self.open[hold_id] = self.granted[hold_id] = answer.granted_nanousd
        self.metered[hold_id] = held
        self.expires[hold_id] = self.now_ms + TTL_MS

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), actual=AMOUNTS)
    def settle(self, data: st.DataObject, actual: int) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.granted)))
        answer = self.service.settle(SettleRequest(hold_id=hold_id, actual_nanousd=actual), self.now_ms)
        if hold_id in self.settled:
            assert isinstance(answer, Conflict) or answer.is_replay
            return
        assert isinstance(answer, Settled)
        self.open.pop(hold_id, None)
        self.settled.add(hold_id)
        self.charged[hold_id] = actual
        self.overrun[hold_id] = max(0, actual - self.granted[hold_id])

    @rule(cost=AMOUNTS)
    def record(self, cost: int) -> None:
        self.count += 1
        report = RecordRequest(
            event_id=f"evt_{self.count}", cost_nanousd=cost, prompt_tokens=0, completion_tokens=0, session_id="s"
        )
        for _ in range(2):
            self.service.record(report, self.now_ms)
        self.charged[report.event_id] = cost
        self.overrun[report.event_id] = cost

    @rule(pause_ms=st.sampled_from([1, 20_000, TTL_MS]))
    def time_passes_to_an_alarm(self, pause_ms: int) -> None:
        self.now_ms += pause_ms
        self.service.sweep(self.now_ms)
        for hold_id in [each for each in self.open if self.expires[each] <= self.now_ms]:
            held = self.open.pop(hold_id)
            self.charged[hold_id] = self.metered.get(hold_id, held)
            self.overrun[hold_id] = 0

    @rule()
    def checkpoint(self) -> None:
        self.service.checkpoint()

    @rule()
    def sleep_and_wake(self) -> None:
        self.service = a_service(self.database)

    @property
    def held(self) -> int:
        return sum(self.open.values())

    @property
    def spent(self) -> int:
        return sum(self.charged.values())

    @invariant()
    def the_accounts_are_the_sums(self) -> None:
        if not hasattr(self, "service"):
            return
        account = self.service.status(StatusRequest(session_id="s"), self.now_ms).accounts[0]
        assert (account.held_nanousd, account.spent_nanousd) == (self.held, self.spent)
        assert account.overrun_nanousd == sum(self.overrun.values())
        assert self.spent + self.held <= LIMIT + sum(self.overrun.values()) + self.corrections

    @property
    def corrections(self) -> int:
        """What late settlements of expired holds charged after others had taken the money again."""
        return sum(self.charged[each] for each in self.settled if self.expires[each] <= self.now_ms)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
