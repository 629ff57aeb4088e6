"""Nothing out of bounds gets past the border of the ledger."""

import json

import msgspec
import pytest

from core.bounds import HOLD_TTL_MS_MAX
from core.ledger.messages import (
    TOKENS_MAX,
    AdmitRequest,
    ConfigureRequest,
    ExtendRequest,
    ListSessionsRequest,
    RecordRequest,
    SettleRequest,
    StatusRequest,
    from_wire,
    to_wire,
)
from core.money.amount import NANOUSD_MAX

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
    StatusRequest: {"type": "status", "session_id": "s", "team": "t", "session_default_limit_nanousd": 1},
    ConfigureRequest: {
        "type": "configure", "kind": "team", "id": "t", "window": "month", "limit_nanousd": 1, "alert_percent": 80,
    },
    ListSessionsRequest: {"type": "list_sessions", "limit": 1},
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
    if isinstance(value, str) and field not in ("type", "kind", "window")
]


@pytest.mark.parametrize(("kind", "field"), NUMBERS, ids=lambda each: getattr(each, "__name__", each))
def test_a_number_out_of_bounds_is_no_message(kind, field):
    from_wire(json.dumps(GOOD[kind]), kind)

    for bad in BAD_NUMBERS:
        is_optional = field in ("slice_nanousd", "session_limit_nanousd", "session_default_limit_nanousd",
                                "limit_nanousd", "alert_percent")  # fmt: skip
        if bad is None and is_optional:
            continue
        if (kind, field) in ENDS and isinstance(bad, int) and bad > 1:
            continue
        with pytest.raises(msgspec.ValidationError):
            from_wire(json.dumps({**GOOD[kind], field: bad}), kind)


@pytest.mark.parametrize(("kind", "field"), sorted(ENDS, key=str), ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("bad", [2**53, 2**64, 10**30])
def test_an_end_that_is_too_large_is_cut_to_its_bound_on_both_sides(kind, field, bad):
    """Refused for its size it would leave its hold standing, and its charge unpaid."""
    read = from_wire(json.dumps({**GOOD[kind], field: bad}), kind)

    assert getattr(read, field) == ENDS[kind, field]
    assert read == from_wire(to_wire(msgspec.structs.replace(read, **{field: bad})), kind)


@pytest.mark.parametrize(("kind", "field"), NAMES, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("bad", ["", "x" * 257, 5])
def test_a_name_out_of_bounds_is_no_message(kind, field, bad):
    with pytest.raises(msgspec.ValidationError):
        from_wire(json.dumps({**GOOD[kind], field: bad}), kind)


@pytest.mark.parametrize("ttl_ms", [0, HOLD_TTL_MS_MAX + 1])
@pytest.mark.parametrize("kind", [AdmitRequest, ExtendRequest])
def test_a_hold_lives_for_a_bounded_time(kind, ttl_ms):
    with pytest.raises(msgspec.ValidationError):
        from_wire(json.dumps({**GOOD[kind], "ttl_ms": ttl_ms}), kind)


def test_the_least_of_an_admission_is_within_what_it_wants():
    with pytest.raises(msgspec.ValidationError):
        from_wire(json.dumps({**GOOD[AdmitRequest], "least_nanousd": 10}), AdmitRequest)


@pytest.mark.parametrize("per_minute", [0, -1, 10_000_001])
def test_a_rate_is_a_bounded_number_of_requests(per_minute):
    limits = {"tenant_requests_per_minute": per_minute}

    with pytest.raises(msgspec.ValidationError):
        from_wire(json.dumps({**GOOD[AdmitRequest], "rate_limits": limits}), AdmitRequest)
