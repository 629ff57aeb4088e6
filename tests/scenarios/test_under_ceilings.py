"""A tenant that is held to a ceiling in dollars, and says that something costs none: the ceiling stands."""

import json
from typing import Any

import pytest

from isolate import Isolate
from tests.support.api_client import (
    ADMIN,
    CALL,
    OPERATOR,
    Client,
    an_isolate,
)
from tests.support.memory_ports import World

CEILINGS = [{"budget_max_usd": "0.000001"}, {"session_budget_max_usd": "0.000001"}]
FREE = [
    {"free_models": ["openai/gpt-4o-mini"]},
    {"models": {"openai/gpt-4o-mini": {"input_usd_per_mtok": "0", "output_usd_per_mtok": "0"}}},
    {"discount_percent": {"openai": "99.9999"}},
]


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


def write(world: World, isolate: Isolate, path: str, document: Any) -> list[str]:
    """The codes of what is odd about it."""
    answer = Client(world, isolate, ADMIN).ask("PUT", path, document, if_match="*")
    assert answer.status == 200, answer.body
    return [each["code"] for each in json.loads(answer.body).get("warnings", [])]


def hold_to(world: World, ceilings: dict[str, str]) -> None:
    answer = Client(world, an_isolate(), OPERATOR).ask("POST", "/v1/tenants", {"tenant": "acme", **ceilings})
    assert answer.status == 201, answer.body


def called(world: World, isolate: Isolate, body: Any = CALL, path: str = "/v1/chat/completions") -> int:
    return Client(world, isolate).call(body, path, x_agentwatch_session_id="s").status


@pytest.mark.parametrize("ceilings", CEILINGS, ids=str)
@pytest.mark.parametrize("prices", FREE, ids=str)
@pytest.mark.parametrize("is_written_first", [True, False])
def test_a_tenant_s_own_prices_lift_no_ceiling(
    world: World, isolate: Isolate, ceilings: Any, prices: Any, is_written_first: bool
) -> None:
    if is_written_first:
        assert "under_ceiling" not in write(world, isolate, "/v1/prices", prices)
        assert called(world, isolate) == 200
    hold_to(world, ceilings)
    if not is_written_first:
        assert called(world, isolate) == 402
        assert "under_ceiling" in write(world, isolate, "/v1/prices", prices)

    assert called(world, isolate) == 402


def test_no_model_is_free_for_having_no_price(world: World, isolate: Isolate) -> None:
    unpriced = {**CALL, "model": "openai/nobody-s"}
    assert not write(world, isolate, "/v1/config", {"unpriced_models": "free"})
    assert called(world, isolate, unpriced) == 200

    hold_to(world, CEILINGS[0])

    assert called(world, isolate, unpriced) == 402
    assert write(world, isolate, "/v1/config", {"unpriced_models": "free", "fail_closed": True}) == ["under_ceiling"]


def test_nothing_passes_unmetered(world: World, isolate: Isolate) -> None:
    batch = ({"input_file_id": "f"}, "/v1/proxy/openai/v1/batches")
    write(world, isolate, "/v1/config", {"allow_unmetered_paths": True})
    assert called(world, isolate, *batch) == 200

    hold_to(world, CEILINGS[0])
    called(world, isolate)

    assert called(world, isolate, *batch) == 403


def test_without_ceilings_of_money_they_are_the_tenant_s_own(world: World, isolate: Isolate) -> None:
    hold_to(world, {"name": "Acme"})

    assert not write(world, isolate, "/v1/prices", FREE[0])
    assert called(world, isolate) == 200
    assert world.month() == (0, 0)


def test_an_outage_lets_no_more_pass_than_the_default(world: World, isolate: Isolate) -> None:
    dear = {**CALL, "model": "gpt-4", "max_tokens": 100_000}
    write(world, isolate, "/v1/config", {"outage_allowance_usd": "1000"})
    world.is_ledger_away = True
    assert called(world, isolate, dear) == 200

    world.is_ledger_away = False
    hold_to(world, {"budget_max_usd": "100"})
    assert called(world, isolate) == 200  # and it has learnt of the ceiling
    world.is_ledger_away = True

    assert called(world, isolate, dear) == 503
