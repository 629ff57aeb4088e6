"""The offline deploy gate, held against Workers that must not pass it."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.deploy_check import dry_run
from local.paths import ROOT
from local.processes import StackError
from local.snapshots import load, take
from local.worker_config import LocalLimits, worker_options

pytestmark = pytest.mark.stack

TOML = """
name = "gate-test"
main = "worker/entry.py"
compatibility_date = "2026-11-17"
compatibility_flags = ["python_workers"]
"""
SOUND = """
from js import Response
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response.new("ok")
"""
FAULTS = {
    "a module-level JavaScript object": ("from js import TextEncoder\nENCODER = TextEncoder.new()\n", "serialize"),
    "randomness at import": ("import uuid\nISOLATE = uuid.uuid4()\n", "Randomness is not allowed"),
    "a module that is not there": ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
}


def a_worker(folder: Path, source: str) -> Path:
    (folder / "worker").mkdir()
    (folder / "worker" / "entry.py").write_text(source)
    toml_path = folder / "wrangler.toml"
    toml_path.write_text(TOML)
    return toml_path


def test_a_sound_worker_starts_from_its_snapshot(tmp_path: Path) -> None:
    options = worker_options(a_worker(tmp_path, SOUND), {}, LocalLimits())

    take(options, tmp_path)
    load(tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_worker_that_cannot_be_snapshotted_fails_the_gate(tmp_path: Path, fault: str) -> None:
    preamble, words = FAULTS[fault]
    options = worker_options(a_worker(tmp_path, preamble + SOUND), {}, LocalLimits())

    with pytest.raises(StackError, match=words):
        take(options, tmp_path)


def test_a_worker_that_answers_with_an_error_fails_the_gate(tmp_path: Path) -> None:
    broken = SOUND.replace('Response.new("ok")', "1 / 0")
    options = worker_options(a_worker(tmp_path, broken), {}, LocalLimits())

    with pytest.raises(StackError, match="ZeroDivisionError"):
        take(options, tmp_path)


def test_a_staged_file_that_wrangler_leaves_out_fails_the_gate(tmp_path: Path) -> None:
    toml_path = a_worker(tmp_path, SOUND)
    (tmp_path / "worker" / "table.json").write_text("{}")
    (tmp_path / "python_modules").symlink_to(ROOT / "python_modules")
    options = worker_options(toml_path, {}, LocalLimits())

    with pytest.raises(StackError, match=r"leaves files out.*table\.json"):
        dry_run(toml_path, options, tmp_path)


def test_staging_twice_leaves_unchanged_files_alone() -> None:
    stage = [sys.executable, str(ROOT / "tools" / "stage.py")]
    entry = ROOT / "build" / "edge" / "entry.py"
    subprocess.run(stage, check=True)
    before_ns = entry.stat().st_mtime_ns

    subprocess.run(stage, check=True)

    assert entry.stat().st_mtime_ns == before_ns
