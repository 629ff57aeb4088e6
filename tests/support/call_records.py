"""Records of calls, as they travel with a charge."""

from typing import Any

import msgspec

from core.money.usage import Usage
from core.telemetry import CallRecord, record_text


def a_call_record(request_id: str = "req_1", **changes: Any) -> CallRecord:
    fields = {
        "request_id": request_id,
        "attempt": 1,
        "started_at_ms": 1_795_478_400_000,
        "tenant": "acme",
        "outcome": "complete",
        "path": "/v1/chat/completions",
        "usage": Usage(),
        "cost_nanousd": 20,
        "price_version": "1",
    }
    return CallRecord(**{**fields, **changes})


def record_of(request_id: str = "req_1", **changes: Any) -> msgspec.Raw:
    return record_text(a_call_record(request_id, **changes))
