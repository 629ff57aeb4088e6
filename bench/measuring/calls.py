"""The calls every benchmark makes: one OpenAI chat completion, sent three ways.

The baseline is the least a Worker can do: one fetch of the same upstream, in JavaScript. It runs in the same workerd
behind the same front door as the edge Worker, chosen by host name, so that only the Workers differ.
"""

import json
from collections.abc import Mapping
from typing import Any

from bench.measuring.http_client import Target
from local.stack import Stack

EDGE_WORKER = "agentwatch"
BASELINE_WORKER = "bench-baseline"
BASELINE_HOST = "baseline.test"
BASELINE_SCRIPT = """\
export default {
  fetch(request) {
    return fetch(request.headers.get("x-baseline-upstream"), request);
  },
};
"""
PROVIDER_KEY = {"authorization": "Bearer sk-bench"}
PROMPT = "Summarise the three laws of thermodynamics for a curious twelve-year-old. " * 4


def baseline_worker() -> dict[str, Any]:
    """Miniflare's options for the baseline."""
    return {
        "name": BASELINE_WORKER,
        "compatibilityDate": "2025-09-01",
        "modules": [{"type": "ESModule", "path": "baseline.mjs", "contents": BASELINE_SCRIPT}],
        "routes": [f"{BASELINE_HOST}/*"],
    }


def targets(stack: Stack) -> list[Target]:
    """The provider itself, the provider behind the baseline, and the provider behind AgentWatch."""
    upstream = f"{stack.mock_url}/openai/v1/chat/completions"
    return [
        Target("direct", upstream, PROVIDER_KEY),
        Target(
            "js worker",
            f"{stack.edge_url}/v1/chat/completions",
            {**PROVIDER_KEY, "host": BASELINE_HOST, "x-baseline-upstream": upstream},
        ),
        agentwatch(stack),
    ]


def agentwatch(stack: Stack) -> Target:
    """Every call is authenticated, held, settled and recorded, within a session budget that never runs out."""
    headers = {
        "authorization": f"Bearer {stack.tokens['live']}",
        "x-agentwatch-session-id": "bench",
        "x-agentwatch-budget-usd": "100000",
    }
    return Target("agentwatch", f"{stack.edge_url}/v1/proxy/openai/v1/chat/completions", headers)


def json_call(target: Target) -> bytes:
    return _call(target, {"max_tokens": 50}, {"x-mock": "output_tokens=50"})


def streamed_call(target: Target, tokens: int, pace_ms: float, *, ceiling: int | None = None) -> bytes:
    """A stream of so many tokens; `ceiling` is how many it might have had."""
    script = f"output_tokens={tokens};pace_ms={pace_ms}"
    return _call(target, {"max_tokens": ceiling or tokens, "stream": True}, {"x-mock": script})


def _call(target: Target, options: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}], **options}
    return target.request(json.dumps(body).encode(), headers)
