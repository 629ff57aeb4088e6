"""A session's history is what its rows say: at any moment, after anything, a ledger that wakes knows the same of it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.loops.turns import Turn
from core.ledger.messages import ConfigureRequest, Granted
from tests.support.ledger_requests import HOUR_MS, NOW_MS, a_record, a_settlement, an_admission
from tests.support.sqlite_ledger import SqliteDatabase, a_service

SESSIONS = st.sampled_from(["s", "t"])
TURNS = st.builds(
    Turn,
    agent=st.sampled_from([None, "a", "b"]),
    prompt_tokens=st.sampled_from([None, 10, 40, 90_000]),
    prompt=st.sampled_from([None, "p", "q"]),
    step=st.sampled_from([None, "x", "y"]),
    failed_steps=st.sampled_from([0, 1]),
)
TOKENS = st.sampled_from([0, 10, 30_000, 90_000])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), SESSIONS, TURNS),
        st.tuples(st.just("settle"), st.integers(0, 9), TOKENS),
        st.tuples(st.just("report"), SESSIONS, TOKENS),
        st.tuples(st.just("pass"), st.sampled_from([500, 20_000, 61_000, 400_000, 25 * HOUR_MS]), st.none()),
        st.tuples(st.just("sweep"), st.none(), st.none()),
        st.tuples(st.just("resume"), SESSIONS, st.none()),
        st.tuples(st.just("reset"), SESSIONS, st.none()),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_a_ledger_that_wakes_knows_what_the_one_before_knew(steps: list[tuple[str, Any, Any]]) -> None:
    database = SqliteDatabase()
    ledger, now_ms, holds = a_service(database), NOW_MS, []

    def known(of: Any) -> list[Any]:
        asked = [
            SessionFactsRequest(session_id=each, turn=Turn(agent="a", prompt="p", step="x")) for each in ("s", "t")
        ]
        return [of.session_facts(each, now_ms) for each in asked]

    for number, (name, what, how) in enumerate(steps):
        if name == "admit":
            admission = an_admission(f"h{number}", session_id=what, turn=how, session_limit_nanousd=None)
            if isinstance(ledger.admit(admission, now_ms), Granted):
                holds.append(f"h{number}")
        elif name == "settle" and holds:
            ledger.settle(a_settlement(7, holds[what % len(holds)], prompt_tokens=how, completion_tokens=1), now_ms)
        elif name == "report":
            ledger.record(a_record(3, f"e{number}", session_id=what, prompt_tokens=how), now_ms)
        elif name == "pass":
            now_ms += what
        elif name == "sweep":
            ledger.sweep(now_ms)
        elif name in ("resume", "reset"):
            change = {"is_paused": False} if name == "resume" else {"reset_spent": True}
            ledger.configure(ConfigureRequest(kind="session", id=what, window="session", **change), now_ms)
        assert known(a_service(database.copy())) == known(ledger)
