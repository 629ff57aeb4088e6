"""No session holds and spends beyond the ceiling in force when money is granted, in any order of headers, defaults,
administrators' changes, ceilings, ends and sleeps."""

import json
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.ledger.document_messages import WriteRequest
from core.ledger.messages import (
    AccountView,
    AdmitRequest,
    CeilingDenied,
    Configured,
    ConfigureRequest,
    Extended,
    ExtendRequest,
    Granted,
    RecordRequest,
    SettleRequest,
    StatusRequest,
)
from core.money.amount import format_usd
from tests.support.sqlite_ledger import SqliteDatabase, a_service

START_MS = 1_795_478_400_000
AMOUNTS = st.integers(min_value=1, max_value=600)
LIMITS = st.sampled_from([None, 50, 200, 400, 900])
CEILINGS = st.sampled_from([None, 60, 150, 300, 500])
SESSIONS = st.sampled_from(["s", "t"])
seen: Counter[str] = Counter()


class CeilingMachine(RuleBasedStateMachine):
    """Two sessions of one tenant, whose operator and whose own configuration have ceilings."""

    @initialize()
    def begin(self) -> None:
        self.database = SqliteDatabase()
        self.service = a_service(self.database)
        self.now_ms = START_MS
        self.count = 0
        self.open: dict[str, str] = {}
        self.ceilings: dict[str, int | None] = {}
        self.month_max: int | None = None

    @property
    def ceiling(self) -> int | None:
        return min((each for each in self.ceilings.values() if each is not None), default=None)

    def session(self, session_id: str) -> AccountView:
        return self.service.status(StatusRequest(session_id=session_id), self.now_ms).accounts[0]

    def month(self) -> AccountView:
        accounts = self.service.status(StatusRequest(include_tenant=True), self.now_ms).accounts
        return next(each for each in accounts if each.window == "month")

    def check_granted(self, session_id: str | None, amount: int) -> None:
        if not amount:
            return
        seen["granted"] += 1
        if session_id is not None and self.ceiling is not None:
            account = self.session(session_id)
            assert account.spent_nanousd + account.held_nanousd <= self.ceiling
            seen["granted under a ceiling"] += 1
        if self.month_max is not None:
            assert self.month().spent_nanousd + self.month().held_nanousd <= self.month_max

    @rule(
        session=SESSIONS | st.none(),
        want=AMOUNTS,
        stated=LIMITS,
        default=LIMITS,
        slice_nanousd=st.sampled_from([None, 30]),
        is_admin=st.booleans(),
    )
    def admit(self, session: str | None, want: int, stated: int | None, default: int | None, slice_nanousd: int | None, is_admin: bool) -> None:  # fmt: skip
        self.count += 1
        hold_id = f"rsv_{self.count}"
        request = AdmitRequest(
            hold_id=hold_id, want_nanousd=want, least_nanousd=1, floor_nanousd=0, ttl_ms=60_000, session_id=session,
            session_limit_nanousd=stated, session_default_limit_nanousd=default, slice_nanousd=slice_nanousd,
            caller="team:a", is_admin=is_admin,
        )  # fmt: skip
        answer = self.service.admit(request, self.now_ms)
        seen[type(answer).__name__] += 1
        if isinstance(answer, Granted):
            self.open[hold_id] = session or ""
            self.check_granted(session, answer.granted_nanousd)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), want=AMOUNTS)
    def extend(self, data: st.DataObject, want: int) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.open)))
        held = self.service._state.holds.find(hold_id).granted_nanousd
        request = ExtendRequest(
            hold_id=hold_id, want_nanousd=held + want, least_nanousd=held + 1, metered_nanousd=0, ttl_ms=60_000
        )
        answer = self.service.extend(request, self.now_ms)
        if isinstance(answer, Extended):
            self.check_granted(self.open[hold_id] or None, answer.granted_nanousd - held)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), actual=AMOUNTS)
    def settle(self, data: st.DataObject, actual: int) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.open)))
        self.service.settle(SettleRequest(hold_id=hold_id, actual_nanousd=actual), self.now_ms)
        del self.open[hold_id]

    @rule(session=SESSIONS, cost=AMOUNTS, default=LIMITS)
    def report(self, session: str, cost: int, default: int | None) -> None:
        self.count += 1
        request = RecordRequest(
            event_id=f"evt_{self.count}", cost_nanousd=cost // 6, prompt_tokens=0, completion_tokens=0,
            session_id=session, session_default_limit_nanousd=default,
        )  # fmt: skip
        self.service.record(request, self.now_ms)

    @rule(
        session=SESSIONS, limit=LIMITS, clears=st.booleans(), is_hard=st.sampled_from([None, None, True, False]),
        resets=st.booleans(),
    )  # fmt: skip
    def change_session(self, session: str, limit: int | None, clears: bool, is_hard: bool | None, resets: bool) -> None:
        request = ConfigureRequest(
            kind="session", id=session, window="session", limit_nanousd=None if clears else limit, clear_limit=clears,
            is_hard=is_hard, reset_spent=resets,
        )  # fmt: skip
        self.check_change(request, self.ceiling, may_reset=True)

    @rule(limit=LIMITS, clears=st.booleans(), is_hard=st.sampled_from([None, None, False]), resets=st.booleans())
    def change_month(self, limit: int | None, clears: bool, is_hard: bool | None, resets: bool) -> None:
        request = ConfigureRequest(
            kind="tenant", id="acme", window="month", limit_nanousd=None if clears else limit, clear_limit=clears,
            is_hard=is_hard, reset_spent=resets,
        )  # fmt: skip
        self.check_change(request, self.month_max, may_reset=False)

    def check_change(self, request: ConfigureRequest, ceiling: int | None, *, may_reset: bool) -> None:
        answer = self.service.answer(request, self.now_ms)
        is_beyond = ceiling is not None and (
            request.clear_limit
            or (request.limit_nanousd or 0) > ceiling
            or request.is_hard is False
            or (request.reset_spent and not may_reset)
        )
        assert isinstance(answer, CeilingDenied if is_beyond else Configured)
        seen[type(answer).__name__] += 1

    @rule(by=st.sampled_from(["tenant", "config"]), ceiling=CEILINGS, month_max=st.sampled_from([None, 700, 2_000]))
    def write_ceiling(self, by: str, ceiling: int | None, month_max: int | None) -> None:
        members: dict[str, Any] = {"session_budget_max_usd": None if ceiling is None else format_usd(ceiling)}
        if by == "tenant":
            members["budget_max_usd"] = None if month_max is None else format_usd(month_max)
            self.month_max = month_max
        self.ceilings[by] = ceiling
        self.service.answer(WriteRequest(kind=by, text=json.dumps(members)), self.now_ms)

    @rule(is_checkpointed=st.booleans())
    def sleep(self, is_checkpointed: bool) -> None:
        if is_checkpointed:
            self.service._state.checkpoint(self.now_ms)
        self.service = a_service(self.database)

    @invariant()
    def no_limit_is_above_its_ceiling(self) -> None:
        for session_id in ("s", "t"):
            account = self.session(session_id)
            if self.ceiling is not None:
                assert account.is_hard and account.limit_nanousd is not None
                assert account.limit_nanousd <= self.ceiling
        if self.month_max is not None:
            month = self.month()
            assert month.is_hard and month.limit_nanousd is not None and month.limit_nanousd <= self.month_max


def test_no_history_gets_a_session_or_a_month_beyond_its_ceiling() -> None:
    seen.clear()
    CeilingMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

    CeilingMachine.TestCase().runTest()

    needed = ["granted under a ceiling", "BudgetDenied", "CeilingDenied", "Configured"]
    assert all(seen[name] for name in needed), seen
