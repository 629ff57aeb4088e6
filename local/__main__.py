"""`python -m local`: start and stop the local stack, and show the main job end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from local.demo import run_demo
from local.paths import BUNDLE_DIR, INTERPRETER_SNAPSHOT, LOCAL, NODE_MODULES, ROOT
from local.processes import StackError
from local.pyodide_bundle import BundleError, pack_bundle
from local.reload import changed_since, snapshot
from local.snapshots import take_interpreter
from local.stack import Stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console()

STACK_JSON = LOCAL / "stack.json"
STATE_DIR = LOCAL / "state"
DEFAULT_PORT = 8787
UP_TIMEOUT_S = 180.0

Port = Annotated[int, typer.Option(envvar="PORT", help="Port of the edge Worker.")]


@app.command()
def pack() -> None:
    """Pack the Pyodide bundle that workerd loads, from the npm package."""
    path = pack_bundle(NODE_MODULES / "pyodide", BUNDLE_DIR)
    console.print(f"packed {path.relative_to(ROOT)}")


@app.command("snapshot")
def take_snapshot() -> None:
    """Start the interpreter with its libraries once, and keep its memory for the stack's Workers to start from."""
    take_interpreter()
    console.print(f"took {INTERPRETER_SNAPSHOT.relative_to(ROOT)}")


@app.command()
def serve(
    port: Port = DEFAULT_PORT,
    reload: Annotated[bool, typer.Option(help="Restart the Workers when their files change.")] = False,
) -> None:
    """Run the stack in the foreground until it is interrupted."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        with Stack(STATE_DIR, port=port, say=lambda message: console.print(f"[dim]{message}…[/dim]")) as stack:
            _write_description(stack)
            console.print(f"edge Worker at {stack.edge_url}, details in {STACK_JSON.relative_to(ROOT)}")
            _stay(stack, reload=reload)
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        STACK_JSON.unlink(missing_ok=True)


@app.command()
def up(port: Port = DEFAULT_PORT) -> None:
    """Start the stack in the background; returns when it answers."""
    if _running_pid() is not None:
        console.print(f"already running; details in {STACK_JSON.relative_to(ROOT)}")
        return
    LOCAL.mkdir(exist_ok=True)
    log_path = LOCAL / "stack.log"
    with log_path.open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "local", "serve", "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + UP_TIMEOUT_S
    with console.status("starting the stack"):
        while not STACK_JSON.exists():
            if supervisor.poll() is not None or time.monotonic() > deadline:
                supervisor.terminate()
                raise StackError(_why(log_path))
            time.sleep(0.1)
    console.print(f"running at http://127.0.0.1:{port}; details in {STACK_JSON.relative_to(ROOT)}")


@app.command()
def down() -> None:
    """Stop the stack that `up` started."""
    pid = _running_pid()
    if pid is None:
        console.print("not running")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while _is_alive(pid):
        if time.monotonic() > deadline:
            raise StackError(f"process {pid} does not stop; its log is .local/stack.log")
        time.sleep(0.1)
    console.print("stopped")


@app.command()
def demo() -> None:
    """An agent's budget stops it: the main job, end to end."""
    with console.status("starting the stack") as status:
        stack = Stack(LOCAL / "demo", fresh=True, say=lambda message: status.update(message))
        stack.__enter__()
    try:
        run_demo(stack, console)
    finally:
        stack.stop()


def _write_description(stack: Stack) -> None:
    unfinished = STACK_JSON.with_suffix(".part")
    unfinished.write_text(json.dumps(stack.describe(), indent=2))
    unfinished.chmod(0o600)
    unfinished.replace(STACK_JSON)


def _stay(stack: Stack, *, reload: bool) -> None:
    seen = snapshot()
    while True:
        time.sleep(0.5)
        changed = changed_since(seen) if reload else None
        if changed is not None:
            console.print(f"{changed.relative_to(ROOT)} changed, restarting the Workers")
            seen = snapshot()
            stack.restart_workers()
            console.print("ready")


def _why(log_path: Path) -> str:
    """What the stack said before it ended, without the label that this process adds itself."""
    said = log_path.read_text()
    return said[said.rfind("error: ") :].removeprefix("error: ").strip() or "the stack did not start"


def _running_pid() -> int | None:
    if not STACK_JSON.exists():
        return None
    pid = int(json.loads(STACK_JSON.read_text())["pid"])
    if _is_alive(pid):
        return pid
    STACK_JSON.unlink(missing_ok=True)
    return None


def _is_alive(pid: int) -> bool:
    return (
        Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    )


def main() -> None:
    """Run a command; a stack that cannot start says why in one message and exits 1."""
    try:
        app()
    except (StackError, BundleError) as error:
        console.print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
