"""The ledger against a naive model, through any history of calls, repeats, expiries, sleeps and clock moves.

The invariants: held is the sum of open holds; spent + held stays within the limit but for recorded overshoot; a denial
changes nothing; a hold ends once, a replay gets the first answer and changed contents are refused; nothing is open
after a sweep past its expiry; and the run was not vacuous.
"""

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    AdmitRequest,
    BudgetDenied,
    ConfigureRequest,
    Conflict,
    CountRequest,
    Extended,
    ExtendRequest,
    Granted,
    PausedDenied,
    RateLimits,
    Recorded,
    RecordRequest,
    Settled,
    SettleRequest,
    StatusRequest,
)
from tests.support.journal import deliver_all
from tests.support.naive_ledger import DAY_MS, NaiveHold, NaiveLedger, Scope
from tests.support.sqlite_ledger import SqliteDatabase, a_service

START_MS = 1_795_478_400_000 + 23 * 3_600_000
TEAM: Scope = ("team", "search", "month")
TEAM_LIMIT = 1_500
TTL_MS = 60_000
KEPT_MS = 15 * 60_000
AMOUNTS = st.integers(min_value=0, max_value=900)
SESSIONS = st.sampled_from(["s1", "s2", None])
TEAMS = st.sampled_from(["search", None])
CALLERS = st.sampled_from(["team:a", "key:b"])
STATED = st.sampled_from([1_000, 1_000, 700, None])
seen: Counter[str] = Counter()


class LedgerMachine(RuleBasedStateMachine):
    """Two sessions, one team with a hard limit, a tenant."""

    @initialize()
    def begin(self) -> None:
        self.database = SqliteDatabase()
        self.service = a_service(self.database)
        self.model = NaiveLedger()
        self.now_ms = START_MS
        self.count = 0
        self.admissions: dict[str, tuple[AdmitRequest, Granted]] = {}
        self.settlements: dict[str, SettleRequest] = {}
        self.written_at_ms: dict[str, int] = {}
        self.limit_team(TEAM_LIMIT)

    # Calls --------------------------------------------------------------------------------------------

    @rule(
        want=AMOUNTS, least=AMOUNTS, is_stream=st.booleans(), session=SESSIONS, team=TEAMS, stated=STATED,
        alone=st.sampled_from([50, 200, 400, None]), ttl_ms=st.sampled_from([1_000, TTL_MS]), caller=CALLERS, is_admin=st.sampled_from([False, False, True]),
    )  # fmt: skip
    def admit(
        self,
        want: int,
        least: int,
        is_stream: bool,
        session: str | None,
        team: str | None,
        stated: int | None,
        alone: int | None,
        ttl_ms: int,
        caller: str,
        is_admin: bool,
    ) -> None:
        self.count += 1
        least = min(want, least)
        stated = alone if session is None else stated
        request = AdmitRequest(
            hold_id=f"rsv_{self.count}", want_nanousd=want, least_nanousd=least, floor_nanousd=least // 2,
            ttl_ms=ttl_ms, session_id=session, team=team, session_limit_nanousd=stated, caller=caller,
            is_admin=is_admin, slice_nanousd=50 if is_stream else None,
        )  # fmt: skip
        before = self.sums()
        answer = self.service.admit(request, self.now_ms)
        seen[type(answer).__name__] += 1
        life = None if session is None else self.model.life(session, self.now_ms)
        is_own = session is not None and (life is None or is_admin or life.owner in (None, caller))
        is_worth_a_row = life is None or self.now_ms - life.used_at_ms >= 3_600_000
        if session is not None and (isinstance(answer, Granted) or (is_worth_a_row and (life or stated))):
            life = self.model.use(session, self.now_ms)
        if life is not None:
            is_tighter = self.model.state_limit(life, stated if is_own else None)
            if isinstance(answer, Granted) or is_tighter:
                life.owner = life.owner or caller
        own_limit = None if is_own else stated
        seen["a stranger's limit"] += life is not None and own_limit is not None
        if not isinstance(answer, Granted):
            assert want > 0, "a call that costs nothing is never refused"
            assert self.sums() == before, "a denial changes nothing"
            self.check_denial(answer, request)
            return
        assert least <= answer.granted_nanousd <= want
        scopes = self.model.scopes(session, team)
        windows = {scope: self.model.window(scope, self.now_ms) for scope in scopes}
        self.model.holds[request.hold_id] = NaiveHold(
            windows, answer.granted_nanousd, self.now_ms + ttl_ms, floor=min(least // 2, answer.granted_nanousd),
            most=own_limit,
        )  # fmt: skip
        assert own_limit is None or answer.granted_nanousd <= own_limit
        self.admissions[request.hold_id] = (request, answer)
        self.written_at_ms[request.hold_id] = self.now_ms
        if answer.granted_nanousd:
            for scope in scopes:
                limit = self.model.limit(scope, self.now_ms)
                taken = self.model.spent(scope, self.now_ms) + self.model.held(scope, self.now_ms)
                assert limit is None or taken <= limit, "a hard limit is never passed by a hold"

    def check_denial(self, answer: object, request: AdmitRequest) -> None:
        """It was refused for want of money, or for a pause; and the account that said so is right."""
        if isinstance(answer, PausedDenied):
            assert self.model.life(request.session_id, self.now_ms).is_paused
            return
        assert isinstance(answer, BudgetDenied)
        if answer.account.kind == "call":
            seen["denied by its own limit"] += 1
            assert answer.account.limit_nanousd == request.session_limit_nanousd < request.least_nanousd
            return
        scope = (answer.account.kind, answer.account.id, answer.account.window)
        spent, held = self.model.spent(scope, self.now_ms), self.model.held(scope, self.now_ms)
        assert answer.account.limit_nanousd - spent - held < request.least_nanousd
        is_short_for_good = held == 0 or answer.account.limit_nanousd - spent < request.least_nanousd
        self.model.tell([scope], self.now_ms, refusing=scope if is_short_for_good else None)

    @precondition(lambda self: self.admissions)
    @rule(data=st.data(), changes=st.booleans())
    def replay_admission(self, data: st.DataObject, changes: bool) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.admissions)))
        if self.now_ms >= self.written_at_ms[hold_id] + KEPT_MS:
            return
        request, first = self.admissions[hold_id]
        if changes:
            changed = msgspec.structs.replace(request, floor_nanousd=request.floor_nanousd + 1)
            assert isinstance(self.service.admit(changed, self.now_ms), Conflict)
            return
        answer = self.service.admit(request, self.now_ms)
        assert isinstance(answer, Granted), answer
        assert answer.granted_nanousd == self.model.holds[hold_id].granted >= first.granted_nanousd

    @precondition(lambda self: self.open_holds())
    @rule(data=st.data(), more=st.sampled_from([0, 1, 90, 400, 2_500]), used=st.integers(min_value=0, max_value=100))
    def extend(self, data: st.DataObject, more: int, used: int) -> None:
        hold_id = data.draw(st.sampled_from(self.open_holds()))
        hold = self.model.holds[hold_id]
        metered = hold.granted * used // 100
        request = ExtendRequest(
            hold_id=hold_id, want_nanousd=hold.granted + more, least_nanousd=hold.granted, metered_nanousd=metered,
            ttl_ms=TTL_MS,
        )  # fmt: skip
        answer = self.service.extend(request, self.now_ms)
        seen[type(answer).__name__] += 1
        for scope, window in hold.windows.items():
            if scope[0] == "session" and self.model.window(scope, self.now_ms) == window:
                self.model.use(scope[1], self.now_ms)
        if isinstance(answer, Extended):
            assert hold.granted <= answer.granted_nanousd <= hold.granted + more
        elif answer.account.kind == "call":
            assert hold.most is not None and hold.granted + more > hold.most
        else:
            assert more > 0, "what is held already is never denied"
            refusing = (answer.account.kind, answer.account.id, answer.account.window)
            spent = self.model.spent(refusing, self.now_ms)
            is_short_for_good = not answer.account.is_paused and answer.account.limit_nanousd - spent <= hold.granted
            self.model.tell([refusing], self.now_ms, refusing=refusing if is_short_for_good else None)
        assert hold.most is None or answer.granted_nanousd <= hold.most
        hold.granted = answer.granted_nanousd
        hold.metered = max(metered, hold.metered or 0)
        hold.expires_at_ms = max(hold.expires_at_ms, self.now_ms + TTL_MS)
        self.written_at_ms[hold_id] = self.now_ms

    @precondition(lambda self: self.admissions)
    @rule(data=st.data(), actual=AMOUNTS, by_record=st.booleans())
    def settle(self, data: st.DataObject, actual: int, by_record: bool) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.admissions)))
        hold = self.model.holds[hold_id]
        request = SettleRequest(hold_id=hold_id, actual_nanousd=actual, prompt_tokens=1)
        if by_record and not hold.is_settled:
            record = RecordRequest(
                event_id=hold_id, cost_nanousd=actual, prompt_tokens=1, completion_tokens=0,
                caller=self.admissions[hold_id][0].caller,
            )  # fmt: skip
            if not hold.is_open and self.now_ms >= self.written_at_ms[hold_id] + KEPT_MS:
                return
            by_a_stranger = msgspec.structs.replace(record, caller="key:nobody")
            assert isinstance(self.service.record(by_a_stranger, self.now_ms), Conflict)
            answer = self.service.record(record, self.now_ms)
            assert isinstance(answer, Recorded)
        else:
            answer = self.service.settle(request, self.now_ms)
            if (
                not hold.is_open
                and self.now_ms >= self.written_at_ms[hold_id] + KEPT_MS
                and answer == Conflict(reason="there is no such hold")
            ):
                return
            if hold.is_settled:
                is_same = self.settlements[hold_id] == request
                assert answer.is_replay if is_same else isinstance(answer, Conflict)
                return
            assert isinstance(answer, Settled), answer
            assert answer.was_expired == (not hold.is_open)
        seen["late settlement" if hold.was_expired else "settlement"] += 1
        if hold.was_expired:
            hold.correction = max(0, actual - hold.charged)
        hold.is_settled = True
        self.settlements[hold_id] = request
        self.written_at_ms[hold_id] = self.now_ms
        self.model.end(hold, actual, self.now_ms)

    @rule(cost=AMOUNTS, session=SESSIONS, team=TEAMS, caller=CALLERS)
    def record(self, cost: int, session: str | None, team: str | None, caller: str) -> None:
        self.count += 1
        report = RecordRequest(
            event_id=f"evt_{self.count}", cost_nanousd=cost, prompt_tokens=0, completion_tokens=0,
            session_id=session, team=team, caller=caller,
        )  # fmt: skip
        answers = [self.service.record(report, self.now_ms) for _ in range(2)]
        changed = msgspec.structs.replace(report, cost_nanousd=cost + 1)
        assert [answer.is_replay for answer in answers] == [False, True]
        assert isinstance(self.service.record(changed, self.now_ms), Conflict)
        life = self.model.use(session, self.now_ms)
        if life is not None:
            life.owner = life.owner or caller
        scopes = self.model.scopes(session, team)
        hold = NaiveHold({scope: self.model.window(scope, self.now_ms) for scope in scopes}, 0, self.now_ms)
        self.model.holds[report.event_id] = hold
        self.model.end(hold, cost, self.now_ms)

    # Looking ------------------------------------------------------------------------------------------

    @rule(session=st.sampled_from(["s1", "s2"]))
    def look(self, session: str) -> None:
        """A check, a page of sessions and a call that costs nothing write nothing; what they tell is right."""
        written = self.database.connection.total_changes
        shown = self.service.status(
            StatusRequest(session_id=session, session_default_limit_nanousd=500), self.now_ms
        ).accounts[0]
        page = self.service.list_sessions(ListSessionsRequest(), self.now_ms).accounts
        self.service.count(CountRequest(rate_limits=RateLimits(tenant_requests_per_minute=10_000)), self.now_ms)
        assert self.database.connection.total_changes == written
        life = self.model.life(session, self.now_ms)
        is_decided = life is not None and (life.limit is not None or life.is_decided)
        assert shown.limit_nanousd == (life.limit if is_decided else 500)
        listed = {account.id: account.spent_nanousd for account in page}
        assert listed == {
            name: self.model.spent(("session", name, "session"), self.now_ms)
            for name in ("s1", "s2")
            if self.model.life(name, self.now_ms) is not None
        }

    # Steering -----------------------------------------------------------------------------------------

    @rule(session=st.sampled_from(["s1", "s2"]), limit=st.sampled_from([2_000, 900, None]))
    def set_session_limit(self, session: str, limit: int | None) -> None:
        change = ConfigureRequest(
            kind="session", id=session, window="session", limit_nanousd=limit, clear_limit=limit is None
        )
        self.service.configure(change, self.now_ms)
        life = self.model.life(session, self.now_ms) or self.model.use(session, self.now_ms)
        life.limit, life.is_decided = limit, True

    @rule(session=st.sampled_from(["s1", "s2"]), is_paused=st.booleans())
    def pause(self, session: str, is_paused: bool) -> None:
        change = ConfigureRequest(kind="session", id=session, window="session", is_paused=is_paused)
        self.service.configure(change, self.now_ms)
        life = self.model.life(session, self.now_ms)
        if life is None and is_paused:
            life = self.model.use(session, self.now_ms)
        if life is not None:
            life.is_paused = is_paused

    @rule(session=st.sampled_from(["s1", "s2"]))
    def reset(self, session: str) -> None:
        change = ConfigureRequest(kind="session", id=session, window="session", reset_spent=True)
        self.service.configure(change, self.now_ms)
        if self.model.life(session, self.now_ms) is None:
            self.model.use(session, self.now_ms)
        self.model.forget(("session", session, "session"))

    @rule(limit=st.sampled_from([TEAM_LIMIT, TEAM_LIMIT, TEAM_LIMIT + 500]))
    def limit_team(self, limit: int) -> None:
        limit = max(limit, self.model.limits.get(TEAM) or 0)
        self.service.configure(
            ConfigureRequest(kind="team", id="search", window="month", limit_nanousd=limit), self.now_ms
        )
        self.model.set_limit(TEAM, limit, self.now_ms)

    # Time and sleep -----------------------------------------------------------------------------------

    @rule(pause_ms=st.sampled_from([1, 20_000, TTL_MS]))
    def time_passes(self, pause_ms: int) -> None:
        self.now_ms += pause_ms

    @rule(
        pause_ms=st.sampled_from(
            [1, 1_000, 1_000, TTL_MS, 6 * 60_000, 16 * 60_000, 3_600_000, DAY_MS - TTL_MS, DAY_MS, 8 * DAY_MS]
        )
    )
    def time_passes_to_an_alarm(self, pause_ms: int) -> None:
        self.now_ms += pause_ms
        self.service.sweep(self.now_ms)
        self.service.mirrors.take(self.now_ms, 50)
        deliver_all(self.service, self.now_ms)
        for hold_id in self.open_holds():
            hold = self.model.holds[hold_id]
            if hold.expires_at_ms <= self.now_ms:
                charge = hold.granted if hold.metered is None else min(hold.granted, max(hold.floor, hold.metered))
                hold.was_expired = True
                self.written_at_ms[hold_id] = self.now_ms
                seen["expiry"] += 1
                self.model.end(hold, charge, self.now_ms)
        due_at_ms = self.service.next_work_at_ms()
        assert due_at_ms is None or due_at_ms > self.now_ms, "an alarm that leaves work undone rings for ever"
        assert all(self.model.holds[each].expires_at_ms > self.now_ms for each in self.open_holds())

    @rule()
    def sleep_and_wake(self) -> None:
        self.service = a_service(self.database)
        seen["wake"] += 1

    # What must be true at every moment ----------------------------------------------------------------

    def open_holds(self) -> list[str]:
        return sorted(hold_id for hold_id, hold in self.model.holds.items() if hold.is_open)

    def sums(self) -> list[tuple[int, ...]]:
        accounts = []
        for session in ("s1", "s2"):
            accounts += self.service.status(StatusRequest(session_id=session), self.now_ms).accounts
        accounts += self.service.status(StatusRequest(team="search", include_tenant=True), self.now_ms).accounts
        return [(each.spent_nanousd, each.held_nanousd, each.overrun_nanousd) for each in accounts]

    @invariant()
    def the_accounts_are_the_sums(self) -> None:
        if not hasattr(self, "model"):
            return
        scopes = [("session", "s1", "session"), ("session", "s2", "session"), *self.model.scopes(None, "search")]
        model, now_ms = self.model, self.now_ms
        expected = [
            (model.spent(scope, now_ms), model.held(scope, now_ms), model.overrun(scope, now_ms)) for scope in scopes
        ]
        assert self.sums() == expected

    @invariant()
    def a_session_has_the_limit_it_was_given(self) -> None:
        if not hasattr(self, "model"):
            return
        for session in ("s1", "s2"):
            account = self.service.status(StatusRequest(session_id=session), self.now_ms).accounts[0]
            life = self.model.life(session, self.now_ms)
            assert account.limit_nanousd == (None if life is None else life.limit)
            assert account.is_paused == (life is not None and life.is_paused)

    @invariant()
    def the_team_never_passes_its_limit_but_by_overruns_and_late_corrections(self) -> None:
        if not hasattr(self, "model"):
            return
        on = self.model.on(TEAM, self.now_ms)
        excess = sum(hold.overrun + hold.correction for hold in on)
        taken = self.model.spent(TEAM, self.now_ms) + self.model.held(TEAM, self.now_ms)
        assert taken <= self.model.limits[TEAM] + excess

    @invariant()
    def each_alert_is_told_once(self) -> None:
        if not hasattr(self, "model"):
            return
        texts = [json.loads(text) for _, text in self.service.outbox.next(1_000)]
        keys = [text["alert_key"] for text in texts if text["type"] == "alert"]
        expected = [
            f"{what}:team:search:month:{window}" + (f":{round_ + 1}" if round_ else "")
            for what, _, window, round_ in self.model.told
        ]
        assert sorted(keys) == sorted(expected)


def test_any_history_agrees_with_the_naive_model() -> None:
    seen.clear()
    LedgerMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)

    needed = ["Granted", "BudgetDenied", "PausedDenied", "Extended", "settlement", "expiry", "wake"]
    needed += ["late settlement", "a stranger's limit", "denied by its own limit"]
    for _ in range(3):  # One round in some fifty lacks the rarest of them.
        LedgerMachine.TestCase().runTest()
        if all(seen[name] for name in needed):
            return
    pytest.fail(f"not everything was seen: {seen}")
