"""What a tenant's rules leave behind in its ledger, and what a session's past survives."""

from core.ledger.loops.turns import PLAIN_TURN, SessionFacts
from core.ledger.messages import SessionFactsRequest
from durable_objects import memory
from durable_objects.service import LedgerService
from tests.support.ledger_requests import NOW_MS, TTL_MS, a_record
from tests.support.sqlite_ledger import a_service


def facts(ledger: LedgerService, now_ms: int = NOW_MS) -> SessionFacts:
    return ledger.session_facts(SessionFactsRequest(session_id="s", turn=PLAIN_TURN), now_ms).facts


def test_a_session_keeps_its_past_when_the_same_call_crowds_others_out_of_memory(ledger, database, monkeypatch):
    monkeypatch.setattr(memory.AccountBook.__init__, "__kwdefaults__", {"accounts_max": 6})
    ledger.record(a_record(5, "evt_team", team="search"), NOW_MS)
    for number in range(3):
        ledger.record(a_record(5, f"evt_{number}", session_id="s"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    awake = a_service(database)
    assert facts(awake).iteration == 4
    for number in range(9):
        awake.record(a_record(5, f"evt_other_{number}", session_id=f"other-{number}"), NOW_MS)
    awake._state.checkpoint(NOW_MS)

    awake.record(a_record(5, "evt_last", session_id="s", team="search"), NOW_MS)

    assert facts(awake).iteration == 5
    awake._state.checkpoint(NOW_MS)
    assert facts(a_service(database)).iteration == 5
