"""Nothing out of bounds gets past the border of the ledger."""

import json
from typing import get_args

import msgspec
import pytest

from core.bounds import HOLD_TTL_MS_MAX
from core.ledger.document_messages import CopyRequest, DocumentRequest, VersionsRequest, WriteRequest
from core.ledger.health.messages import HealthRequest
from core.ledger.keeping.outbox import KeepRequest
from core.ledger.keys.messages import (
    ChangeKeyRequest,
    CreateKeyRequest,
    KeyRequest,
    ListKeysRequest,
    RevokeKeyRequest,
    RotateKeyRequest,
    StandingRequest,
)
from core.ledger.lists.accounts import ListSessionsRequest, ListTeamsRequest
from core.ledger.lists.tenants import ListTenantsRequest, RegisterTenantRequest, TenantQuestion, TenantRequest
from core.ledger.loops.messages import SessionFactsRequest
from core.ledger.messages import (
    TOKENS_MAX,
    AdmitRequest,
    ConfigureRequest,
    CountRequest,
    ExtendRequest,
    Fault,
    RecordAllRequest,
    RecordRequest,
    SettleRequest,
    StatusRequest,
)
from core.ledger.people.messages import ForgetPersonRequest, ListPeopleRequest, SignOnRequest
from core.ledger.questions import AnyQuestion, read_answer, read_question, to_wire
from core.ledger.trials.messages import TrialRequest
from core.money.amount import NANOUSD_MAX
from core.roles import PLATFORM
from tests.support.ledger_requests import NOW_MS
from tests.support.sqlite_ledger import SqliteDatabase, a_service

TOKEN_OF_KEY = [1, "ab" * 32, "aw_live_1234", "cdef"]

GOOD = {
    AdmitRequest: {
        "type": "admit", "hold_id": "rsv", "want_nanousd": 9, "least_nanousd": 1, "floor_nanousd": 0, "ttl_ms": 1,
        "slice_nanousd": 1, "session_id": "s", "team": "t", "caller": "team:t", "session_limit_nanousd": 1,
        "session_default_limit_nanousd": 1,
    },
    ExtendRequest: {
        "type": "extend", "hold_id": "rsv", "want_nanousd": 9, "least_nanousd": 1, "metered_nanousd": 0, "ttl_ms": 1,
    },
    SettleRequest: {
        "type": "settle", "hold_id": "rsv", "actual_nanousd": 0, "prompt_tokens": 0, "completion_tokens": 0,
    },
    RecordRequest: {
        "type": "record", "event_id": "evt", "cost_nanousd": 0, "prompt_tokens": 0, "completion_tokens": 0,
        "session_id": "s", "team": "t", "caller": "team:t", "session_default_limit_nanousd": 1,
    },
    RecordAllRequest: {
        "type": "record_all",
        "records": [{"type": "record", "event_id": "evt", "cost_nanousd": 0, "prompt_tokens": 0, "completion_tokens": 0}],
    },
    StatusRequest: {"type": "status", "session_id": "s", "team": "t", "session_default_limit_nanousd": 1},
    ConfigureRequest: {
        "type": "configure", "kind": "team", "id": "t", "window": "month", "limit_nanousd": 1, "alert_percent": 80,
    },
    SessionFactsRequest: {"type": "session_facts", "session_id": "s", "turn": {}},
    ListSessionsRequest: {"type": "list_sessions", "limit": 1, "owner": "team:t"},
    ListTeamsRequest: {"type": "list_teams", "limit": 1, "team": "t"},
    CountRequest: {"type": "count", "rate_limits": {}, "key_id": "k"},
    KeepRequest: {"type": "keep", "text": "{}"},
    DocumentRequest: {"type": "read_document", "kind": "config", "version": 1},
    WriteRequest: {
        "type": "write_document", "kind": "config", "text": "{}", "instead_of": 0, "written_by": "key_1",
    },
    VersionsRequest: {"type": "list_versions", "kind": "config", "below": 2, "limit": 1},
    CopyRequest: {"type": "copy_documents", "found": "{}"},
    StandingRequest: {"type": "standing_request", "key_id": "k"},
    CreateKeyRequest: {
        "type": "create_key", "key_id": "k", "terms": {"name": "agent"}, "token": TOKEN_OF_KEY, "writer": {},
        "budget_nanousd": 0,
    },
    ChangeKeyRequest: {
        "type": "change_key", "key_id": "k", "terms": {"name": "agent"}, "writer": {}, "budget_nanousd": 0,
    },
    RotateKeyRequest: {"type": "rotate_key", "key_id": "k", "token": TOKEN_OF_KEY, "writer": {}, "overlap_s": 0},
    RevokeKeyRequest: {"type": "revoke_key", "key_id": "k", "writer": {}},
    KeyRequest: {"type": "read_key", "key_id": "k"},
    ListKeysRequest: {"type": "list_keys", "limit": 1},
    RegisterTenantRequest: {"type": "register_tenant", "tenant": "acme"},
    TenantRequest: {"type": "read_tenant", "tenant": "acme"},
    ListTenantsRequest: {"type": "list_tenants", "limit": 1},
    SignOnRequest: {"type": "sign_on", "email": "alice@example.com", "sub": "s"},
    ListPeopleRequest: {"type": "list_people", "limit": 1},
    ForgetPersonRequest: {"type": "forget_person", "email": "alice@example.com", "key_id": "k"},
    TrialRequest: {"type": "trial_question", "trial_id": "test_1"},
    HealthRequest: {"type": "health_question", "clears": True, "provider": "openai", "model": "gpt-4o"},
}  # fmt: skip

ENDS = {
    (SettleRequest, "actual_nanousd"): NANOUSD_MAX,
    (SettleRequest, "prompt_tokens"): TOKENS_MAX,
    (SettleRequest, "completion_tokens"): TOKENS_MAX,
    (RecordRequest, "cost_nanousd"): NANOUSD_MAX,
    (RecordRequest, "prompt_tokens"): TOKENS_MAX,
    (RecordRequest, "completion_tokens"): TOKENS_MAX,
}
BAD_NUMBERS = [-1, NANOUSD_MAX + 1, 2**53, 2**64, 10**30, 0.5, "1", None, True]
NUMBERS = [
    (kind, field) for kind, fields in GOOD.items() for field, value in fields.items() if type(value) is int
]  # fmt: skip
NAMES = [
    (kind, field)
    for kind, fields in GOOD.items()
    for field, value in fields.items()
    if isinstance(value, str) and field not in ("type", "kind", "window", "text", "found")
]


def test_every_question_is_in_these_tests():
    assert set(GOOD) == set(get_args(AnyQuestion))


@pytest.mark.parametrize("kind", GOOD, ids=lambda each: each.__name__)
def test_every_question_has_an_answer_of_a_type_that_it_names(kind):
    service = a_service(SqliteDatabase(), PLATFORM if kind in get_args(TenantQuestion) else "acme")
    question = read_question(json.dumps(GOOD[kind]))

    answer = service.answer(question, NOW_MS)

    assert read_answer(to_wire(answer), question) == answer


@pytest.mark.parametrize("kind", GOOD, ids=lambda each: each.__name__)
def test_a_fault_is_no_answer(kind):
    with pytest.raises(msgspec.ValidationError):
        read_answer(to_wire(Fault()), read_question(json.dumps(GOOD[kind])))


@pytest.mark.parametrize(("kind", "field"), NUMBERS, ids=lambda each: getattr(each, "__name__", each))
def test_a_number_out_of_bounds_is_no_message(kind, field):
    read_question(json.dumps(GOOD[kind]))

    for bad in BAD_NUMBERS:
        is_optional = field in ("slice_nanousd", "session_limit_nanousd", "session_default_limit_nanousd",
                                "limit_nanousd", "alert_percent", "version", "instead_of", "budget_nanousd")  # fmt: skip
        if bad is None and is_optional:
            continue
        if (kind, field) in ENDS and isinstance(bad, int) and bad > 1:
            continue
        with pytest.raises(msgspec.ValidationError):
            read_question(json.dumps({**GOOD[kind], field: bad}))


@pytest.mark.parametrize(("kind", "field"), sorted(ENDS, key=str), ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("bad", [2**53, 2**64, 10**30])
def test_an_end_that_is_too_large_is_cut_to_its_bound_on_both_sides(kind, field, bad):
    """Refused for its size it would leave its hold standing, and its charge unpaid."""
    read = read_question(json.dumps({**GOOD[kind], field: bad}))

    assert getattr(read, field) == ENDS[kind, field]
    assert read == read_question(to_wire(msgspec.structs.replace(read, **{field: bad})))


@pytest.mark.parametrize(("kind", "field"), NAMES, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("bad", ["", "x" * 257, 5])
def test_a_name_out_of_bounds_is_no_message(kind, field, bad):
    with pytest.raises(msgspec.ValidationError):
        read_question(json.dumps({**GOOD[kind], field: bad}))


@pytest.mark.parametrize("ttl_ms", [0, HOLD_TTL_MS_MAX + 1])
@pytest.mark.parametrize("kind", [AdmitRequest, ExtendRequest])
def test_a_hold_lives_for_a_bounded_time(kind, ttl_ms):
    with pytest.raises(msgspec.ValidationError):
        read_question(json.dumps({**GOOD[kind], "ttl_ms": ttl_ms}))


def test_the_least_of_an_admission_is_within_what_it_wants():
    with pytest.raises(msgspec.ValidationError):
        read_question(json.dumps({**GOOD[AdmitRequest], "least_nanousd": 10}))


@pytest.mark.parametrize("per_minute", [0, -1, 10_000_001])
def test_a_rate_is_a_bounded_number_of_requests(per_minute):
    limits = {"tenant_requests_per_minute": per_minute}

    with pytest.raises(msgspec.ValidationError):
        read_question(json.dumps({**GOOD[AdmitRequest], "rate_limits": limits}))
