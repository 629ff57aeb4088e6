"""Memory snapshots of Python Workers, taken and loaded by workerd itself, as the platform does for every deployment.

The deploy gate takes a Worker's own. The local stack starts all its Workers from one of the interpreter and its
libraries with nothing of ours in it, made once by `make setup`, because an interpreter that starts from nothing takes
seconds and workerd loads the same snapshot for every Worker of its process.
"""

import os
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.paths import BUNDLE_DIR, INTERPRETER_SNAPSHOT, NODE_MODULES, ROOT, WORKERD
from local.processes import StackError
from local.worker_config import MODULES_ROOT, python_worker

CONFIG_NAME = "worker.capnp"
FILE_NAME = "snapshot.bin"
"""What workerd calls every snapshot that it takes."""

TIMEOUT_S = 180
OUTPUT_LINES_MAX = 30

MODULE_KINDS = {"PythonModule": "pythonModule", "Data": "data", "ESModule": "esModule"}
FETCH_PROBE = """
const answer = await env.WORKER.fetch("http://worker/healthz");
if (!answer.ok) throw new Error(`/healthz answered ${answer.status}: ${await answer.text()}`);
"""
QUEUE_PROBE = """
const result = await env.WORKER.queue("deploy-check", []);
if (result.outcome !== "ok") throw new Error(`an empty batch ended as ${result.outcome}`);
"""
INTERPRETER_NAME = "interpreter"
"""No module of ours may be called so: the snapshot has this one, and would answer in its place."""
INTERPRETER = """\
import asyncio, base64, contextlib, dataclasses, datetime, decimal, enum, functools, hashlib, heapq, hmac, inspect
import itertools, json, math, re, secrets, statistics, struct, time, traceback, types, typing, unicodedata, urllib.parse

import msgspec
from workers import DurableObject, Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("")
"""


def take(options: Mapping[str, Any], work_dir: Path) -> Path:
    """Take the snapshot of a Worker after its imports, once it answers. Raises `StackError` with workerd's words."""
    config = work_dir / CONFIG_NAME
    config.write_text(_workerd_config(options))
    run_step("taking the memory snapshot", [*_command(work_dir), "--python-save-snapshot", config, "gate"])
    path = work_dir / FILE_NAME
    if not path.is_file():
        raise StackError("workerd took no memory snapshot")
    return path


def load(work_dir: Path) -> None:
    """Start the Worker from the snapshot that was taken there, and let it answer. Raises `StackError`."""
    command = [*_command(work_dir), "--python-load-snapshot", FILE_NAME, work_dir / CONFIG_NAME, "gate"]
    run_step("starting from the memory snapshot", command)


def take_interpreter() -> None:
    """Make the snapshot that the local stack's Workers start from."""
    document = tomllib.loads((ROOT / "wrangler.toml").read_text())
    with tempfile.TemporaryDirectory() as work_dir:
        folder = Path(work_dir) / "worker"
        folder.mkdir()
        (folder / f"{INTERPRETER_NAME}.py").write_text(INTERPRETER)
        options = {**python_worker(folder, document), "queueConsumers": {}, "durableObjects": {}}
        path = take({**options, "kvNamespaces": {}, "queueProducers": {}}, Path(work_dir))
        INTERPRETER_SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
        INTERPRETER_SNAPSHOT.write_bytes(path.read_bytes())


def run_step(step: str, command: list[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run a tool to its end. Raises `StackError` that names the step and quotes the tool."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env={**os.environ, **(env or {})}, timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()[:OUTPUT_LINES_MAX]
        raise StackError(f"{step} failed:\n" + "\n".join(lines))


def _command(work_dir: Path) -> list[str | Path]:
    return [
        WORKERD, "test", "--experimental", "--import-path=/", f"--import-path={NODE_MODULES / 'workerd'}",
        f"--pyodide-bundle-disk-cache-dir={BUNDLE_DIR}", f"--python-snapshot-dir={work_dir}",
    ]  # fmt: skip


def _workerd_config(options: Mapping[str, Any]) -> str:
    """The Worker and a JavaScript one that probes it. Storage is in memory; KV and queues lead nowhere."""
    probe = QUEUE_PROBE if options["queueConsumers"] else FETCH_PROBE
    modules = [
        f"(name = {_quoted(str(Path(module['path']).relative_to(MODULES_ROOT)))}, "
        f"{MODULE_KINDS[module['type']]} = embed {_quoted(module['file'])})"
        for module in options["modules"]
    ]
    # Another Worker's class is not there to be bound; nothing asks for it before a message comes.
    own = {binding: each for binding, each in options["durableObjects"].items() if "scriptName" not in each}
    classes = {binding: each["className"] for binding, each in own.items()}
    namespaces = [f'(className = "{name}", uniqueKey = "{name}", enableSql = true)' for name in classes.values()]
    bindings = [
        *(f'(name = "{binding}", kvNamespace = "gate")' for binding in options["kvNamespaces"]),
        *(f'(name = "{binding}", queue = "gate")' for binding in options["queueProducers"]),
        *(f'(name = "{binding}", durableObjectNamespace = "{name}")' for binding, name in classes.items()),
    ]
    return f"""using Workerd = import "/workerd.capnp";
const config :Workerd.Config = (services = [
  (name = "worker", worker = (
    compatibilityDate = "{options["compatibilityDate"]}",
    compatibilityFlags = [{", ".join(map(_quoted, options["compatibilityFlags"]))}],
    modules = [{", ".join(modules)}],
    bindings = [{", ".join(bindings)}],
    durableObjectNamespaces = [{", ".join(namespaces)}],
    durableObjectStorage = (inMemory = void))),
  (name = "gate", worker = (
    compatibilityDate = "{options["compatibilityDate"]}",
    compatibilityFlags = ["experimental", "service_binding_extra_handlers"],
    modules = [(name = "gate.js", esModule = {_quoted(f"export default {{ async test(_, env) {{{probe}}} }};")})],
    bindings = [(name = "WORKER", service = "worker")])),
]);
"""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
