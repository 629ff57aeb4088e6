"""pywrangler beside wrangler: what of it runs without the internet. `pywrangler sync` does not: it downloads interpreters
(docs/platform-notes.md)."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from local.paths import ROOT

READ = """
import json
from pywrangler.resolve import parse_requirements
from pywrangler.utils import get_python_version
print(json.dumps([parse_requirements(), get_python_version()]))
"""
COPIED = ("src", "durable_objects", "queue_consumer", "tools", "python_modules", "pyproject.toml", "wrangler.toml")


def test_it_reads_the_workers_packages_and_their_python_from_our_files() -> None:
    said = subprocess.run([sys.executable, "-c", READ], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages, python_version = json.loads(said)

    pinned = re.findall(r"^([a-z-]+==\S+)", (ROOT / "requirements/worker.txt").read_text(), re.MULTILINE)
    assert sorted(packages) == sorted(pinned)
    assert python_version == "3.14"  # what `make setup` vendors for


@pytest.mark.stack
@pytest.mark.parametrize("config", ["wrangler.toml", "queue_consumer/wrangler.toml"])
def test_it_uploads_what_wrangler_would_once_its_packages_are_there(tmp_path: Path, config: str) -> None:
    project = a_synced_project(tmp_path / "project")

    done = pywrangler(project, "deploy", "--dry-run", "-c", config, "--outdir", str(tmp_path / "upload"))

    assert done.returncode == 0, done.stdout + done.stderr
    uploaded = {str(path.relative_to(tmp_path / "upload")) for path in (tmp_path / "upload").rglob("*.py")}
    assert {"entry.py", "core/providers.py", "python_modules/msgspec/__init__.py"} <= uploaded


def a_synced_project(project: Path) -> Path:
    """A checkout in which `pywrangler sync` has been run: it leaves its version behind in both places."""
    project.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, project / name)
    (project / "node_modules").symlink_to(ROOT / "node_modules")
    (project / ".venv-workers").mkdir()
    for place in ("python_modules", ".venv-workers"):
        (project / place / ".synced").write_text(version("workers-py"))
    return project


def pywrangler(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "WRANGLER_SEND_METRICS": "false"}
    return subprocess.run(
        [f"{programs}/pywrangler", *arguments], cwd=project, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
