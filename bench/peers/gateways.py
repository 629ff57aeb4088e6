"""The peers as they run: their configuration, their process, and where a call goes.

Each is as its makers say it is usually run, with one process and the provider's address set to the mock. What they
would fetch from the outside or report to it is off.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.measuring.calls import PROVIDER_KEY
from bench.measuring.http_client import Target
from bench.peers.installing import LOGS, PEERS, log_name
from local.paths import NODE
from local.processes import Child, answers, free_port

KEY = PROVIDER_KEY["authorization"].removeprefix("Bearer ")
MODELS = ("gpt-4o-mini", "gpt-4o")
CHAT = "/v1/chat/completions"
START_TIMEOUT_S = 180.0
LITELLM_ENVIRONMENT: Mapping[str, str] = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_TELEMETRY_DISABLED": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "DISABLE_ADMIN_UI": "True",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """Who takes part: where its calls go, and the process that they take time of, None where that is the provider's."""

    target: Target
    pid: int | None

    @property
    def name(self) -> str:
        return self.target.name


def litellm_config(mock_url: str, cap_usd: str | None = None) -> dict[str, Any]:
    """The proxy's file as a value; with a cap, the budget that it keeps without a database."""
    models = [
        {
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": f"{mock_url}/openai/v1", "api_key": KEY},
        }
        for model in MODELS
    ]
    config: dict[str, Any] = {"model_list": models, "general_settings": {"master_key": KEY}}
    if cap_usd is not None:
        budgets = {"openai": {"budget_limit": float(cap_usd), "time_period": "1d"}}
        config["router_settings"] = {"provider_budget_config": budgets}
    return config


@contextmanager
def litellm(mock_url: str, *, cap_usd: str | None = None) -> Iterator[Contender]:
    """LiteLLM's proxy, one worker, no database. Raises `StackError` where it does not start."""
    folder, port = PEERS / "litellm", free_port()
    # JSON is YAML as well.
    config = folder / "config.yaml"
    config.write_text(json.dumps(litellm_config(mock_url, cap_usd), indent=2))
    command = (
        folder / "bin" / "litellm",
        "--config",
        config,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--num_workers",
        "1",
    )
    child = Child(log_name("litellm"), command, LOGS, env=LITELLM_ENVIRONMENT, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    with _ready(child, f"{url}/health/liveliness"):
        yield Contender(Target("LiteLLM", url + CHAT, PROVIDER_KEY), child.process.pid)


def portkey_headers(mock_url: str) -> dict[str, str]:
    """How a call to the gateway names its provider."""
    return {**PROVIDER_KEY, "x-portkey-provider": "openai", "x-portkey-custom-host": f"{mock_url}/openai/v1"}


@contextmanager
def portkey(mock_url: str) -> Iterator[Contender]:
    """Portkey's gateway on Node. Raises `StackError` where it does not start."""
    folder, port = PEERS / "portkey", free_port()
    server = folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    # The program itself, not the script that starts it: its process is measured.
    node = subprocess.run([NODE, "-p", "process.execPath"], capture_output=True, text=True, check=True).stdout.strip()
    command = (node, server, f"--port={port}", "--headless")
    child = Child(log_name("portkey"), command, LOGS, env={"NODE_ENV": "production"}, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    with _ready(child, url):
        yield Contender(Target("Portkey", url + CHAT, portkey_headers(mock_url)), child.process.pid)


@contextmanager
def _ready(child: Child, url: str) -> Iterator[None]:
    try:
        child.wait_until(lambda: answers(url), timeout_s=START_TIMEOUT_S)
        yield
    finally:
        child.stop()
