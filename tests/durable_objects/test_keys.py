"""A ledger's keys: who is let in from which moment on, what each may spend, and what a fault or a sleep leaves."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.bounds import KEYS_PER_TENANT_MAX
from core.ledger.hold import ScopeKey
from core.ledger.keys.key import KeyTerms, KeyToken
from core.ledger.keys.messages import (
    ChangeKeyRequest,
    CreateKeyRequest,
    KeyFound,
    KeyMadeBefore,
    KeyRequest,
    KeyRevoked,
    KeyView,
    KeyWritten,
    ListKeysRequest,
    NoKey,
    NotGranted,
    Once,
    OnceReused,
    RevokeKeyRequest,
    RotateKeyRequest,
    Standing,
    StandingRequest,
    Writer,
)
from core.ledger.loops.turns import Turn
from core.ledger.messages import (
    BudgetDenied,
    CountRequest,
    Granted,
    KeyDisabled,
    Outdated,
    RateDenied,
    RateLimits,
    Recorded,
)
from core.tenant.credentials import parse_key_record
from durable_objects.outgoing.copies import COPY_RETRY_MS_MAX
from durable_objects.service import LedgerService
from tests.support.ledger_agreement import woken
from tests.support.ledger_requests import HOUR_MS, NOW_MS, a_record, a_settlement, an_admission
from tests.support.sqlite_ledger import SqliteDatabase, StorageFault, a_service

KEY = "key_1"


def a_token(name: str = "a") -> KeyToken:
    return KeyToken(1, name * 64, "aw_live_1234", "cdef")


def make(ledger: LedgerService, key_id: str = KEY, budget: int | None = None, **terms: Any) -> KeyView:
    request = CreateKeyRequest(
        key_id=key_id,
        terms=KeyTerms(**{"name": "agent", **terms}),
        token=a_token(),
        budget_nanousd=budget,
        writer=Writer(actor="key:boss"),
    )
    written = ledger.answer(request, NOW_MS)
    assert isinstance(written, KeyWritten)
    return written.key


def change(ledger: LedgerService, key_id: str = KEY, budget: int | None = None, **terms: Any) -> Any:
    request = ChangeKeyRequest(
        key_id=key_id, terms=KeyTerms(**{"name": "agent", **terms}), budget_nanousd=budget, writer=Writer()
    )
    return ledger.answer(request, NOW_MS)


def admit(ledger: LedgerService, hold_id: str, want: int = 10, now_ms: int = NOW_MS, **changes: Any) -> Any:
    shown = {"key_id": KEY, "token_number": 1, "key_version": 1}
    return ledger.admit(an_admission(hold_id, want, session_id=None, **{**shown, **changes}), now_ms)


def test_a_key_is_let_in_by_its_own_token_only(ledger: LedgerService) -> None:
    make(ledger)

    assert isinstance(admit(ledger, "a"), Granted)
    assert isinstance(admit(ledger, "b", token_number=2), KeyDisabled)
    assert isinstance(admit(ledger, "c", token_number=None), KeyDisabled)


def test_a_record_that_names_a_token_of_a_key_that_is_not_kept_opens_nothing(ledger: LedgerService) -> None:
    assert isinstance(admit(ledger, "a"), KeyDisabled)
    assert isinstance(admit(ledger, "b", token_number=None, key_version=None), Granted)


STOPS = {
    "revoked": lambda ledger: ledger.answer(RevokeKeyRequest(key_id=KEY, writer=Writer()), NOW_MS),
    "disabled": lambda ledger: change(ledger, is_disabled=True),
    "expired": lambda ledger: change(ledger, expires_at_ms=NOW_MS),
    "rotated": lambda ledger: ledger.answer(
        RotateKeyRequest(key_id=KEY, token=a_token("b"), writer=Writer()), NOW_MS
    ),
}  # fmt: skip


@pytest.mark.parametrize("stop", STOPS)
def test_a_key_that_is_stopped_is_refused_whatever_it_asks(ledger: LedgerService, stop: str) -> None:
    make(ledger, role="admin")
    assert isinstance(STOPS[stop](ledger), KeyWritten)

    shown = {"key_id": KEY, "token_number": 1}
    writer = Writer(**shown)
    questions = [
        an_admission("a", key_version=1, **shown),
        CountRequest(rate_limits=RateLimits(), **shown),
        a_record(5, **shown),
        StandingRequest(**shown),
        RevokeKeyRequest(key_id=KEY, writer=writer),
        CreateKeyRequest(key_id="key_2", terms=KeyTerms(name="n"), token=a_token("c"), writer=writer),
    ]
    assert [type(ledger.answer(each, NOW_MS)) for each in questions] == [KeyDisabled] * len(questions)


def test_a_call_held_open_across_the_revocation_is_settled_and_brings_nothing_back(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    make(ledger)
    assert isinstance(admit(ledger, "open"), Granted)

    STOPS["revoked"](ledger)
    ledger.settle(a_settlement(7, "open"), NOW_MS)

    for each in (ledger, woken(database)):
        assert isinstance(admit(each, "later"), KeyDisabled)
        found = each.answer(KeyRequest(key_id=KEY), NOW_MS)
        assert isinstance(found, KeyFound)
        assert (found.key.state, found.key.account.spent_nanousd) == ("revoked", 7)


def test_both_tokens_of_a_rotation_spend_one_budget(ledger: LedgerService) -> None:
    make(ledger, budget=15)
    rotation = RotateKeyRequest(key_id=KEY, token=a_token("b"), overlap_s=60, writer=Writer())
    ledger.answer(rotation, NOW_MS)

    assert isinstance(admit(ledger, "old", 10, key_version=2), Granted)
    assert isinstance(admit(ledger, "new", 10, key_version=2, token_number=2, least_nanousd=10), BudgetDenied)
    assert isinstance(admit(ledger, "late", 1, now_ms=NOW_MS + 60_000, key_version=2), KeyDisabled)


def test_whoever_was_let_in_by_an_older_record_is_told_the_present_one(ledger: LedgerService) -> None:
    make(ledger, team="search")
    change(ledger, team="ads", requests_per_minute=7)

    answer = admit(ledger, "a", team="search")

    assert isinstance(answer, Outdated)
    record = parse_key_record(answer.key_record or "")
    assert (record.team, record.requests_per_minute, record.version, record.token_number) == ("ads", 7, 2, 1)
    assert isinstance(admit(ledger, "b", key_version=2), Granted)
    standing = ledger.answer(StandingRequest(key_id=KEY, token_number=1, key_version=1), NOW_MS)
    assert isinstance(standing, Standing) and standing.key_record == answer.key_record


def test_a_key_s_budget_is_the_month_s_and_a_refusal_names_the_key(ledger: LedgerService) -> None:
    make(ledger, budget=100)
    assert isinstance(admit(ledger, "a", 60), Granted)

    denied = admit(ledger, "b", 60, least_nanousd=60)

    assert isinstance(denied, BudgetDenied)
    assert (denied.account.kind, denied.account.id, denied.account.window) == ("key", KEY, "month")
    assert isinstance(admit(ledger, "c", 60, now_ms=NOW_MS + 40 * 24 * HOUR_MS, ttl_ms=1), Granted)


def test_a_budget_of_nothing_lets_nothing_be_spent(ledger: LedgerService) -> None:
    make(ledger, budget=0)

    assert isinstance(admit(ledger, "a", 1), BudgetDenied)
    assert isinstance(admit(ledger, "free", 0), Granted)


@pytest.mark.parametrize(("first", "then", "limit"), [(None, 5, 5), (5, None, None), (5, 0, 0), (0, 9, 9)])
def test_a_budget_is_what_was_written_last(ledger: LedgerService, first: Any, then: Any, limit: Any) -> None:
    assert make(ledger, budget=first).account.limit_nanousd == first

    assert change(ledger, budget=then).key.account.limit_nanousd == limit


def test_reports_are_charged_to_their_key(ledger: LedgerService) -> None:
    make(ledger, budget=100)

    answer = ledger.record(a_record(30, key_id=KEY, token_number=1, charged_key_id=KEY), NOW_MS)

    assert isinstance(answer, Recorded)
    found = ledger.answer(KeyRequest(key_id=KEY), NOW_MS)
    assert isinstance(found, KeyFound) and found.key.account.spent_nanousd == 30


def test_a_key_that_is_kept_is_held_to_its_own_rates(ledger: LedgerService) -> None:
    make(ledger, requests_per_minute=1)
    claimed = RateLimits(key_id=KEY, key_requests_per_minute=1_000)

    assert isinstance(admit(ledger, "a", rate_limits=claimed), Granted)
    assert isinstance(admit(ledger, "b", rate_limits=claimed), RateDenied)


def test_tokens_are_counted_by_what_a_call_has_used(ledger: LedgerService) -> None:
    make(ledger, tokens_per_minute=1_000)
    rates = RateLimits(key_id=KEY)
    turn = {"prompt_tokens": 800}

    assert isinstance(admit(ledger, "a", rate_limits=rates, turn=Turn(**turn)), Granted)
    assert isinstance(admit(ledger, "b", rate_limits=rates, turn=Turn(**turn)), RateDenied)
    ledger.settle(a_settlement(5, "a", prompt_tokens=100, completion_tokens=50), NOW_MS)
    assert isinstance(admit(ledger, "c", rate_limits=rates, turn=Turn(**turn)), Granted)
    ledger.settle(a_settlement(5, "c", prompt_tokens=800, completion_tokens=5_000), NOW_MS)
    assert isinstance(admit(ledger, "d", rate_limits=rates, turn=Turn(prompt_tokens=1)), RateDenied)


def test_a_repeat_of_the_request_that_made_a_key_makes_no_other(ledger: LedgerService) -> None:
    def create(key_id: str, contents: str, name: str = "n") -> Any:
        once = Once(name, contents)
        return ledger.answer(
            CreateKeyRequest(key_id=key_id, terms=KeyTerms(name="a"), token=a_token(), writer=Writer(), once=once),
            NOW_MS,
        )

    assert isinstance(create("key_1", "x"), KeyWritten)
    again = create("key_2", "x")
    assert isinstance(again, KeyMadeBefore) and again.key.key_id == "key_1"
    assert isinstance(create("key_3", "y"), OnceReused)
    assert isinstance(create("key_4", "y", name="m"), KeyWritten)
    assert [each.key_id for each in all_keys(ledger)] == ["key_1", "key_4"]


def test_a_revoked_key_is_neither_changed_nor_rotated_and_may_be_revoked_again(ledger: LedgerService) -> None:
    make(ledger)
    first = STOPS["revoked"](ledger)

    assert isinstance(change(ledger), KeyRevoked)
    assert isinstance(STOPS["rotated"](ledger), KeyRevoked)
    assert STOPS["revoked"](ledger) == first


def test_a_key_that_there_is_not_is_neither_read_nor_written(ledger: LedgerService) -> None:
    assert isinstance(ledger.answer(KeyRequest(key_id="other"), NOW_MS), NoKey)
    assert isinstance(change(ledger, "other"), NoKey)


def test_the_last_administrator_does_not_lock_its_tenant_out(ledger: LedgerService) -> None:
    make(ledger, role="admin")
    own = Writer(key_id=KEY, token_number=1)
    revocation = RevokeKeyRequest(key_id=KEY, writer=own)

    assert ledger.answer(revocation, NOW_MS) == NotGranted(fault="last_administrator")
    with_operator = msgspec.structs.replace(own, has_operator=True)
    make(ledger, "key_2", role="admin")
    assert isinstance(ledger.answer(revocation, NOW_MS), KeyWritten)
    second = RevokeKeyRequest(key_id="key_2", writer=msgspec.structs.replace(with_operator, key_id="key_2"))
    assert isinstance(ledger.answer(second, NOW_MS), KeyWritten)


def all_keys(ledger: LedgerService, limit: int = 100) -> list[KeyView]:
    found: list[KeyView] = []
    after: str | None = ""
    while after is not None:
        page = ledger.answer(ListKeysRequest(after_key_id=after, limit=limit), NOW_MS)
        found += page.keys  # type: ignore[attr-defined]
        after = page.next_after_key_id  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_lose_and_double_no_key(ledger: LedgerService, limit: int) -> None:
    for number in range(4):
        make(ledger, f"key_{number}")

    assert [each.key_id for each in all_keys(ledger, limit)] == [f"key_{number}" for number in range(4)]


def test_use_is_known_to_the_hour_and_costs_a_row_an_hour(ledger: LedgerService, database: SqliteDatabase) -> None:
    make(ledger)
    for number in range(50):
        admit(ledger, f"rsv_{number}")
        ledger.settle(a_settlement(1, f"rsv_{number}"), NOW_MS)
    ledger.sweep(NOW_MS + 61_000)

    assert all_keys(woken(database))[0].last_used_at_ms == NOW_MS - NOW_MS % HOUR_MS
    uses = [sql for sql, _ in database.statements if sql.startswith("UPDATE keys SET used_at_ms")]
    assert len(uses) == 1


def test_copies_wait_until_they_are_written_also_through_a_sleep(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    make(ledger)
    STOPS["rotated"](ledger)

    for each in (ledger, woken(database)):
        (key,) = each.keys.uncopied(10)
        names = [name for name, _ in each.keys.copies_of(key)]
        assert names == ["key:" + "a" * 64, "key:" + "b" * 64]
        assert each.next_work_at_ms() == 0
    first, second = [parse_key_record(text) for _, text in ledger.keys.copies_of(key)]
    assert (first.expires_at_ms, second.expires_at_ms, first.token_number, second.token_number) == (NOW_MS, None, 1, 2)
    ledger.keys.copied(key)
    assert woken(database).keys.uncopied(10) == []


def test_a_copy_that_was_late_leaves_the_later_writing_to_be_copied(ledger: LedgerService) -> None:
    make(ledger)
    (late,) = ledger.keys.uncopied(10)
    STOPS["revoked"](ledger)

    ledger.keys.copied(late)

    (key,) = ledger.keys.uncopied(10)
    assert [parse_key_record(text).disabled for _, text in ledger.keys.copies_of(key)] == [True]


def test_a_copy_that_fails_is_tried_later_and_later(ledger: LedgerService) -> None:
    make(ledger)
    moments = []
    for _ in range(12):
        ledger.keys.copy_failed(NOW_MS)
        moments.append((ledger.keys.copy_due_at_ms() or 0) - NOW_MS)

    assert moments[:3] == [5_000, 10_000, 20_000]
    assert moments[-1] == COPY_RETRY_MS_MAX


def test_a_row_that_cannot_be_read_opens_nothing(ledger: LedgerService, database: SqliteDatabase) -> None:
    make(ledger)
    database.connection.execute("UPDATE keys SET body = '{'")

    assert isinstance(admit(a_service(database), "a"), KeyDisabled)


def test_there_are_only_so_many_keys(ledger: LedgerService, database: SqliteDatabase) -> None:
    database.connection.execute(
        "INSERT INTO keys WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT 'k' || i, '', 0, 1, NULL FROM n", (KEYS_PER_TENANT_MAX,),
    )  # fmt: skip

    request = CreateKeyRequest(key_id=KEY, terms=KeyTerms(name="a"), token=a_token(), writer=Writer())
    assert type(ledger.answer(request, NOW_MS)).__name__ == "TooManyKeys"


WRITES = {
    "a key": CreateKeyRequest(
        key_id="key_9", terms=KeyTerms(name="n"), token=a_token("d"), budget_nanousd=7, writer=Writer(),
        once=Once("n", "c"),
    ),
    "a change": ChangeKeyRequest(key_id=KEY, terms=KeyTerms(name="n", team="ads"), budget_nanousd=9, writer=Writer()),
    "a rotation": RotateKeyRequest(key_id=KEY, token=a_token("b"), writer=Writer()),
    "a revocation": RevokeKeyRequest(key_id=KEY, writer=Writer()),
}  # fmt: skip


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("write", WRITES)
def test_after_a_statement_that_fails_a_repeat_completes_the_write(write: str, place: int) -> None:
    """A repeat of what has failed: its answer never went out, and the one who asked asks again."""
    database = SqliteDatabase()
    ledger = a_service(database)
    make(ledger, budget=3)
    database.fails_after = place
    try:
        ledger.answer(WRITES[write], NOW_MS)
    except StorageFault:
        ledger = a_service(database)
    database.fails_after = None

    answer = ledger.answer(WRITES[write], NOW_MS)

    assert isinstance(answer, KeyWritten | KeyMadeBefore)
    for key in all_keys(ledger):
        assert ledger.answer(KeyRequest(key_id=key.key_id), NOW_MS) == woken(database).answer(
            KeyRequest(key_id=key.key_id), NOW_MS
        )
    state, slept = ledger._state, woken(database)._state
    for key_id in (KEY, "key_9"):
        assert state.account(ScopeKey("key", key_id, "month"), NOW_MS) == slept.account(
            ScopeKey("key", key_id, "month"), NOW_MS
        )


@settings(max_examples=60, deadline=None)
@given(
    some.lists(
        some.tuples(some.sampled_from(["admit", "settle", "budget", "rotate", "wake"]), some.integers(0, 60)),
        max_size=40,
    )
)
def test_no_course_of_calls_and_changes_spends_more_than_the_key_s_budget(course: list[tuple[str, int]]) -> None:
    database = SqliteDatabase()
    ledger = a_service(database)
    make(ledger, budget=100)
    version, token, open_holds, count = 1, 1, [], 0
    for act, number in course:
        if act == "admit":
            count += 1
            answer = admit(
                ledger,
                f"h{count}",
                number,
                least_nanousd=number,
                floor_nanousd=0,
                key_version=version,
                token_number=token,
            )
            if isinstance(answer, Granted):
                open_holds.append((f"h{count}", number))
                account = ledger._state.account(ScopeKey("key", KEY, "month"), NOW_MS)
                assert (
                    number == 0
                    or account.limit_nanousd is None
                    or (account.spent_nanousd + account.held_nanousd <= account.limit_nanousd)
                )
        elif act == "settle" and open_holds:
            hold_id, held = open_holds.pop()
            ledger.settle(a_settlement(min(held, number), hold_id), NOW_MS)
        elif act == "budget":
            change(ledger, budget=number * 3)
        elif act == "rotate":
            ledger.answer(RotateKeyRequest(key_id=KEY, token=a_token("b"), writer=Writer()), NOW_MS)
            version, token = version + 1, token + 1
        elif act == "wake":
            ledger = a_service(database)
