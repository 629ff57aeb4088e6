"""The same against the local stack that `make up` starts: no account, no secret to type, one tenant and its keys.

Where the stack is and who its operator is says `.local/stack.json`, for as long as it runs.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ..deployed import Deployed
from .first_tenant import Names, Profiles, tenant_step
from .steps import Standing, Step, StepFailed

STACK = ".local/stack.json"


def steps_of(project: Path, names: Names, profiles: Profiles) -> tuple[Step, ...]:
    return _stack(project), _operator(project, names, profiles), tenant_step(names, profiles)


def _stack(project: Path) -> Step:
    def look() -> Standing:
        operator = described(project)
        if operator is None:
            return Standing(False, f"there is no {STACK}")
        health = operator.get("/healthz")
        return Standing(health.status == 200, f"{operator.url}: {'answers' if health.status == 200 else health.words}")

    def run() -> None:
        done = subprocess.run(["make", "up"], cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise StepFailed(f"make up: {(done.stderr or done.stdout).strip()[-1000:]}")

    return Step("the local stack", ("make up",), look, run)


def _operator(project: Path, names: Names, profiles: Profiles) -> Step:
    def look() -> Standing:
        kept = profiles.find(names.operator)
        is_same = kept is not None and kept == described(project)
        return Standing(is_same, f"profile {names.operator}" if is_same else "the stack's token is not kept here")

    def run() -> None:
        operator = described(project)
        assert operator is not None, "the step before has seen it"
        profiles.check()
        profiles.put(names.operator, operator)

    return Step(f"the operator's token, as profile {names.operator}", (f"read {STACK}",), look, run)


def described(project: Path) -> Deployed | None:
    """The running stack's address and its operator's token."""
    try:
        description = json.loads((project / STACK).read_text())
        return Deployed(str(description["edge_url"]), str(description["tokens"]["operator"]))
    except (OSError, ValueError, KeyError):
        return None
