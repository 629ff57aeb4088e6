"""wrangler itself, before a Cloudflare of our own making: what `agentwatch init` reads in its answers is there, and what
it deploys is uploaded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import LOCAL, ROOT
from tests.deployment.conftest import GIVEN
from tests.deployment.scripted_cloudflare import ACCOUNT, SUBDOMAIN, ScriptedCloudflare
from tests.deployment.scripted_edge import ScriptedEdge

pytestmark = pytest.mark.stack

COPIED = ("src", "durable_objects", "queue_consumer", "tools", "python_modules", "migrations", "wrangler.toml")


def test_wrangler_makes_a_whole_deployment_once(tmp_path: Path) -> None:
    project = a_checkout(tmp_path / "project")

    with ScriptedCloudflare() as cloudflare, ScriptedEdge(lambda: operator_token(cloudflare)) as edge:
        first = init(tmp_path, project, cloudflare, "--yes", "--json", "--url", edge.url)
        made = json.dumps([cloudflare.namespaces, cloudflare.queues, cloudflare.secrets, cloudflare.versions])
        second = init(tmp_path, project, cloudflare, "--yes", "--json", "--url", edge.url)
        after = json.dumps([cloudflare.namespaces, cloudflare.queues, cloudflare.secrets, cloudflare.versions])

    assert first.returncode == 0, first.stderr
    assert [each["title"] for each in cloudflare.namespaces] == ["AGENTWATCH_KV"]
    assert [each["queue_name"] for each in cloudflare.queues] == ["agentwatch-telemetry", "agentwatch-telemetry-dlq"]
    assert set(cloudflare.secrets["agentwatch-telemetry"]) == {
        "KEY_ENCRYPTION_KEY", "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY",
    }  # fmt: skip
    bindings = {each["name"]: each for each in cloudflare.uploads["agentwatch-telemetry"]["bindings"]}
    assert bindings["AGENTWATCH_KV"]["namespace_id"] == cloudflare.namespaces[0]["id"]
    assert "core/providers.py" in cloudflare.uploads["agentwatch"]["parts"]
    assert second.returncode == 0, second.stderr
    assert after == made
    assert cloudflare.unknown == []


def test_where_the_worker_answers_is_read_from_wrangler_s_own_record(tmp_path: Path) -> None:
    project = a_checkout(tmp_path / "project")

    with ScriptedCloudflare() as cloudflare:
        stopped = init(tmp_path, project, cloudflare, "--yes", without=("SUPABASE_SERVICE_ROLE_KEY",))

    kept = json.loads((tmp_path / "home/.config/agentwatch/profiles.json").read_text())["profiles"]
    assert stopped.returncode == 1  # nobody answers there, and the telemetry Worker lacks a secret
    assert kept["default-operator"]["base_url"] == f"https://agentwatch.{SUBDOMAIN}.workers.dev"


def operator_token(cloudflare: ScriptedCloudflare) -> str:
    return cloudflare.secrets.get("agentwatch", {}).get("OPERATOR_TOKEN", "")


def a_checkout(project: Path) -> Path:
    project.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, project / name)
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    return project


def init(
    folder: Path, project: Path, cloudflare: ScriptedCloudflare, *arguments: str, without: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    environment = {
        **{name: value for name, value in GIVEN.items() if name not in without},
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "NODE_COMPILE_CACHE": str(LOCAL / "tests/node"),  # of what each of its forty starts would compile again
        "CLOUDFLARE_API_BASE_URL": cloudflare.url,
        "CLOUDFLARE_API_TOKEN": "a-token",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
    }
    return subprocess.run(
        [sys.executable, "-m", "agentwatch.cli", "init", "--project", str(project), *arguments], env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
