"""The bill of a benchmark: operations per thousand calls, times their prices."""

import pytest

from bench.cost import Load, _bill

CALLS = 100
ONE_CALL = {
    "worker.requests": 1,
    "ledger.admit": 1,
    "ledger.settle": 1,
    "rows.written": 2,
    "queue.send": 1,
    "queue.pieces": 1,
}


@pytest.mark.parametrize(
    ("counted", "usd"),
    [
        ({}, 3.80),
        ({"kv.put": CALLS}, 8.80),
        ({"alarm.rings": CALLS, "rows.written": 3 * CALLS}, 4.95),
        ({"consumer.requests": CALLS // 100}, 3.803),
        ({"kv.get": 2 * CALLS}, 4.80),
        ({"queue.pieces": 2 * CALLS}, 5.00),
    ],
    ids=str,
)
def test_a_call_costs_its_operations_at_their_prices(counted, usd):
    one = {name: number * CALLS for name, number in ONE_CALL.items()}

    bill = _bill(Load("load", calls=CALLS), {**one, "consumer.requests": 0, **counted})

    assert bill.usd_per_million_calls == pytest.approx(usd)
