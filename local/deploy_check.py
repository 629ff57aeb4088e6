"""The deploy gate that works offline: no secret among the vars, wrangler's dry run, and each Worker started from its
own memory snapshot.

wrangler checks nothing inside Python and leaves files out in silence, so what it would upload is compared with what
was staged. The platform starts a Python Worker from a snapshot taken after its imports; workerd takes and loads the
same kind here, which fails on a JavaScript object or on randomness at module level. The snapshot must answer, too.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console

from local.paths import BUNDLE_DIR, LOCAL, NODE, NODE_MODULES, ROOT
from local.vars_check import secrets_in
from local.worker_config import MODULES_ROOT, LocalLimits, worker_options

CONFIGS = (ROOT / "wrangler.toml", ROOT / "queue_consumer" / "wrangler.toml")
WORK_DIR = LOCAL / "deploy_check"
WORKERD = NODE_MODULES / "workerd" / "bin" / "workerd"
WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
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


class DeployCheckError(Exception):
    """A Worker would not deploy; the message says which step failed and quotes the tool."""


def no_secrets(toml_path: Path) -> None:
    """Require that the file may be seen by anybody."""
    places = secrets_in(tomllib.loads(toml_path.read_text()))
    if places:
        raise DeployCheckError(f"secrets in {toml_path.name}, set them by `wrangler secret put`: {', '.join(places)}")


def dry_run(toml_path: Path, options: dict[str, Any], work_dir: Path) -> None:
    """Let wrangler build the upload, and require every staged file in it."""
    upload = work_dir / "upload"
    command = [NODE, WRANGLER, "deploy", "--dry-run", "--config", toml_path, "--outdir", upload]
    _run("wrangler deploy --dry-run", command, {"WRANGLER_SEND_METRICS": "false", "CI": "1"})
    places = (Path(module["path"]).relative_to(MODULES_ROOT) for module in options["modules"])
    missing = [str(place) for place in places if not (upload / place).is_file()]
    if missing:
        raise DeployCheckError(f"wrangler leaves files out of the upload: {', '.join(missing)}")


def snapshot(options: dict[str, Any], work_dir: Path) -> None:
    """Take the Worker's memory snapshot, then start it from that and let it answer."""
    config = work_dir / "worker.capnp"
    config.write_text(_workerd_config(options))
    command = [
        WORKERD, "test", "--experimental", "--import-path=/", f"--import-path={NODE_MODULES / 'workerd'}",
        f"--pyodide-bundle-disk-cache-dir={BUNDLE_DIR}", f"--python-snapshot-dir={work_dir}",
    ]  # fmt: skip
    _run("taking the memory snapshot", [*command, "--python-save-snapshot", config, "gate"])
    if not (work_dir / "snapshot.bin").is_file():
        raise DeployCheckError("workerd took no memory snapshot")
    _run("starting from the memory snapshot", [*command, "--python-load-snapshot", "snapshot.bin", config, "gate"])


def _workerd_config(options: dict[str, Any]) -> str:
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


def _run(step: str, command: list[str | Path], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env={**os.environ, **(env or {})}, timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()[:OUTPUT_LINES_MAX]
        raise DeployCheckError(f"{step} failed:\n" + "\n".join(lines))


def main() -> int:
    """Check both Workers; says what would not deploy and returns 1, or returns 0."""
    console = Console()
    subprocess.run([sys.executable, ROOT / "tools" / "stage.py"], check=True)
    for toml_path in CONFIGS:
        options = worker_options(toml_path, {}, LocalLimits())
        work_dir = WORK_DIR / options["name"]
        shutil.rmtree(work_dir, ignore_errors=True)
        work_dir.mkdir(parents=True)
        try:
            no_secrets(toml_path)
            with console.status(f"{options['name']}: wrangler's dry run"):
                dry_run(toml_path, options, work_dir)
            with console.status(f"{options['name']}: memory snapshot"):
                snapshot(options, work_dir)
        except DeployCheckError as error:
            console.print(f"[red]{options['name']} would not deploy:[/red] ", end="")
            console.print(str(error), markup=False, highlight=False)
            return 1
        console.print(f"{options['name']}: uploads whole, starts from its memory snapshot and answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
