"""The platform's own cost of a call, as targets: a Worker in JavaScript, and the rungs of `workers/ladder/`.

`nothing` answers at once; `fetch` reads the body, fetches and reads the answer; `hold` first writes a row in a Durable
Object; `settle` writes another after the answer, by a call of its own. They run in the same workerd behind the same
front door as the edge Worker, chosen by host name, so that only the Workers differ. AgentWatch's settlements mostly go
along with its next question, so it is to be compared with both of the last rungs.
"""

import tomllib
from pathlib import Path
from typing import Any

from bench.measuring.http_client import Target
from local.paths import ROOT
from local.stack import Stack
from local.worker_config import python_worker

HOST = "ladder.test"
LADDER_WORKER = "bench-ladder"
RUNGS = {
    "nothing": "py nothing",
    "fetch": "py fetch",
    "hold": "py + row",
    "settle": "py + close",
}


def ladder_worker() -> dict[str, Any]:
    """Miniflare's options for the rungs."""
    return {
        **python_worker(
            Path(__file__).parent / "workers" / "ladder", tomllib.loads((ROOT / "wrangler.toml").read_text())
        ),
        "name": LADDER_WORKER,
        "durableObjects": {"ROWS": {"className": "Rows", "useSQLite": True}},
        "routes": [f"{HOST}/*"],
    }


def rung(stack: Stack, name: str) -> Target:
    """One rung, fetching the same upstream as every other target."""
    return Target(
        RUNGS[name],
        f"{stack.edge_url}/v1/chat/completions",
        {
            "authorization": "Bearer sk-bench",
            "host": HOST,
            "x-rung": name,
            "x-baseline-upstream": f"{stack.mock_url}/openai/v1/chat/completions",
        },
    )


def rungs(stack: Stack) -> list[Target]:
    return [rung(stack, name) for name in RUNGS]
