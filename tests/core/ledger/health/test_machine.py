"""Any history of a book against a naive one: a dict of circles and plain rules, told the same things; and whatever has
happened, to whatever clock, somebody is let through in the end."""

from dataclasses import dataclass, field

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.ledger.health.book import ENTRIES_MAX, NO_TROUBLES, Clear, Cooling, HealthBook, Probe, cleared, released
from core.ledger.health.entry import COUNTED_WITHIN_MS, FORGOTTEN_AFTER_MS, LEASE_MS_MAX
from core.ledger.health.notes import COUNTED_MS, HOUR_MS, STATED_MS_MAX, cap_ms
from core.ledger.health.targets import SCOPES, Target, circle
from core.ledger.health.views import standing
from tests.core.ledger.health.books import LEASE_MS, NOW_MS, TARGETS, asks, fails, serves

KINDS = ("provider", "network", "rate", "empty_account", "location", "key", "model")
WAITS_MS = (0, 1, 500, 14_999, 15_000, 15_001, 60_000, 5 * 60_000, HOUR_MS, 3 * HOUR_MS)
HOLDS = ("rsv_1", "rsv_2", "rsv_3")

TARGET = st.sampled_from(TARGETS)
HOLD = st.sampled_from(HOLDS)


@dataclass
class Trouble:
    """A circle's trouble as one would write it down without a thought of rows and bits."""

    kind: str
    failed_at_ms: int
    outcomes: list[bool] = field(default_factory=list)
    until_ms: int | None = None
    cool_ms: int = 0
    probe: str | None = None
    probe_until_ms: int = 0


class Naive:
    """What the book should say, with a clock that does not go backwards."""

    def __init__(self) -> None:
        self.troubles: dict[object, Trouble] = {}

    def forget(self, now_ms: int) -> None:
        for key, trouble in list(self.troubles.items()):
            if trouble.until_ms is None:
                is_old = now_ms - trouble.failed_at_ms > COUNTED_WITHIN_MS
            else:
                is_old = now_ms - max(trouble.until_ms, trouble.probe_until_ms) > FORGOTTEN_AFTER_MS
            if is_old:
                del self.troubles[key]

    def around(self, target: Target) -> list[Trouble]:
        keys = {circle(target, scope) for scope in SCOPES}
        return [trouble for key, trouble in self.troubles.items() if key in keys]

    def failed(self, target, kind, scope, cool_ms, is_stated, began_at_ms, hold_id, now_ms) -> None:
        self.forget(now_ms)
        trouble = self.troubles.setdefault(circle(target, scope), Trouble(kind, now_ms))
        trouble.failed_at_ms = now_ms
        trouble.outcomes = [*trouble.outcomes, True][-20:]
        wanted = None if cool_ms is None else max(1, min(cool_ms, cap_ms(kind, is_stated=is_stated)))
        is_probe = trouble.probe == hold_id
        if trouble.until_ms is None:
            failures = sum(trouble.outcomes)
            if wanted is None and failures >= 5 and failures / len(trouble.outcomes) >= 0.5:
                wanted = COUNTED_MS
        elif is_probe:
            wanted = max(wanted or COUNTED_MS, min(2 * trouble.cool_ms, cap_ms(kind, is_stated=False)))
        elif wanted is None and began_at_ms > trouble.until_ms - trouble.cool_ms:
            wanted = COUNTED_MS
        if wanted is not None and now_ms + wanted > (trouble.until_ms or 0):
            trouble.until_ms, trouble.cool_ms, trouble.kind = now_ms + wanted, wanted, kind
            trouble.probe = None
            trouble.probe_until_ms = 0
        self.released(hold_id)

    def served(self, target, began_at_ms, hold_id, now_ms) -> None:
        self.forget(now_ms)
        for key in [circle(target, scope) for scope in SCOPES]:
            trouble = self.troubles.get(key)
            if trouble is None:
                continue
            if trouble.until_ms is None:
                trouble.outcomes = [*trouble.outcomes, False][-20:]
                is_over = not any(trouble.outcomes)
            else:
                is_over = trouble.probe == hold_id or began_at_ms > trouble.failed_at_ms
            if is_over:
                del self.troubles[key]
        self.released(hold_id)

    def asked(self, target, hold_id, insists, now_ms) -> type:
        self.forget(now_ms)
        cooled = [trouble for trouble in self.around(target) if trouble.until_ms is not None]
        if not cooled:
            return Clear
        is_busy = any(
            now_ms < (each.until_ms or 0) or (each.probe not in (None, hold_id) and now_ms < each.probe_until_ms)
            for each in cooled
        )
        if is_busy:
            return Clear if insists else Cooling
        for each in cooled:
            if each.probe != hold_id or now_ms >= each.probe_until_ms:
                each.probe, each.probe_until_ms = hold_id, now_ms + LEASE_MS
        return Probe

    def released(self, hold_id: str) -> None:
        for trouble in self.troubles.values():
            if trouble.probe == hold_id:
                trouble.probe, trouble.probe_until_ms = None, 0


class Book(RuleBasedStateMachine):
    """The book and the naive one, told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.book = NO_TROUBLES
        self.naive = Naive()
        self.now_ms = NOW_MS

    @rule(wait_ms=st.sampled_from(WAITS_MS))
    def time_passes(self, wait_ms: int) -> None:
        self.now_ms += wait_ms

    @precondition(lambda self: any(each.until_ms for each in self.naive.troubles.values()))
    @rule(to=TARGET, hold_id=HOLD, is_served=st.booleans(), late_ms=st.sampled_from((0, 0, LEASE_MS)))
    def a_cool_down_ends_and_is_probed(self, to, hold_id, is_served, late_ms) -> None:
        ends_ms = [each.until_ms for each in self.naive.around(to) if each.until_ms is not None]
        self.now_ms = max([self.now_ms, *ends_ms])
        self.a_call_asks(to=to, hold_id=hold_id, insists=False)
        self.a_call_asks(to=to, hold_id="rsv_4", insists=False)
        self.now_ms += late_ms
        if is_served:
            self.an_attempt_is_served(to=to, ago_ms=late_ms, hold_id=hold_id)
        else:
            self.an_attempt_fails(
                to=to,
                kind="provider",
                scope="model",
                cool_ms=None,
                is_stated=False,
                ago_ms=late_ms,
                hold_id=hold_id,
                times=1,
            )

    @rule(
        to=TARGET,
        kind=st.sampled_from(KINDS),
        scope=st.sampled_from(SCOPES),
        cool_ms=st.sampled_from((None, 0, 1_000, 60_000, 7 * HOUR_MS)),
        is_stated=st.booleans(),
        ago_ms=st.sampled_from((0, 1, 10_000)),
        hold_id=HOLD,
        times=st.sampled_from((1, 1, 5)),
    )
    def an_attempt_fails(self, to, kind, scope, cool_ms, is_stated, ago_ms, hold_id, times) -> None:
        is_stated = is_stated and cool_ms is not None
        began_at_ms = self.now_ms - ago_ms
        for _ in range(times):
            self.naive.failed(to, kind, scope, cool_ms, is_stated, began_at_ms, hold_id, self.now_ms)
            self.book = fails(
                self.book,
                to,
                kind=kind,
                scope=scope,
                cool_ms=cool_ms,
                is_stated=is_stated,
                at_ms=self.now_ms,
                began_at_ms=began_at_ms,
                hold_id=hold_id,
            )

    @rule(to=TARGET, ago_ms=st.sampled_from((0, 1, 10_000)), hold_id=HOLD)
    def an_attempt_is_served(self, to, ago_ms, hold_id) -> None:
        self.naive.served(to, self.now_ms - ago_ms, hold_id, self.now_ms)
        self.book = serves(self.book, to, at_ms=self.now_ms, began_at_ms=self.now_ms - ago_ms, hold_id=hold_id)

    @rule(to=TARGET, hold_id=HOLD, insists=st.booleans())
    def a_call_asks(self, to, hold_id, insists) -> None:
        expected = self.naive.asked(to, hold_id, insists, self.now_ms)
        answer, self.book = asks(self.book, to, at_ms=self.now_ms, hold_id=hold_id, insists=insists)

        assert type(answer) is expected
        assert not (insists and isinstance(answer, Cooling))
        if isinstance(answer, Cooling):
            assert self.now_ms < answer.until_ms <= self.now_ms + STATED_MS_MAX

    @rule(hold_id=HOLD)
    def a_call_is_cancelled(self, hold_id) -> None:
        self.naive.released(hold_id)
        self.book = released(self.book, hold_id)

    @rule(provider=st.sampled_from(("openai", "anthropic", None)))
    def an_administrator_clears(self, provider) -> None:
        for key in [key for key in self.naive.troubles if provider in (None, key.provider)]:
            del self.naive.troubles[key]
        self.book = cleared(self.book, provider, None)

    @invariant()
    def both_tell_the_same(self) -> None:
        self.naive.forget(self.now_ms)
        told = {
            (view.scope, view.provider, view.account, view.model, view.place): (view.until_ms, view.reason)
            for view in standing(self.book, self.now_ms)
        }
        expected = {
            (key.scope, key.provider, key.account, key.model, key.place): (trouble.until_ms, trouble.kind)
            for key, trouble in self.naive.troubles.items()
            if trouble.until_ms is not None
        }
        assert told == expected

    @invariant()
    def nobody_is_kept_away_for_ever(self) -> None:
        somebody_passes_in_the_end(self.book, self.now_ms)

    @invariant()
    def it_survives_its_text(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.book), type=HealthBook) == self.book


class BookOfAnyClock(RuleBasedStateMachine):
    """The same operations while the clock jumps to and fro."""

    book = NO_TROUBLES
    now_ms = NOW_MS

    @rule(leap_ms=st.sampled_from((0, 1, 60_000, HOUR_MS, -1, -60_000, -HOUR_MS, -(10**11), 10**11)))
    def the_clock_leaps(self, leap_ms: int) -> None:
        self.now_ms = max(1, self.now_ms + leap_ms)

    @rule(to=TARGET, scope=st.sampled_from(SCOPES), cool_ms=st.sampled_from((None, 1_000, 7 * HOUR_MS)), hold_id=HOLD)
    def attempts_fail(self, to, scope, cool_ms, hold_id) -> None:
        self.book = fails(
            self.book,
            to,
            kind="rate",
            scope=scope,
            cool_ms=cool_ms,
            is_stated=cool_ms is not None,
            at_ms=self.now_ms,
            began_at_ms=NOW_MS,
            hold_id=hold_id,
            times=5,
        )

    @rule(to=TARGET, hold_id=HOLD)
    def a_call_asks(self, to, hold_id) -> None:
        answer, self.book = asks(self.book, to, at_ms=self.now_ms, hold_id=hold_id)

        if isinstance(answer, Cooling):
            assert self.now_ms < answer.until_ms <= self.now_ms + STATED_MS_MAX

    @rule(to=TARGET, hold_id=HOLD)
    def an_attempt_is_served(self, to, hold_id) -> None:
        self.book = serves(self.book, to, at_ms=self.now_ms, began_at_ms=NOW_MS, hold_id=hold_id)

    @invariant()
    def nobody_is_kept_away_for_ever(self) -> None:
        somebody_passes_in_the_end(self.book, self.now_ms)

    @invariant()
    def it_is_bounded(self) -> None:
        assert len(self.book.entries) <= ENTRIES_MAX
        assert len({entry.circle for entry in self.book.entries}) == len(self.book.entries)


def somebody_passes_in_the_end(book: HealthBook, now_ms: int) -> None:
    """Also where somebody asks meanwhile and claims what is free: who is waiting waits for a cap and a lease."""
    for target in TARGETS:
        _, asked = asks(book, target, at_ms=now_ms, hold_id="rsv_other", lease_ms=LEASE_MS_MAX)
        later_ms = now_ms + STATED_MS_MAX + LEASE_MS_MAX
        assert not isinstance(asks(asked, target, at_ms=later_ms, hold_id="rsv_new")[0], Cooling)


TestBook = Book.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBookOfAnyClock = BookOfAnyClock.TestCase
TestBookOfAnyClock.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
