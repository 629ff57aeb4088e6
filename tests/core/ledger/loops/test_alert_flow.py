"""How much a tenant is told: each occasion once a day, ten an hour, the rest in one digest, nothing lost in between."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.loops.alert_flow import (
    CLAIMS_MAX,
    DAY_MS,
    DEAREST_MAX,
    HOUR_MS,
    TOLD_PER_HOUR_MAX,
    AlertFlow,
    Dearest,
    claimed,
    digest_due_at_ms,
    due_digest,
)
from core.telemetry import Alert, Severity

HOUR_START_MS = 498_611 * HOUR_MS
ALERT = Alert(alert_key="k", occurred_at_ms=HOUR_START_MS, tenant="acme", kind="anomaly", summary="Growing.")


def claim(flow: AlertFlow, name: str, at_ms: int = HOUR_START_MS, **changes: Any) -> tuple[AlertFlow, Alert | None]:
    terms: dict[str, Any] = {"severity": "warning", "session_id": name, "spent_nanousd": 1, **changes}
    return claimed(flow, ALERT, claim=name, now_ms=at_ms, **terms)


def test_the_first_of_an_occasion_is_told_with_how_much_it_presses() -> None:
    _, alert = claim(AlertFlow(), "a", severity="info")

    assert alert is not None and alert.severity == "info"


def test_an_occasion_told_again_within_a_day_changes_nothing() -> None:
    flow, _ = claim(AlertFlow(), "a")

    for later_ms in (0, 1, DAY_MS - 1, -5):
        after, alert = claim(flow, "a", HOUR_START_MS + later_ms)
        assert after is flow
        assert alert is None


def test_a_day_later_it_is_told_anew() -> None:
    flow, _ = claim(AlertFlow(), "a")

    assert claim(flow, "a", HOUR_START_MS + DAY_MS)[1] is not None


def test_of_a_thousand_crossing_alerts_ten_are_told_and_the_rest_are_one_digest() -> None:
    flow, told = AlertFlow(), []
    for turn in range(2):  # each comes twice: two isolates, or a redelivery
        for number in range(1_000):
            flow, alert = claim(flow, f"s{number}", HOUR_START_MS + number + turn, spent_nanousd=number * 10**9)
            told += [alert] if alert else []

    assert len(told) == TOLD_PER_HOUR_MAX
    assert digest_due_at_ms(flow) == HOUR_START_MS + HOUR_MS
    assert due_digest(flow, "acme", HOUR_START_MS + HOUR_MS - 1) == (flow, None)
    after, digest = due_digest(flow, "acme", HOUR_START_MS + HOUR_MS)
    assert digest is not None
    assert digest.kind == "digest"
    assert digest.facts["alerts"] == "990"
    assert [digest.facts[f"session {n}"] for n in (1, 5)] == ["s999: $999.00", "s995: $995.00"]
    assert due_digest(after, "acme", HOUR_START_MS + 2 * HOUR_MS) == (after, None)


def test_the_critical_is_told_however_much_there_is() -> None:
    flow = AlertFlow()
    for number in range(50):
        flow, alert = claim(flow, f"s{number}", severity="critical")
        assert alert is not None

    assert digest_due_at_ms(flow) is None


def test_another_hour_may_tell_ten_more() -> None:
    flow = AlertFlow()
    for number in range(11):
        flow, _ = claim(flow, f"s{number}")

    flow, alert = claim(flow, "next", HOUR_START_MS + HOUR_MS)

    assert alert is not None
    assert digest_due_at_ms(flow) == HOUR_START_MS + HOUR_MS, "what was held back is still due"


def test_a_clock_that_goes_back_tells_no_ten_more() -> None:
    flow = AlertFlow()
    for number in range(11):
        flow, _ = claim(flow, f"s{number}")

    assert claim(flow, "earlier", HOUR_START_MS - 1)[1] is None


def test_one_digest_is_one_alert_however_often_it_is_made() -> None:
    flow = AlertFlow()
    for number in range(12):
        flow, _ = claim(flow, f"s{number}")

    first = due_digest(flow, "acme", HOUR_START_MS + HOUR_MS)[1]
    again = due_digest(flow, "acme", HOUR_START_MS + 3 * HOUR_MS)[1]

    assert first is not None and again is not None
    assert first.alert_key == again.alert_key == "digest:2026-11-18T11:00:00.000+00:00"


def test_a_flow_is_remembered_as_it_was() -> None:
    flow = AlertFlow()
    for number in range(15):
        flow, _ = claim(flow, f"s{number}")

    assert msgspec.json.decode(msgspec.json.encode(flow), type=AlertFlow) == flow


def test_what_is_remembered_is_bounded_however_long_the_names_are() -> None:
    flow = AlertFlow()
    for number in range(CLAIMS_MAX + 50):
        flow, _ = claim(flow, f"{number}" + "x" * 10_000, HOUR_START_MS + number)

    assert len(flow.claims) == CLAIMS_MAX
    assert claim(flow, f"{CLAIMS_MAX + 49}" + "x" * 10_000)[1] is None, "the youngest are known"
    assert len(msgspec.json.encode(msgspec.structs.replace(flow, held=None))) < 50_000


def test_claims_of_yesterday_are_forgotten() -> None:
    flow = AlertFlow()
    for number in range(100):
        flow, _ = claim(flow, f"s{number}")

    flow, _ = claim(flow, "today", HOUR_START_MS + DAY_MS)

    assert len(flow.claims) == 1


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 60),  # which occasion
        st.integers(0, HOUR_MS),  # how long after the one before
        st.sampled_from(["info", "warning", "critical"]),
        st.integers(0, 10**13) | st.none(),
    ),
    max_size=200,
)


@given(EVENTS)
def test_whatever_comes_is_told_counted_or_known(events: list[tuple[int, int, Severity, int | None]]) -> None:
    flow, now_ms = AlertFlow(), HOUR_START_MS
    last: dict[int, int] = {}
    told_in: dict[int, int] = {}
    held, reported = 0, 0
    spent_by: dict[str, int] = {}

    for number, pause_ms, severity, spent in events:
        now_ms += pause_ms
        before = flow
        flow, digest = due_digest(flow, "acme", now_ms)
        if digest:
            assert before.held is not None
            assert list(before.held.dearest) == _dearest(spent_by)
            reported += int(digest.facts["alerts"].replace(",", ""))
            spent_by = {}
        is_new = number not in last or now_ms - last[number] >= DAY_MS
        known = flow
        flow, alert = claim(flow, f"s{number}", now_ms, severity=severity, spent_nanousd=spent)
        assert (flow is not known) == is_new
        if is_new:
            last[number] = now_ms
            if alert:
                told_in[now_ms // HOUR_MS] = told_in.get(now_ms // HOUR_MS, 0) + (severity != "critical")
            else:
                held += 1
                spent_by[f"s{number}"] = max(spent_by.get(f"s{number}", 0), spent or 0)
                assert severity != "critical"
        assert msgspec.json.decode(msgspec.json.encode(flow), type=AlertFlow) == flow

    assert max(told_in.values(), default=0) <= TOLD_PER_HOUR_MAX
    assert held == reported + (flow.held.count if flow.held else 0)


def _dearest(spent_by: dict[str, int]) -> list[Dearest]:
    ranked = sorted(spent_by.items(), key=lambda each: (-each[1], each[0]))
    return [Dearest(*each) for each in ranked[:DEAREST_MAX]]
