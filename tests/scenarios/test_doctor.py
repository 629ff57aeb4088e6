"""`GET /v1/doctor`: each part tells whether it answers, the others being there or not, and no secret is told."""

import json
from typing import Any

import pytest

from api.operator.doctor import SCHEMA_WANTED
from exchange import Answer
from local.paths import ROOT
from ports import RecordsAnswer
from tests.support.api_client import ADMIN, OPERATOR, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import TOKEN, World

SECRET = "sk-canary"


def examined(world: World, token: str = ADMIN, **settings: str) -> Any:
    answer = ask(world, token, **settings)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def ask(world: World, token: str = ADMIN, **settings: str) -> Answer:
    return Client(world, an_isolate(**settings), token).ask("GET", "/v1/doctor")


def answering(health: dict[str, Any]) -> dict[str, bool]:
    return {part: health[part]["answers"] for part in ("kv", "ledger", "database")}


def test_the_last_migration_is_the_one_that_is_wanted() -> None:
    assert max(path.stem for path in (ROOT / "migrations").glob("*.sql")) == SCHEMA_WANTED


@pytest.mark.parametrize("token", [ADMIN, OPERATOR], ids=["admin", "operator"])
def test_whoever_runs_it_sees_that_all_parts_answer(token: str) -> None:
    health = examined(a_world_with_administrators(), token)

    assert answering(health) == {"kv": True, "ledger": True, "database": True}
    assert health["database"]["schema_version"] == health["database"]["schema_wanted"] == SCHEMA_WANTED
    assert health["database"]["crons"] == {"0 8 * * *": 1_795_420_800_000}


def test_a_member_does_not_see_it() -> None:
    assert ask(a_world_with_administrators(), TOKEN).status == 403


def test_settings_are_told_by_name_and_never_by_what_they_say() -> None:
    answer = ask(a_world_with_administrators(), GROQ_API_KEY=SECRET)

    settings = json.loads(answer.body)["settings"]
    assert settings["GROQ_API_KEY"] is True
    assert settings["XAI_API_KEY"] is False
    assert SECRET.encode() not in bytes(answer.body)  # type: ignore[arg-type]


def test_kv_that_is_away_is_told_and_hides_no_other_part() -> None:
    world = a_world_with_administrators()
    isolate = an_isolate()
    Client(world, isolate, ADMIN).ask("GET", "/v1/doctor")
    world.is_kv_away = True

    health = Client(world, isolate, ADMIN).read("/v1/doctor")

    assert answering(health) == {"kv": False, "ledger": True, "database": True}
    assert health["config_version"]["kv"] is None


def test_a_ledger_that_is_away_is_told_to_the_operator() -> None:
    world = a_world_with_administrators()
    world.is_ledger_away = True

    health = examined(world, OPERATOR)

    assert answering(health) == {"kv": True, "ledger": False, "database": True}
    assert health["config_version"]["ledger"] is None


def test_a_database_that_is_away_is_told() -> None:
    world = a_world_with_administrators()
    world.database.is_away = True

    health = examined(world)

    assert answering(health) == {"kv": True, "ledger": True, "database": False}
    assert health["database"]["said"] == "the database does not answer just now"


def test_a_database_without_the_function_is_told_to_be_too_old() -> None:
    world = a_world_with_administrators()
    world.database.fault = RecordsAnswer(404, b"{}")

    assert "apply the newest migrations" in examined(world)["database"]["said"]


def test_a_secret_that_the_database_needs_is_named() -> None:
    health = examined(a_world_with_administrators(), SUPABASE_JWT_SECRET="")

    assert "SUPABASE_JWT_SECRET" in health["database"]["said"]


def test_a_write_shows_in_the_ledger_and_once_it_was_copied_in_kv() -> None:
    world = a_world_with_administrators()
    isolate = an_isolate()
    client = Client(world, isolate, ADMIN)
    written = client.ask("PUT", "/v1/config", {"fail_closed": True}, if_match="*")

    versions = client.read("/v1/doctor")["config_version"]

    number = json.loads(written.body)["version"]
    assert versions["ledger"] == number
    assert versions["kv"] in (0, number)


def test_a_configuration_that_was_written_by_hand_has_no_number() -> None:
    world = a_world_with_administrators()
    world.is_ledger_away = True
    world.kv["t:@platform:config"] = '{"fail_closed": true}'

    assert examined(world, OPERATOR)["config_version"]["kv"] is None
