"""Who is let through to a target, who asks for all, and when what is known of it is forgotten."""

import msgspec
import pytest

from core.ledger.health.book import (
    ENTRIES_MAX,
    NO_TROUBLES,
    Clear,
    Cooling,
    HealthBook,
    Probe,
    cleared,
    released,
)
from core.ledger.health.entry import COUNTED_WITHIN_MS, FORGOTTEN_AFTER_MS, LEASE_MS_MAX
from core.ledger.health.notes import (
    COUNTED_MS,
    EMPTY_ACCOUNT_MS_MAX,
    GUESS_MS_MAX,
    HOUR_MS,
    MINUTE_MS,
    OUTAGE_MS_MAX,
    STATED_MS_MAX,
    CoolDown,
    HealthNote,
    failed,
)
from core.ledger.health.targets import Target, target
from core.ledger.health.views import CoolingView, keeps_away, standing
from tests.core.ledger.health.books import (
    CLAUDE,
    GPT,
    GPT_ELSEWHERE,
    GPT_OTHER_KEY,
    LEASE_MS,
    MINI,
    NOW_MS,
    TARGETS,
    asks,
    fails,
    is_kept_away,
    limited,
    serves,
)


def cool_ms(book: HealthBook, at_ms: int = NOW_MS) -> int:
    """How long from now the only trouble lasts."""
    (view,) = standing(book, at_ms)
    return view.until_ms - at_ms


# Counting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "is_cooling"),
    [
        ("F", False),
        ("FFFF", False),
        ("FFFFF", True),
        ("F" + 47 * "." + "FF", False),
        ("FFF" + 47 * ".", False),
        ("F.F.F.F.F", True),
        ("F..F..F..F..F", False),
        ("F" + 200 * "." + "FFFFF", True),
        (40 * "F..." + "FFFFFFFF", True),
    ],
    ids=["1 of 1", "4 of 4", "5 of 5", "3 of 50", "3 of 50, first", "5 of 9", "5 of 13", "after long health", "a drip"],
)
def test_an_outage_is_a_rate_of_enough_failures(outcomes: str, is_cooling: bool) -> None:
    book = NO_TROUBLES
    for outcome in outcomes:
        book = fails(book) if outcome == "F" else serves(book)

    assert is_kept_away(book) is is_cooling


def test_whoever_calls_every_few_minutes_meets_a_dead_host_five_times() -> None:
    book = NO_TROUBLES
    for number in range(5):
        book = fails(book, at_ms=NOW_MS + number * 5 * MINUTE_MS)

    assert is_kept_away(book, at_ms=NOW_MS + 20 * MINUTE_MS)


def test_failures_far_apart_are_no_outage() -> None:
    book = NO_TROUBLES
    for number in range(20):
        book = fails(book, at_ms=NOW_MS + number * (COUNTED_WITHIN_MS + 1))

    assert standing(book, NOW_MS + 20 * COUNTED_WITHIN_MS) == ()


def test_a_connection_that_fails_counts_as_well() -> None:
    book = fails(kind="network", scope="provider", times=5)

    assert is_kept_away(book, GPT_OTHER_KEY)


def test_a_success_of_a_healthy_target_changes_nothing() -> None:
    book = limited(target=CLAUDE)

    assert serves(NO_TROUBLES) is NO_TROUBLES
    assert serves(book) is book


def test_what_was_counted_is_forgotten_after_enough_successes() -> None:
    assert serves(fails(), times=20) == NO_TROUBLES


# How far and how long -------------------------------------------------------------------------------------

SCOPES = [
    ("rate", "model", 1_000, (GPT, GPT_ELSEWHERE)),
    ("model", "model", 1_000, (GPT, GPT_ELSEWHERE)),
    ("empty_account", "account", 1_000, (GPT, MINI, GPT_ELSEWHERE)),
    ("key", "account", 1_000, (GPT, MINI, GPT_ELSEWHERE)),
    ("location", "place", 1_000, (GPT, MINI, GPT_OTHER_KEY)),
    ("network", "provider", 1_000, (GPT, MINI, GPT_OTHER_KEY, GPT_ELSEWHERE)),
]


@pytest.mark.parametrize(("kind", "scope", "wait_ms", "kept_away"), SCOPES, ids=[each[0] for each in SCOPES])
def test_a_trouble_reaches_as_far_as_its_scope(kind, scope, wait_ms, kept_away) -> None:
    book = fails(kind=kind, scope=scope, cool_ms=wait_ms)

    assert tuple(each for each in TARGETS if is_kept_away(book, each)) == kept_away


CAPS = [
    ("rate", True, STATED_MS_MAX),
    ("rate", False, GUESS_MS_MAX),
    ("empty_account", True, STATED_MS_MAX),
    ("empty_account", False, EMPTY_ACCOUNT_MS_MAX),
    ("provider", True, OUTAGE_MS_MAX),
    ("network", False, OUTAGE_MS_MAX),
    ("something new", False, GUESS_MS_MAX),
]


@pytest.mark.parametrize(("kind", "is_stated", "most_ms"), CAPS)
def test_no_cool_down_is_longer_than_its_kind_may_be(kind, is_stated, most_ms) -> None:
    assert cool_ms(fails(kind=kind, cool_ms=568_157_000, is_stated=is_stated)) == most_ms


def test_a_stated_limit_cools_at_once() -> None:
    assert is_kept_away(limited())


def test_a_cool_down_of_nothing_still_lets_one_ask_first() -> None:
    book = limited(cool_ms=0)

    assert isinstance(asks(book, at_ms=NOW_MS + 1)[0], Probe)


def test_the_later_deadline_wins_whichever_comes_first() -> None:
    for first_ms, second_ms in ((1_000, 60_000), (60_000, 1_000)):
        assert cool_ms(limited(limited(cool_ms=first_ms), cool_ms=second_ms)) == 60_000


def test_failures_of_calls_that_were_under_way_do_not_put_off_a_counted_cool_down() -> None:
    book = fails(times=5)

    after = fails(book, at_ms=NOW_MS + 10_000, began_at_ms=NOW_MS - 5_000, times=50)

    assert cool_ms(after) == COUNTED_MS
    assert standing(after, NOW_MS)[0].count == 55


def test_a_failure_that_began_within_the_cool_down_puts_it_off() -> None:
    book = fails(fails(times=5), at_ms=NOW_MS + 10_000, began_at_ms=NOW_MS + 1)

    assert cool_ms(book) == 10_000 + COUNTED_MS


def test_a_success_that_began_before_the_failure_clears_nothing() -> None:
    book = limited(cool_ms=60_000)

    assert serves(book, at_ms=NOW_MS + 500, began_at_ms=NOW_MS - 1) is book
    assert serves(book, at_ms=NOW_MS + 500, began_at_ms=NOW_MS) is book


def test_a_success_that_began_after_it_clears_what_holds_its_target() -> None:
    book = fails(limited(limited(cool_ms=60_000), MINI, 60_000), kind="key", scope="account", cool_ms=60_000)

    after = serves(book, at_ms=NOW_MS + 500, began_at_ms=NOW_MS + 1)

    assert [view.model for view in standing(after, NOW_MS + 500)] == ["mini"]


# The probe ------------------------------------------------------------------------------------------------


def test_of_a_hundred_calls_at_the_instant_one_probes() -> None:
    book, at_ms, answers = limited(), NOW_MS + 1_000, []
    for number in range(100):
        answer, book = asks(book, at_ms=at_ms, hold_id=f"rsv_{number}")
        answers.append(answer)

    assert [type(answer) for answer in answers] == [Probe, *[Cooling] * 99]
    assert all(answer.is_probing and answer.until_ms == at_ms + LEASE_MS for answer in answers[1:])


def test_the_probe_that_asks_again_keeps_its_place_and_no_longer_than_before() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)

    answer, after = asks(book, at_ms=NOW_MS + 2_000)

    assert (answer, after is book) == (Probe(), True)


def test_a_probe_that_is_served_ends_the_trouble() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)

    assert serves(book, at_ms=NOW_MS + 3_000, hold_id="rsv_1") == NO_TROUBLES


def test_a_probe_that_fails_doubles_the_cool_down_up_to_its_cap() -> None:
    book, at_ms, waits = fails(times=5), NOW_MS, []
    for _ in range(7):
        at_ms += cool_ms(book, at_ms)
        _, book = asks(book, at_ms=at_ms)
        book = fails(book, at_ms=at_ms, hold_id="rsv_1")
        waits.append(cool_ms(book, at_ms))

    assert waits == [30_000, 60_000, 120_000, 240_000, OUTAGE_MS_MAX, OUTAGE_MS_MAX, OUTAGE_MS_MAX]
    assert not standing(book, at_ms)[0].is_probing


def test_what_a_provider_states_after_a_probe_is_doubled_by_minutes_only() -> None:
    book = limited(cool_ms=2 * HOUR_MS)
    _, book = asks(book, at_ms=NOW_MS + 2 * HOUR_MS)

    after = limited(book, cool_ms=1_000, at_ms=NOW_MS + 2 * HOUR_MS, hold_id="rsv_1")

    assert cool_ms(after, NOW_MS + 2 * HOUR_MS) == GUESS_MS_MAX


def test_a_cancelled_probe_frees_its_place() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)

    after = released(book, "rsv_1")

    assert isinstance(asks(after, at_ms=NOW_MS + 1_000, hold_id="rsv_2")[0], Probe)
    assert released(after, "rsv_1") is after
    assert released(book, "") is book


def test_a_probe_that_met_another_trouble_frees_its_place() -> None:
    book = fails(kind="network", scope="provider", times=5)
    at_ms = NOW_MS + COUNTED_MS
    _, book = asks(book, at_ms=at_ms)

    after = limited(book, at_ms=at_ms, cool_ms=60_000, hold_id="rsv_1")

    assert isinstance(asks(after, MINI, at_ms=at_ms, hold_id="rsv_2")[0], Probe)


def test_a_lease_that_ran_out_frees_the_place() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)

    assert isinstance(asks(book, at_ms=NOW_MS + 999 + LEASE_MS, hold_id="rsv_2")[0], Cooling)
    assert isinstance(asks(book, at_ms=NOW_MS + 1_000 + LEASE_MS, hold_id="rsv_2")[0], Probe)


def test_a_lease_is_bounded() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000, lease_ms=10**12)

    assert isinstance(asks(book, at_ms=NOW_MS + 1_000 + LEASE_MS_MAX, hold_id="rsv_2")[0], Probe)


def test_one_call_probes_all_that_holds_its_target_or_nothing() -> None:
    book = before = fails(limited(), kind="key", scope="account", cool_ms=2_000)

    waiting, same = asks(book, at_ms=NOW_MS + 1_000)
    probing, book = asks(book, at_ms=NOW_MS + 2_000)

    assert isinstance(waiting, Cooling) and waiting.until_ms == NOW_MS + 2_000
    assert (same, probing) == (before, Probe())
    assert [view.is_probing for view in standing(book, NOW_MS + 2_000)] == [True, True]


def test_a_late_success_does_not_hide_what_another_call_has_learnt_since() -> None:
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)
    book = limited(book, cool_ms=60_000, at_ms=NOW_MS + 2_000)

    after = serves(book, at_ms=NOW_MS + 3_000, began_at_ms=NOW_MS + 1_000, hold_id="rsv_1")

    assert is_kept_away(after, at_ms=NOW_MS + 3_000)


def test_a_failure_of_nobody_s_hold_is_no_probe_s() -> None:
    book = limited(limited(cool_ms=1_000), at_ms=NOW_MS + 1_000, cool_ms=1_000, hold_id="")

    assert cool_ms(book, NOW_MS + 1_000) == 1_000


# Who is never kept away -----------------------------------------------------------------------------------


def test_a_call_with_nowhere_else_to_go_is_never_kept_away() -> None:
    book = fails(limited(cool_ms=60_000), kind="empty_account", scope="account", cool_ms=60_000)

    answer, after = asks(book, insists=True)

    assert (answer, after) == (Clear(), book)


def test_such_a_call_is_the_probe_where_there_is_none() -> None:
    probing, book = asks(limited(), at_ms=NOW_MS + 1_000, insists=True)
    also, _ = asks(book, at_ms=NOW_MS + 1_000, insists=True, hold_id="rsv_2")

    assert (probing, also) == (Probe(), Clear())


# Time ------------------------------------------------------------------------------------------------------


def test_a_clock_that_went_back_keeps_nobody_away_for_longer_than_the_cap() -> None:
    book = limited(cool_ms=60_000)
    earlier_ms = NOW_MS - 400 * 24 * HOUR_MS

    answer, book = asks(book, at_ms=earlier_ms)

    assert isinstance(answer, Cooling)
    assert answer.until_ms == earlier_ms + STATED_MS_MAX
    assert isinstance(asks(book, at_ms=earlier_ms + STATED_MS_MAX)[0], Probe)


def test_a_probe_s_success_counts_by_a_clock_that_went_back() -> None:
    earlier_ms = NOW_MS - 400 * 24 * HOUR_MS
    _, book = asks(limited(cool_ms=60_000), at_ms=earlier_ms)
    _, book = asks(book, at_ms=earlier_ms + STATED_MS_MAX)

    after = serves(book, at_ms=earlier_ms + STATED_MS_MAX + 5, hold_id="rsv_1")

    assert after == NO_TROUBLES


def test_a_lease_made_before_the_clock_went_back_keeps_nobody_away() -> None:
    earlier_ms = NOW_MS - 400 * 24 * HOUR_MS
    _, book = asks(limited(), at_ms=NOW_MS + 1_000)
    _, book = asks(book, at_ms=earlier_ms, hold_id="rsv_2")

    assert isinstance(asks(book, at_ms=earlier_ms + STATED_MS_MAX, hold_id="rsv_2")[0], Probe)


def test_what_nobody_asked_about_is_forgotten() -> None:
    book = limited(cool_ms=1_000)

    assert asks(book, at_ms=NOW_MS + 1_000 + FORGOTTEN_AFTER_MS + 1) == (Clear(), NO_TROUBLES)


# What is told ----------------------------------------------------------------------------------------------


def test_a_view_says_what_cools_why_since_when_and_until_when() -> None:
    book = fails(limited(limited(), at_ms=NOW_MS + 5, cool_ms=60_000), CLAUDE)

    assert standing(book, NOW_MS + 10) == (
        CoolingView(
            scope="model",
            provider="openai",
            account="k1",
            model="gpt",
            reason="rate",
            since_ms=NOW_MS,
            until_ms=NOW_MS + 60_005,
            count=2,
        ),
    )


def test_the_edge_leaves_out_what_a_grant_said_until_its_time_is_over() -> None:
    views = standing(fails(limited(), kind="key", scope="account", cool_ms=5_000), NOW_MS)

    kept = keeps_away(views, GPT, NOW_MS)

    assert kept is not None and kept.reason == "key"
    assert keeps_away(views, MINI, NOW_MS) == kept
    assert keeps_away(views, GPT_OTHER_KEY, NOW_MS) is None
    assert keeps_away(views, GPT, NOW_MS + 5_000) is None


def test_an_administrator_clears_all_or_a_provider_or_a_model() -> None:
    book = fails(limited(limited(limited(), MINI), CLAUDE), kind="key", scope="account", cool_ms=5_000)

    def left(provider, model):
        return {(view.provider, view.model) for view in standing(cleared(book, provider, model), NOW_MS)}

    assert left(None, None) == set()
    assert left("openai", None) == {("anthropic", "claude")}
    assert left("openai", "gpt") == {("openai", ""), ("openai", "mini"), ("anthropic", "claude")}
    assert left(None, "claude") == {("openai", ""), ("openai", "gpt"), ("openai", "mini")}
    assert cleared(book, "gemini", None) is book


# Bounds and texts -----------------------------------------------------------------------------------------


def test_invented_models_push_out_no_account() -> None:
    book = fails(kind="empty_account", scope="account", cool_ms=600_000)
    for number in range(3 * ENTRIES_MAX):
        book = fails(book, Target("openai", "k1", f"m{number}"), kind="model", cool_ms=600_000, at_ms=NOW_MS + number)

    assert len(book.entries) == ENTRIES_MAX
    assert is_kept_away(book, at_ms=NOW_MS + 1_000)
    assert len(msgspec.json.encode(book)) < 64_000


def test_names_of_any_kind_make_a_target_that_can_be_stored() -> None:
    long = target("p" * 999, "\ud800", "\udcff" + "m" * 999, "x" * 99)

    assert msgspec.json.decode(msgspec.json.encode(long), type=Target) == long


def test_a_book_and_a_note_survive_their_texts() -> None:
    _, book = asks(limited(fails(target=CLAUDE)), at_ms=NOW_MS + 1_000)
    note = failed(GPT, "rate", CoolDown("model", 1_000, True), NOW_MS)

    assert msgspec.json.decode(msgspec.json.encode(book), type=HealthBook) == book
    assert msgspec.json.decode(msgspec.json.encode(note), type=HealthNote) == note
    assert msgspec.json.decode(msgspec.json.encode(NO_TROUBLES), type=HealthBook) == NO_TROUBLES
    for answer in (Clear(), Probe(), asks(limited())[0]):
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Clear | Probe | Cooling) == answer
