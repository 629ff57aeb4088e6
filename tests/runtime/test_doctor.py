"""`agentwatch doctor` on the runtime: what only the real parts can tell."""

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from local.paths import ROOT
from local.stack import Stack
from tests.runtime.conftest import Edge

pytestmark = pytest.mark.stack

OFTEN = "*/10 * * * *"


def doctor(stack: Stack, token: str) -> tuple[int, Any]:
    """Its exit code, and its one document."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
        "AGENTWATCH_BASE_URL": stack.edge_url,
        "AGENTWATCH_API_KEY": token,
    }
    done = subprocess.run(
        [sys.executable, "-m", "agentwatch.cli", "doctor", "--json"], env=environment, capture_output=True, text=True,
        timeout=180,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_a_cron_of_the_telemetry_worker_leaves_word_of_its_run(stack: Stack) -> None:
    before_ms = time.time() * 1_000

    stack.run_cron("agentwatch-telemetry", OFTEN)

    health = Edge(stack, stack.tokens["operator"]).get("/v1/doctor").json()
    assert health["database"]["crons"][OFTEN] >= before_ms - 1


def test_an_operator_sees_the_parts_and_is_told_that_he_makes_no_calls(stack: Stack) -> None:
    exit_code, found = doctor(stack, stack.tokens["operator"])

    verdicts = {check["check"]: check["verdict"] for check in found["checks"]}
    assert (exit_code, found["is_well"]) == (0, True), found
    assert verdicts["ledger"] == verdicts["kv"] == verdicts["tables"] == "well"
    assert verdicts["calls"] == "unknown"


def test_a_token_that_nobody_knows_is_what_is_wrong(stack: Stack) -> None:
    exit_code, found = doctor(stack, "aw_live_" + "0" * 48)

    assert (exit_code, found["is_well"]) == (7, False)
    assert found["checks"][-1]["check"] == "token"
    assert "agentwatch login" in found["checks"][-1]["advice"]
