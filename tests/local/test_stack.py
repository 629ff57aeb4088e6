"""The stack as a tool: state that stays, ports that are taken, and nothing left running however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import LOCAL, ROOT
from local.processes import StackError, require_free
from local.stack import Stack

PATIENCE_S = 30.0

HOLD_A_STACK = """
import sys
from pathlib import Path
from local.stack import Stack

try:
    with Stack(Path(sys.argv[1])):
        print("up", flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    pass
"""


def hear_interrupts() -> None:
    """A child of a shell's background job is born deaf to SIGINT, and Python then leaves it so."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def family_of(pid: int) -> set[int]:
    """The process and everything it started, as far as it still runs."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := running_parent_of(int(entry.name))) is not None:
            parents[int(entry.name)] = parent
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def running_parent_of(pid: int) -> int | None:
    """The parent's id, or None for a process that has ended (a zombie has)."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def names_still_running(pids: set[int]) -> list[str]:
    deadline = time.monotonic() + PATIENCE_S
    while running := [pid for pid in pids if running_parent_of(pid) is not None]:
        if time.monotonic() > deadline:
            return [Path(f"/proc/{pid}/comm").read_text().strip() for pid in running]
        time.sleep(0.05)
    return []


def test_a_taken_port_is_named_with_the_way_out(busy_port: int) -> None:
    with pytest.raises(StackError, match=rf"port {busy_port} .*PORT="):
        require_free(busy_port, "the edge Worker")


@pytest.mark.stack
def test_starting_on_a_taken_port_fails_before_anything_starts(tmp_path: Path, busy_port: int) -> None:
    with pytest.raises(StackError, match=f"port {busy_port} "), Stack(tmp_path / "state", port=busy_port):
        pass

    assert not (tmp_path / "state" / "logs").exists()


@pytest.mark.stack
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=lambda end: end.name)
def test_nothing_is_left_running_when_the_supervisor_ends_by(tmp_path: Path, end: signal.Signals) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_STACK, str(tmp_path / "state")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=hear_interrupts,
    )  # fmt: skip
    assert supervisor.stdout is not None and supervisor.stdin is not None
    assert supervisor.stdout.readline() == "up\n"
    family = family_of(supervisor.pid)

    supervisor.send_signal(end)
    supervisor.wait(PATIENCE_S)

    assert len(family) > 5
    assert names_still_running(family) == []
    supervisor.stdin.close()
    supervisor.stdout.close()


@pytest.mark.stack
def test_state_outlives_a_stop_and_a_killed_runtime() -> None:
    state_dir = LOCAL / "test_state"
    with Stack(state_dir, fresh=True, kv={"t:demo:note": {"kept": True}}) as first:
        tokens, killed = first.tokens, first.workerd_pid()
        first.restart_workers()
        assert running_parent_of(killed) is None
        assert first.get_kv("t:demo:note") == '{"kept": true}'

    with Stack(state_dir) as second:
        assert second.tokens == tokens
        assert second.get_kv("t:demo:note") == '{"kept": true}'


def test_help_of_every_command_says_what_it_does() -> None:
    for command in ("up", "down", "serve", "demo", "pack"):
        shown = subprocess.run(
            [sys.executable, "-m", "local", command, "--help"], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "COLUMNS": "100"}, check=True,
        ).stdout  # fmt: skip
        assert command in shown and "--help" in shown


@pytest.mark.stack
def test_an_interrupted_demo_is_not_a_success() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "local", "demo"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        preexec_fn=hear_interrupts,
    )  # fmt: skip
    assert demo.stdout is not None
    while "call   1" not in (line := demo.stdout.readline()):
        assert line, "the demo ended before its first call"
    family = family_of(demo.pid)

    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=PATIENCE_S)

    assert demo.returncode == 130
    assert names_still_running(family) == []
