"""A checkout to deploy, a wrangler that keeps what it made in a file, and the edge Worker that comes of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.paths import ROOT
from tests.deployment.scripted_edge import ScriptedEdge

GIVEN = {
    "OPENAI_API_KEY": "sk-canary-openai",
    "SUPABASE_URL": "https://canary.supabase.co",
    "SUPABASE_JWT_SECRET": "canary-jwt-secret",
    "SUPABASE_ANON_KEY": "canary-anon",
    "SUPABASE_SERVICE_ROLE_KEY": "canary-service",
}


@dataclass
class Site:
    """Where a deployment is made from, and what is there of it."""

    folder: Path
    project: Path
    edge: ScriptedEdge = field(init=False)
    given: dict[str, str] = field(default_factory=lambda: dict(GIVEN))

    def __post_init__(self) -> None:
        self.edge = ScriptedEdge(lambda: self.made().get("agentwatch", {}).get("OPERATOR_TOKEN", ""))

    def init(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        options = ("--project", str(self.project), "--url", self.edge.url)
        return subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", "init", *options, *arguments], cwd=self.folder, env=self.environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT / "sdk/python/src"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "FAKE_WRANGLER": str(self.folder),
            **self.given,
        }

    def made(self) -> dict[str, Any]:
        """What wrangler has made so far."""
        path = self.folder / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def profiles(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "home/.config/agentwatch/profiles.json").read_text())["profiles"])

    def die_after(self, change: int) -> None:
        (self.folder / "die_after").write_text(str(change))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    project = tmp_path / "project"
    for name in ("wrangler.toml", "queue_consumer/wrangler.toml", "tools/stage.py", "requirements/worker.txt"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    shutil.copytree(ROOT / "migrations", project / "migrations")
    for name in ("src", "durable_objects", "python_modules"):
        (project / name).mkdir()
    (project / "src/entry.py").write_text("'the edge'\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    npx = tmp_path / "bin/npx"
    npx.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{ROOT / "tests/deployment/fake_npx.py"}" "$@"\n')
    npx.chmod(0o755)
    site = Site(tmp_path, project)
    with site.edge:
        yield site
